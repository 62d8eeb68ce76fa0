"""Who works when, for one service: read once, kept in memory, and read anew after any change.

Asked by `portal.appointments.availability`. Each reader compares the number in `RosterVersion`; whatever
changes posts, hours, absences, closed days, offices or services changes that number in the same
transaction, so no process goes on with an old plan. Pages that everybody reads compare it once a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import make_transient_to_detached

from portal import clock
from portal.appointments.models import RosterVersion
from portal.appointments.shifts import Counter, Post, Roster
from portal.db import after_commit, db, must_be_writing, only_read
from portal.offices.models import Closure, Office, OpenDay, Service
from portal.people.models import Absence, Membership, Skill, WorkingHours
from portal.scheduling import Spell

INTERPRETER = "interpreter"
CHANGING = (Membership, WorkingHours, Absence, Closure, OpenDay, Office, Service, Skill)
"""A change of any of these changes who works when."""
FRESH = timedelta(seconds=1)
"""What is not older than this is good enough at a glance."""
_NUMBER = "roster number"
_GLANCE = "roster at a glance"
_READING = select(RosterVersion.__table__.c.number)


@dataclass
class _Kept:
    """What was read at one number of the version."""

    number: int
    seen_at: datetime | None = None
    """When the database was last known to have this number."""
    changes: int = 0
    """The changes of this process until then."""
    rosters: dict[int, Roster] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    def is_fresh(self) -> bool:
        """Was it compared within the last second, and has this process changed nothing since?"""
        if self.seen_at is None or self.changes != _changes:
            return False
        return timedelta() <= clock.now() - self.seen_at < FRESH


_kept: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()
_changes = 0
"""How often this process has changed who works when."""


def at_a_glance() -> None:
    """For this request who works when may be a second old, and nothing is written."""
    db.session().info[_GLANCE] = True


def of_service(service: Service) -> Roster:
    """The roster as it stands in the database in this transaction."""
    kept = _current()
    known = kept.rosters.get(service.id)
    if known is None:
        known = kept.rosters[service.id] = _read(service)
    return known


def version() -> int:
    """Changes with every change of who works when; what was worked out at another number is out of date."""
    return _current().number


def service_named(key: str) -> Service | None:
    """The service with this key, if it is given; most often without asking the database for it."""
    kept = _current()
    if key not in kept.services:
        found = db.session.scalar(select(Service).filter_by(key=key, active=True))
        if found is None:
            return None
        kept.services[key] = _copy(found)
    return db.session.merge(kept.services[key], load=False)


def _copy(service: Service) -> Service:
    """The same row, belonging to no session, from which each request can take its own."""
    columns = inspect(Service).column_attrs
    copy = Service(**{column.key: getattr(service, column.key) for column in columns})
    make_transient_to_detached(copy)
    return copy


def changed() -> None:
    """Say that who works when has changed; for changes that do not go through objects."""
    must_be_writing()
    _renumber()


def watch() -> None:
    """From now on, notice changes of who works when as they are written. Called once by the wiring."""
    if not event.contains(db.session, "before_flush", _notice):
        event.listen(db.session, "before_flush", _notice)


def _notice(session: Any, context: object, instances: object) -> None:
    rows = (*session.new, *session.dirty, *session.deleted)
    if any(isinstance(row, CHANGING) for row in rows):
        _renumber()


def _current() -> _Kept:
    """What is known at the number that the database has; it is read once in a transaction, or in a second."""
    session, kept = db.session(), _kept.get(db.engine)
    if session.info.get(_GLANCE):
        if kept is not None and kept.is_fresh():
            return kept
        only_read()
    transaction = session.get_transaction()
    read_in, number = session.info.get(_NUMBER, (None, 0))
    if transaction is not None and read_in is transaction:
        return _at(number)
    seen_at, changes = clock.now(), _changes
    number = session.connection().scalar(_READING) or 0
    session.info[_NUMBER] = (session.get_transaction(), number)
    kept = _at(number)
    # Who writes may see what others must not see yet.
    if not session.info.get("writing"):
        kept.seen_at, kept.changes = seen_at, changes
    return kept


def _at(number: int) -> _Kept:
    kept = _kept.get(db.engine)
    if kept is None or kept.number != number:
        kept = _kept[db.engine] = _Kept(number)
    return kept


def _count_change() -> None:
    global _changes
    _changes += 1


def _renumber() -> None:
    db.session.info.pop(_NUMBER, None)
    _count_change()
    after_commit(_count_change)
    # A random number cannot come back after a backup is restored, as the next one could.
    db.session.connection().execute(
        text(
            "INSERT INTO roster_version (id, number) VALUES (1, :number) "
            "ON CONFLICT (id) DO UPDATE SET number = excluded.number"
        ),
        {"number": secrets.randbits(62)},
    )


def _read(service: Service) -> Roster:
    skilled = select(Skill.membership_id).where(Skill.service_id == service.id)
    posts = _posts(Membership.id.in_(skilled) & (Membership.role != INTERPRETER))
    interpreters = _posts(Membership.role == INTERPRETER)
    return Roster(_counters(), posts, interpreters, _shortest([post.person for post in posts]))


def _posts(which: Any) -> list[Post]:
    members = db.session.execute(
        select(Membership.id, Membership.person_id, Membership.office_id, Membership.languages)
        .join(Office, Office.id == Membership.office_id)
        .where(which, Membership.active, Office.active)
        .order_by(Membership.office_id, Membership.id)
    ).all()
    spells = _spells(which)
    away = _absences()
    return [
        Post(
            person,
            office,
            frozenset(languages),
            tuple(spells.get(membership, ())),
            tuple(away.get(person, ())),
        )
        for membership, person, office, languages in members
    ]


def _spells(which: Any) -> dict[int, list[Spell]]:
    hours = WorkingHours
    rows = db.session.execute(
        select(
            hours.membership_id,
            hours.weekday,
            hours.from_minute,
            hours.to_minute,
            hours.valid_from,
            hours.valid_until,
            hours.on_day,
            hours.channels,
            hours.released_minutes,
        )
        .join(Membership, Membership.id == hours.membership_id)
        .where(which, Membership.active)
        .order_by(hours.id)
    )
    spells: dict[int, list[Spell]] = {}
    for row in rows:
        spell = Spell(*row[1:7], frozenset(row.channels), row.released_minutes)
        spells.setdefault(row.membership_id, []).append(spell)
    return spells


def _absences() -> dict[int, list[tuple[datetime, datetime]]]:
    rows = db.session.execute(
        select(Absence.person_id, Absence.starts_at, Absence.ends_at).where(
            Absence.ends_at > clock.now() - timedelta(days=1)
        )
    )
    away: dict[int, list[tuple[datetime, datetime]]] = {}
    for person, starts_at, ends_at in rows:
        away.setdefault(person, []).append((starts_at, ends_at))
    return away


def _shortest(people: Sequence[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(Membership.person_id, func.min(Service.minutes))
        .join(Skill, Skill.membership_id == Membership.id)
        .join(Service, Service.id == Skill.service_id)
        .where(Service.active, Membership.active)
        .group_by(Membership.person_id)
    )
    wanted = set(people)
    return {person: minutes for person, minutes in rows if person in wanted}


def _counters() -> dict[int, Counter]:
    closures = db.session.execute(select(Closure.office_id, Closure.first_day, Closure.last_day)).all()
    opened = db.session.execute(select(OpenDay.office_id, OpenDay.day)).all()
    everywhere = [(first, last) for office, first, last in closures if office is None]
    of_office: dict[int, list[tuple[date, date]]] = {}
    for office, first, last in closures:
        if office is not None:
            of_office.setdefault(office, []).append((first, last))
    rows = db.session.execute(
        select(Office.id, Office.key, Office.name, Office.time_zone, Office.capacity).where(Office.active)
    )
    return {
        office: Counter(
            office,
            key,
            name,
            zone,
            capacity or {},
            (*everywhere, *of_office.get(office, ())),
            frozenset(day for of, day in opened if of in (None, office)),
        )
        for office, key, name, zone, capacity in rows
    }
