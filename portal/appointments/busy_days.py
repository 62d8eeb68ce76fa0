"""Claims as bits: one row a resource and UTC day, kept beside the claims and read instead of them.

Only `portal.appointments.occupancy` writes here, in the transaction of the claims. Reading thirty days
of ten clerks costs the same whether they are empty or full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, null, or_, select, text, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from portal import clock
from portal.appointments.models import Appointment, BusyDay, Claim
from portal.db import after_commit, db, must_be_writing
from portal.scheduling import DAY_QUANTA, Window, bits, quanta_taken

WORD_BITS = 60
"""A word is a signed number of 64 bits on every database."""
WORDS = 5
_WORD = (1 << WORD_BITS) - 1
_COLUMNS = tuple(getattr(BusyDay, f"word_{number}") for number in range(WORDS))
DAY_BYTES = DAY_QUANTA // 8
_changes: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()

_BUSY = BusyDay.__table__.c
_CLAIM = Claim.__table__.c
_READING = union_all(
    select(_BUSY.resource, _BUSY.day, *(_BUSY[column.key] for column in _COLUMNS)).where(
        _BUSY.resource.in_(bindparam("resources", expanding=True)),
        _BUSY.day.between(bindparam("first_day"), bindparam("last_day")),
    ),
    # Claims that count as free for the reader, without words; there are few of them at any time.
    select(_CLAIM.resource, _CLAIM.quantum, *(null() for _ in _COLUMNS)).where(
        or_(_CLAIM.expires_at <= bindparam("now"), _CLAIM.appointment_id == bindparam("ignored")),
        _CLAIM.resource.in_(bindparam("resources", expanding=True)),
        _CLAIM.quantum >= bindparam("first"),
        _CLAIM.quantum < bindparam("end"),
    ),
)


def changes() -> int:
    """How often this process has written here; what was read at another number is out of date."""
    return _changes.get(db.engine, 0)


def mark(pieces: Iterable[tuple[str, int]]) -> None:
    """These pieces are taken. A citizen's own time is offered to nobody, so it has no row."""
    after_commit(_count_change)
    marking = _taking(db.engine.dialect.name)
    for (resource, day), row in sorted(_by_day(pieces).items()):
        values = {"resource": resource, "day": day} | _words(row)
        db.session.execute(marking, values)


def clear(pieces: Iterable[tuple[str, int]]) -> None:
    """These pieces are free again."""
    after_commit(_count_change)
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

    Holds whose time is over do not count, nor does what the appointment ``ignoring`` has. One statement.
    """
    first, end = window.midnights[0], window.midnights[-1]
    first_day, last_day = first // DAY_QUANTA, (end - 1) // DAY_QUANTA
    values = {
        "resources": resources,
        "first_day": first_day,
        "last_day": last_day,
        "first": first,
        "end": end,
        "now": clock.now(),
        "ignored": ignoring.id if ignoring else 0,
    }
    rows: dict[str, bytearray] = {}
    free: dict[str, list[int]] = {}
    for resource, number, *words in db.session.connection().execute(_READING, values).all():
        if words[0] is None:
            free.setdefault(resource, []).append(number)
            continue
        row = rows.get(resource)
        if row is None:
            row = rows[resource] = bytearray(DAY_BYTES * (last_day - first_day + 1))
        begin = DAY_BYTES * (number - first_day)
        row[begin : begin + DAY_BYTES] = _row(words).to_bytes(DAY_BYTES, "little")
    offset, everything = first - first_day * DAY_QUANTA, bits(0, window.length)
    taken = {r: int.from_bytes(row, "little") >> offset & everything for r, row in rows.items()}
    for resource, quanta in free.items():
        taken[resource] = taken.get(resource, 0) & ~quanta_taken(quanta, window)
    return taken


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


def _count_change() -> None:
    _changes[db.engine] = changes() + 1


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
