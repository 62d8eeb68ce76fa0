"""What ``portal try`` tells an administrator about one configured provider."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was tried on the outside system, in English.

    ``trouble`` is empty when it went well; else it says what is wrong and how it is mended, naming the
    setting.
    """

    tried: str
    trouble: str = ""
