"""The demonstration at the scale of the country: 1,023 offices, 3,000 clerks, a year and two months.

Called by `portal demo --scale national` after the small demonstration is there, to which it adds. All of it
is written in one transaction, in bulk, and agrees as if it had been booked: claims and busy days follow from
the appointments. It is invented from fixed seeds; only the present decides which days it fills.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from portal import clock
from portal.appointments import busy_days, roster
from portal.appointments.models import Appointment, Claim, Participant
from portal.audit import AuditLine
from portal.config import Config
from portal.db import db, transaction
from portal.demo import CATALOGUE, national_days, national_offices
from portal.demo.bulk import highest_number, insert_rows, let_numbers_go_on
from portal.demo.national_days import Season
from portal.demo.national_offices import KEY, Counter
from portal.offices.holidays import closed_days
from portal.offices.models import Closure, Office, Service
from portal.people.models import Membership, Person, Skill, WorkingHours


class OtherData(Exception):
    """The database serves somebody else than the demonstration; nothing is added to it."""


@dataclass(frozen=True)
class Size:
    """How much there shall be, with what the small demonstration has already."""

    offices: int = 1023
    clerks: int = 3000
    past_days: int = 365
    coming_days: int = 60


def is_there() -> bool:
    """True when the national data has been written already."""
    return db.session.scalar(select(Office.id).where(Office.key.startswith(KEY)).limit(1)) is not None


def expect_own_data() -> None:
    """Raise OtherData when there is an office that is not the demonstration's."""
    with CATALOGUE.open("rb") as file:
        own = {office["key"] for office in tomllib.load(file)["offices"]}
    foreign = select(Office.key).where(Office.key.not_in(own), Office.key.not_like(f"{KEY}%"))
    key = db.session.scalar(foreign.order_by(Office.key).limit(1))
    if key is not None:
        raise OtherData(
            f'the database holds other data than the demonstration\'s (office "{key}"); '
            "choose an empty one with PORTAL_DATABASE_URL or PORTAL_INSTANCE"
        )


def fill(config: Config, size: Size, tell: Callable[[int, int], None]) -> int:
    """Write the national data beside the small demonstration's; the answer is how many appointments.

    ``tell(done, total)`` is called after each office. Raises ValueError where ``size`` is smaller than what
    is there already.
    """
    with transaction():
        connection = db.session.connection()
        counters = list(_counters(config, size))
        season = _season(config, size)
        first = highest_number(connection, Appointment) + 1
        number = first
        for done, counter in enumerate(counters, 1):
            _write_counter(connection, counter)
            number = _write_days(connection, config, counter, season, number)
            tell(done, len(counters))
        let_numbers_go_on(connection, (Office, Person, Membership, Appointment))
        busy_days.rebuild()
        roster.changed()
    _let_the_database_look()
    return number - first


def _counters(config: Config, size: Size) -> Iterator[Counter]:
    connection = db.session.connection()
    services = list(
        db.session.scalars(
            select(Service).where(Service.active, Service.second_clerk.is_(False)).order_by(Service.position)
        )
    )
    offices = db.session.scalar(select(func.count(Office.id)).where(Office.active)) or 0
    clerks = db.session.scalar(
        select(func.count(Membership.id)).where(
            Membership.active, Membership.role.in_(("clerk", "supervisor"))
        )
    )
    office = highest_number(connection, Office)
    # A post has the number of its person, so both must be new.
    person = max(highest_number(connection, Person), highest_number(connection, Membership)) + 1
    numbers = national_offices.staffing(size.offices - offices, size.clerks - (clerks or 0))
    for number, staff in enumerate(numbers, 1):
        counter = national_offices.counter(
            number, staff, office + number, person, config.municipality.time_zone, services
        )
        yield counter
        person = counter.first_citizen + counter.citizens


def _season(config: Config, size: Size) -> Season:
    now = clock.now()
    today = now.astimezone(ZoneInfo(config.municipality.time_zone)).date()
    first, last = today - timedelta(days=size.past_days), today + timedelta(days=size.coming_days)
    closures = db.session.execute(
        select(Closure.first_day, Closure.last_day).where(Closure.office_id.is_(None))
    )
    closed = closed_days([(begin, end) for begin, end in closures], first, last)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    days = [day for day in every if day.weekday() < 5 and day not in closed]
    return Season(now, [day for day in days if day < today], [day for day in days if day >= today])


def _write_counter(connection: Connection, counter: Counter) -> None:
    insert_rows(connection, Office, [national_offices.office_row(counter)])
    insert_rows(connection, Person, national_offices.staff_rows(counter))
    insert_rows(connection, Person, national_offices.citizen_rows(counter))
    insert_rows(connection, Membership, national_offices.post_rows(counter))
    insert_rows(connection, Skill, national_offices.skill_rows(counter))
    insert_rows(connection, WorkingHours, national_offices.hours_rows(counter))


def _write_days(connection: Connection, config: Config, counter: Counter, season: Season, first: int) -> int:
    """Write one office's appointments; the answer is the first number that is free then."""
    rows = national_days.rows_of(counter, season, config.booking, first)
    insert_rows(connection, Appointment, rows.appointments)
    insert_rows(connection, Participant, rows.participants)
    insert_rows(connection, AuditLine, rows.record)
    insert_rows(connection, Claim, rows.claims)
    return first + len(rows.appointments)


def _let_the_database_look() -> None:
    """After so many new rows the database shall know how they lie before it plans the next question."""
    postgres = db.engine.dialect.name == "postgresql"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if postgres else "ANALYZE")
