"""Instants are aware or refused, and the wall clock is right in both nights when Greece changes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import StatementError

from portal.db import UtcDateTime
from portal.i18n import wall_clock, weekday_date

ATHENS = "Europe/Athens"
NOTES = Table("note", MetaData(), Column("written_at", UtcDateTime))


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A database in memory with one column of instants."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        NOTES.create(connection)
        yield connection
    engine.dispose()


def test_a_naive_instant_is_refused(connection: Connection) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        connection.execute(insert(NOTES), {"written_at": datetime(2026, 11, 30, 9, 0)})  # noqa: DTZ001


@pytest.mark.parametrize("zone", [UTC, ZoneInfo(ATHENS), timezone(timedelta(hours=-7))])
def test_an_instant_comes_back_as_the_same_instant_in_utc(connection: Connection, zone: Any) -> None:
    written = datetime(2026, 7, 1, 9, 0, tzinfo=zone)
    connection.execute(insert(NOTES), {"written_at": written})
    read = connection.scalar(select(NOTES.c.written_at))
    assert read == written
    assert read is not None and read.utcoffset() == timedelta(0)


def test_no_instant_stays_none(connection: Connection) -> None:
    connection.execute(insert(NOTES), {"written_at": None})
    assert connection.scalars(select(NOTES.c.written_at)).all() == [None]


def at(day: int, month: int, hour: int, minute: int) -> datetime:
    """An instant of 2026, in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (at(29, 3, 0, 59), "02:59"),
        (at(29, 3, 1, 0), "04:00"),
        (at(25, 10, 0, 30), "03:30"),
        (at(25, 10, 0, 59), "03:59"),
        (at(25, 10, 1, 0), "03:00"),
        (at(25, 10, 1, 30), "03:30"),
        (at(25, 10, 2, 0), "04:00"),
    ],
)
def test_the_wall_clock_jumps_with_summer_time(instant: datetime, shown: str) -> None:
    assert wall_clock(instant, ATHENS) == shown


@pytest.mark.parametrize(
    ("instant", "greek"),
    [
        (at(28, 3, 21, 59), "Σάββατο 28 Μαρτίου 2026"),
        (at(28, 3, 22, 0), "Κυριακή 29 Μαρτίου 2026"),
        (at(29, 3, 20, 59), "Κυριακή 29 Μαρτίου 2026"),
        (at(29, 3, 21, 0), "Δευτέρα 30 Μαρτίου 2026"),
        (at(24, 10, 20, 59), "Σάββατο 24 Οκτωβρίου 2026"),
        (at(24, 10, 21, 0), "Κυριακή 25 Οκτωβρίου 2026"),
        (at(25, 10, 21, 59), "Κυριακή 25 Οκτωβρίου 2026"),
        (at(25, 10, 22, 0), "Δευτέρα 26 Οκτωβρίου 2026"),
    ],
)
def test_the_day_changes_at_the_offices_midnight(instant: datetime, greek: str) -> None:
    assert weekday_date(instant, ATHENS) == greek


def test_the_day_is_told_in_the_readers_language(app: Any) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert weekday_date(at(25, 10, 22, 0), ATHENS) == "Monday 26 October 2026"
