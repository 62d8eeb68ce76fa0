"""The present, in one place: every other module asks here, so that tests can choose the hour.

And which time zones there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_pretended: ContextVar[datetime | None] = ContextVar("pretended", default=None)


def now() -> datetime:
    """The present moment in UTC, aware."""
    return _pretended.get() or datetime.now(UTC)


@contextmanager
def pretend(instant: datetime) -> Iterator[None]:
    """Inside the block it is ``instant``. Only for the demonstration's sample data of past days."""
    token = _pretended.set(instant)
    try:
        yield
    finally:
        _pretended.reset(token)


def is_time_zone(name: str) -> bool:
    """Does the machine know this zone? Asking for one reads a file; listing all of them reads six hundred."""
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
