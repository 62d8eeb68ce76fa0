"""Claims as bits: one row a resource and UTC day, kept beside the claims and read instead of them.

Only `portal.appointments.occupancy` writes here, in the transaction of the claims. Reading thirty days
of ten clerks costs the same whether they are empty or full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.appointments.models import Appointment, BusyDay, Claim
from portal.db import db, must_be_writing
from portal.scheduling import DAY_QUANTA, Window, bits, quanta_taken

WORD_BITS = 60
"""A word is a signed number of 64 bits on every database."""
WORDS = 5
_WORD = (1 << WORD_BITS) - 1
_COLUMNS = tuple(getattr(BusyDay, f"word_{number}") for number in range(WORDS))


def mark(pieces: Iterable[tuple[str, int]]) -> None:
    """These pieces are taken. A citizen's own time is offered to nobody, so it has no row."""
    marking = _taking(db.engine.dialect.name)
    for (resource, day), row in sorted(_by_day(pieces).items()):
        values = {"resource": resource, "day": day} | _words(row)
        db.session.execute(marking, values)


def clear(pieces: Iterable[tuple[str, int]]) -> None:
    """These pieces are free again."""
    for (resource, day), row in sorted(_by_day(pieces).items()):
        words = [column.op("&")(~word) for column, word in zip(_COLUMNS, _words(row).values(), strict=True)]
        db.session.execute(
            update(BusyDay)
            .where(BusyDay.resource == resource, BusyDay.day == day)
            .values(dict(zip((column.key for column in _COLUMNS), words, strict=True)))
            .execution_options(synchronize_session=False)
        )


def calendars(
    resources: Sequence[str], window: Window, ignoring: Appointment | None = None
) -> dict[str, int]:
    """When each of the resources is taken; one that is free throughout has no entry.

    Holds whose time is over do not count, nor does what the appointment ``ignoring`` has.
    """
    first, end = window.midnights[0], window.midnights[-1]
    rows = db.session.execute(
        select(BusyDay.resource, BusyDay.day, *_COLUMNS).where(
            BusyDay.resource.in_(resources),
            BusyDay.day.between(first // DAY_QUANTA, (end - 1) // DAY_QUANTA),
        )
    )
    taken: dict[str, int] = {}
    for resource, day, *words in rows:
        row = _row(words)
        offset = day * DAY_QUANTA - first
        taken[resource] = taken.get(resource, 0) | (row << offset if offset >= 0 else row >> -offset)
    for resource, row in _not_really_taken(resources, window, ignoring).items():
        taken[resource] = taken.get(resource, 0) & ~row
    everything = bits(0, window.length)
    return {resource: row & everything for resource, row in taken.items()}


def rebuild() -> None:
    """Make all rows anew from the claims. For imports and migrations; needs a transaction."""
    must_be_writing()
    db.session.execute(text("DELETE FROM busy_day"))
    of_word = ", ".join(
        f"CAST(SUM(CASE WHEN (quantum % {DAY_QUANTA}) / {WORD_BITS} = {number} "
        f"THEN CAST(1 AS BIGINT) << ((quantum % {DAY_QUANTA}) % {WORD_BITS}) ELSE 0 END) AS BIGINT)"
        for number in range(WORDS)
    )
    names = ", ".join(column.key for column in _COLUMNS)
    db.session.execute(
        text(
            f"INSERT INTO busy_day (resource, day, {names}) "  # noqa: S608 - numbers and columns of ours
            f"SELECT resource, quantum / {DAY_QUANTA}, {of_word} FROM claim "
            f"WHERE resource NOT LIKE 'citizen:%' GROUP BY resource, quantum / {DAY_QUANTA}"
        )
    )


def _not_really_taken(
    resources: Sequence[str], window: Window, ignoring: Appointment | None
) -> dict[str, int]:
    """Claims that count as free for the reader; there are few of them at any time."""
    free = Claim.expires_at <= clock.now()
    if ignoring is not None:
        free |= Claim.appointment_id == ignoring.id
    rows = db.session.execute(
        select(Claim.resource, Claim.quantum).where(
            free,
            Claim.resource.in_(resources),
            Claim.quantum.between(window.midnights[0], window.midnights[-1] - 1),
        )
    )
    quanta: dict[str, list[int]] = {}
    for resource, quantum in rows:
        quanta.setdefault(resource, []).append(quantum)
    return {resource: quanta_taken(of_resource, window) for resource, of_resource in quanta.items()}


@cache
def _taking(database: str) -> Any:
    """The statement that marks one day, made once for each kind of database."""
    statement = (postgresql if database == "postgresql" else sqlite).insert(BusyDay)
    return statement.on_conflict_do_update(
        index_elements=[BusyDay.resource, BusyDay.day],
        set_={c.key: c.op("|")(statement.excluded[c.key]) for c in _COLUMNS},
    )


def _by_day(pieces: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    days: dict[tuple[str, int], int] = {}
    for resource, quantum in pieces:
        if not resource.startswith("citizen:"):
            day, number = divmod(quantum, DAY_QUANTA)
            days[resource, day] = days.get((resource, day), 0) | 1 << number
    return days


def _words(row: int) -> dict[str, int]:
    return {column.key: row >> WORD_BITS * number & _WORD for number, column in enumerate(_COLUMNS)}


def _row(words: Sequence[int]) -> int:
    row = 0
    for number, word in enumerate(words):
        if word:
            row |= word << WORD_BITS * number
    return row
