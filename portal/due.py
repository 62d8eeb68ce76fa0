"""What the dispatcher and the health page ask of the outbox: unheard rows, old rows, the oldest due row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import CursorResult

from portal import clock
from portal.db import db, must_be_writing
from portal.outbox import OutboxRow, free, rows_where

NUDGE_GRACE = timedelta(seconds=2)
"""Whoever posts a row nudges it himself; the dispatcher steps in after this time."""
NUDGE_AGAIN = timedelta(minutes=1)
"""A nudge without any effect for so long is taken for lost."""
KEPT = timedelta(days=30)
"""Done and cancelled rows are deleted after so long."""


def to_nudge(queue: str, limit: int) -> list[tuple[int, str]]:
    """(id, queue) of due rows of this queue which nobody nudged, or nudged in vain; oldest first."""
    now = clock.now()
    unheard = or_(OutboxRow.nudged_at.is_(None), OutboxRow.nudged_at <= now - NUDGE_AGAIN)
    late = OutboxRow.due_at <= now - NUDGE_GRACE
    return rows_where(*free(now), OutboxRow.queue == queue, late, unheard, limit=limit)


def mark_nudged(row_ids: Iterable[int]) -> None:
    """These rows were put before the workers just now."""
    must_be_writing()
    db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(list(row_ids)))
        .values(nudged_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def oldest_due_age() -> timedelta:
    """Since when the oldest due row waits: it grows when a loop, a worker or the store is dead."""
    now = clock.now()
    oldest = db.session.scalar(select(func.min(OutboxRow.due_at)).where(*free(now)))
    return now - oldest if oldest else timedelta()


def forget_finished() -> int:
    """Delete what was done or called off long ago; the answer is how many rows."""
    must_be_writing()
    result = db.session.execute(
        delete(OutboxRow)
        .where(OutboxRow.state.in_(("done", "cancelled")), OutboxRow.finished_at < clock.now() - KEPT)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount
