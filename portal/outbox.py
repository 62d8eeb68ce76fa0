"""The work to do, one row each: written in the transaction of its cause, done by a worker afterwards.

Life cycles post rows, jobs registered here do them, `portal.worker` calls `run`. All retries live here.
A job runs at least once; its own key towards the outside makes a repetition harmless.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import structlog
from flask import Flask
from sqlalchemy import JSON, Index, String, Table, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql import ColumnElement

from portal import clock
from portal.db import Base, UtcDateTime, after_commit, db, must_be_writing, transaction
from portal.plugin_api import ConfigurationFailure, PermanentFailure, TemporaryFailure
from portal.queues import QUEUES, nudge

log = structlog.get_logger()

F = TypeVar("F", bound=Callable[..., None])

LEASE_MARGIN = timedelta(seconds=15)
"""A claim outlives the time limit of its work by so much; then somebody else may take the row."""
MISCONFIGURED_WAIT = timedelta(minutes=5)
"""A wrong setting is mended by a person, so asking again soon is of no use."""
SECOND_LIFE = timedelta(days=1)
"""For so long a row is tried again that staff revived."""
BURIED = ".buried"
"""Ends the kind of the work that tells of a buried row."""


class OutboxRow(Base):
    """One piece of work. ``payload`` holds ids and facts of the catalogue, no personal data."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the event and the purpose: posting it twice leaves one row."""
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    """What it is about, so that it can be called off: ``appointment:17:v2``."""
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    queue: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    """``waiting`` (also while somebody works on it), ``done``, ``cancelled`` or ``buried``."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    """Counts the claims; the number of a claim proves later that it still holds."""
    nudged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_WAITING = OutboxRow.state == "waiting"

Index(
    "ix_outbox_waiting",
    OutboxRow.due_at,
    postgresql_where=_WAITING,
    sqlite_where=_WAITING,
)
Index("ix_outbox_finished", OutboxRow.state, OutboxRow.finished_at)


@dataclass(frozen=True)
class Job:
    """The function that does one kind of work."""

    kind: str
    queue: str
    do: Callable[..., None]


@dataclass(frozen=True)
class Claim:
    """The right to do one row, until the lease runs out. ``attempt`` proves it."""

    row_id: int
    attempt: int
    kind: str
    queue: str
    payload: Mapping[str, Any]
    give_up_at: datetime


_jobs: dict[str, Job] = {}


def job(kind: str, *, queue: str) -> Callable[[F], F]:
    """Register the function for rows of ``kind``. It gets the payload's values by name and opens its own
    transactions; run again, it must see what was done already and do no harm.
    """
    if queue not in QUEUES:
        raise ValueError(f"{kind}: there is no queue {queue}")

    def register(function: F) -> F:
        known = _jobs.get(kind)
        if known and _name(known.do) != _name(function):
            raise ValueError(f"{kind}: {_name(known.do)} does that already")
        _jobs[kind] = Job(kind, queue, function)
        return function

    return register


def when_buried(kind: str) -> Callable[[F], F]:
    """Register a job that is told when work of ``kind`` is given up; it gets the payload and ``reason``."""
    return job(kind + BURIED, queue=_jobs[kind].queue)


def jobs() -> Mapping[str, Job]:
    """All registered jobs by kind."""
    return dict(_jobs)


def post(
    kind: str,
    subject: str,
    payload: Mapping[str, Any],
    *,
    key: str,
    give_up_at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Write down work, to be done from ``due_at`` until ``give_up_at``. A known ``key`` changes nothing."""
    must_be_writing()
    now = clock.now()
    queue = _jobs[kind].queue
    table = cast(Table, OutboxRow.__table__)
    insert: Callable[..., Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[
        db.engine.dialect.name
    ]
    row_id = db.session.execute(
        insert(table)
        .values(
            key=key,
            kind=kind,
            subject=subject,
            payload=dict(payload),
            queue=queue,
            due_at=due_at or now,
            give_up_at=give_up_at,
            posted_at=now,
        )
        .on_conflict_do_nothing(index_elements=[table.c.key])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if row_id is not None and (due_at is None or due_at <= now):
        after_commit(lambda: nudge([(row_id, queue)]))


def cancel(subject: str, kinds: Sequence[str] | None = None) -> int:
    """Call off the waiting rows about ``subject`` (of these ``kinds`` only); the answer is how many."""
    must_be_writing()
    chosen = [_WAITING, OutboxRow.subject == subject]
    if kinds is not None:
        chosen.append(OutboxRow.kind.in_(kinds))
    return _change(chosen, state="cancelled", finished_at=clock.now())


def claim(row_id: int) -> Claim | None:
    """Take the row, if it is due and nobody else works on it."""
    must_be_writing()
    now = clock.now()
    queue = db.session.scalar(select(OutboxRow.queue).where(OutboxRow.id == row_id))
    if queue is None:
        return None
    taken = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id, *free(now))
        .values(
            claimed_until=now + QUEUES[queue].limit + LEASE_MARGIN,
            attempts=OutboxRow.attempts + 1,
        )
        .returning(OutboxRow.attempts, OutboxRow.kind, OutboxRow.payload, OutboxRow.give_up_at)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        return None
    return Claim(row_id, taken.attempts, taken.kind, queue, taken.payload, taken.give_up_at)


def finish(claimed: Claim) -> bool:
    """The work is done. False when the claim did not hold any more; then nothing is changed."""
    return _settle(claimed, state="done", finished_at=clock.now(), last_error="")


def postpone(claimed: Claim, reason: str, earliest: timedelta | None = None) -> bool:
    """Try again later, not before ``earliest`` from now; bury the row if that would be too late."""
    due_at = clock.now() + _pause(claimed, earliest)
    if due_at >= claimed.give_up_at:
        return bury(claimed, reason)
    return _settle(claimed, due_at=due_at, claimed_until=None, nudged_at=None, last_error=reason[:300])


def bury(claimed: Claim, reason: str) -> bool:
    """Give up: the row goes on the staff's list, and whoever registered for it is told."""
    if not _settle(claimed, state="buried", finished_at=clock.now(), last_error=reason[:300]):
        return False
    log.error("work given up", row=claimed.row_id, kind=claimed.kind, reason=reason)
    if claimed.kind + BURIED in _jobs:
        post(
            claimed.kind + BURIED,
            f"outbox:{claimed.row_id}",
            {**claimed.payload, "reason": reason},
            key=f"buried-{claimed.row_id}-{claimed.attempt}",
            give_up_at=clock.now() + SECOND_LIFE,
        )
    return True


def run(row_id: int) -> bool:
    """Claim the row, do its job and write down how it went. False when there was nothing to claim."""
    with transaction():
        claimed = claim(row_id)
        hopeless = _hopeless(claimed) if claimed else ""
        if claimed and hopeless:
            bury(claimed, hopeless)
    if claimed is None or hopeless:
        return claimed is not None
    try:
        _jobs[claimed.kind].do(**claimed.payload)
        with transaction():
            finish(claimed)
        log.info("work done", row=claimed.row_id, kind=claimed.kind, attempt=claimed.attempt)
    except Exception as error:
        db.session.rollback()
        _write_down_failure(claimed, error)
    return True


def _hopeless(claimed: Claim) -> str:
    """Why the job is not even tried, or empty."""
    if claimed.give_up_at <= clock.now():
        return "it was too late when its turn came"
    if claimed.kind not in _jobs:
        return f"nobody does work of the kind {claimed.kind} any more"
    return ""


def run_due(app: Flask) -> int:
    """Do all due rows here and now, one after the other, until none is left. For tests and small commands."""
    count = 0
    while True:
        with app.app_context():
            waiting = due()
        if not waiting:
            return count
        for row_id, _ in waiting:
            with app.app_context():
                count += run(row_id)


def due(limit: int = 100, queue: str = "") -> list[tuple[int, str]]:
    """(id, queue) of rows that are due and free, oldest first; of one queue, or of all."""
    chosen = [OutboxRow.queue == queue] if queue else []
    return rows_where(*free(clock.now()), *chosen, limit=limit)


def rows_where(*conditions: ColumnElement[bool], limit: int) -> list[tuple[int, str]]:
    """(id, queue) of such rows, oldest first."""
    rows = db.session.execute(
        select(OutboxRow.id, OutboxRow.queue)
        .where(*conditions)
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
    )
    return [(row.id, row.queue) for row in rows]


def free(now: datetime) -> list[ColumnElement[bool]]:
    """The rows that are due and that nobody works on."""
    return [
        _WAITING,
        OutboxRow.due_at <= now,
        or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until < now),
    ]


