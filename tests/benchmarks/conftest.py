"""The benchmarks are not installed with the portal, so their tests find them beside it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
