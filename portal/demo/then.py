"""The demonstration's past days: what is done inside `at` is dated as of then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from portal import clock
from portal.db import db


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Inside the block, which stands in a transaction, it is ``instant`` (UTC)."""
    # Rows take their dates when they are written; left until later, that would be another day.
    db.session.flush()
    with clock.pretend(instant):
        yield
        db.session.flush()