def release(row_id: int) -> None:
    """The process that worked on the row is known to be dead: let it be tried again at once."""
    must_be_writing()
    _change([OutboxRow.id == row_id, _WAITING], claimed_until=None, nudged_at=None)


def buried_rows() -> list[OutboxRow]:
    """What staff must look at, newest first."""
    return list(
        db.session.scalars(
            select(OutboxRow)
            .where(OutboxRow.state == "buried")
            .order_by(OutboxRow.finished_at.desc(), OutboxRow.id.desc())
        )
    )


def retry_now(row_id: int) -> bool:
    """Staff wants a buried row tried again. False when it is not buried (any more)."""
    must_be_writing()
    now = clock.now()
    queue = db.session.scalar(select(OutboxRow.queue).where(OutboxRow.id == row_id))
    revived = _change(
        [OutboxRow.id == row_id, OutboxRow.state == "buried"],
        state="waiting",
        due_at=now,
        give_up_at=now + SECOND_LIFE,
        claimed_until=None,
        nudged_at=None,
        finished_at=None,
    )
    if revived and queue is not None:
        after_commit(lambda: nudge([(row_id, queue)]))
    return bool(revived)


def close(row_id: int) -> bool:
    """Staff has dealt with a buried row otherwise. False when it is not buried (any more)."""
    must_be_writing()
    return bool(
        _change(
            [OutboxRow.id == row_id, OutboxRow.state == "buried"],
            state="cancelled",
            finished_at=clock.now(),
        )
    )


def _name(function: Callable[..., None]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _settle(claimed: Claim, **values: Any) -> bool:
    """Change the row, if it still waits for the holder of this very claim."""
    must_be_writing()
    mine = [OutboxRow.id == claimed.row_id, OutboxRow.attempts == claimed.attempt, _WAITING]
    return _change(mine, **values) == 1


def _change(conditions: Sequence[ColumnElement[bool]], **values: Any) -> int:
    result = db.session.execute(
        update(OutboxRow).where(*conditions).values(**values).execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount


def _pause(claimed: Claim, earliest: timedelta | None) -> timedelta:
    """Doubling with each attempt, spread by half so that failed rows do not come back all at once."""
    pace = QUEUES[claimed.queue]
    doubled: timedelta = pace.first * 2 ** min(claimed.attempt - 1, 20)
    spread = min(doubled, pace.longest) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret is made of it
    return max(min(spread, pace.longest), earliest or timedelta())


def _write_down_failure(claimed: Claim, error: Exception) -> None:
    facts = {"row": claimed.row_id, "kind": claimed.kind, "attempt": claimed.attempt}
    with transaction():
        if isinstance(error, PermanentFailure):
            bury(claimed, str(error))
        elif isinstance(error, ConfigurationFailure):
            log.error("work waits for a mended setting", reason=str(error), **facts)
            postpone(claimed, str(error), MISCONFIGURED_WAIT)
        elif isinstance(error, TemporaryFailure):
            log.warning("work postponed", reason=str(error), **facts)
            postpone(claimed, str(error), error.retry_after)
        else:
            _log_mistake(claimed, error)
            postpone(claimed, f"unexpected {type(error).__name__}")


def _log_mistake(claimed: Claim, error: Exception) -> None:
    """Tell only what broke and where: the words of a foreign error may quote personal data."""
    log.error(
        "work broke",
        row=claimed.row_id,
        kind=claimed.kind,
        attempt=claimed.attempt,
        error=type(error).__name__,
        trace=traceback.format_tb(error.__traceback__),
    )
