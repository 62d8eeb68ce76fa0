"""Who works when, for one service: read once, kept in memory, and read anew after any change.

Asked by `portal.appointments.availability`. Each reader compares the number in `RosterVersion`; whatever
changes posts, hours, absences, closed days, offices or services changes that number in the same
transaction, so no process goes on with an old plan. Pages that everybody reads compare it once a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import make_transient_to_detached

from portal import clock, scheduling
from portal.appointments.models import RosterVersion
from portal.db import Bilingual, after_commit, db, must_be_writing, only_read
from portal.offices.holidays import closed_days
from portal.offices.models import Closure, Office, OpenDay, Service
from portal.people.models import Absence, Membership, Skill, WorkingHours
from portal.scheduling import Rules, Spell, Window

INTERPRETER = "interpreter"
CHANGING = (Membership, WorkingHours, Absence, Closure, OpenDay, Office, Service, Skill)
"""A change of any of these changes who works when."""
SHAPES_KEPT = 64
FRESH = timedelta(seconds=1)
"""What is not older than this is good enough at a glance."""
_NUMBER = "roster number"
_GLANCE = "roster at a glance"
_READING = select(RosterVersion.__table__.c.number)


@dataclass(frozen=True)
class Post:
    """Somebody who serves in an office. Interpreters serve all offices."""

    person: int
    office: int
    languages: frozenset[str]
    spells: tuple[Spell, ...]
    away: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class Counter:
    """What the search needs to know of an office."""

    office: int
    key: str
    name: Bilingual
    zone: str
    capacity: Mapping[str, int]
    closures: tuple[tuple[date, date], ...]
    open_days: frozenset[date]


@dataclass(frozen=True)
class Shift:
    """A post in a window: all working time, and what of it is kept for staff, by release in minutes."""

    post: Post
    planned: int
    """As the plan says, before anything is closed."""
    opened: int
    """What of it lies on open days."""
    working: int
    """What of that he is present."""
    kept: Mapping[int, int]


@dataclass
class Roster:
    """All posts of one service, with everything about their offices."""

    counters: Mapping[int, Counter]
    posts: Sequence[Post]
    interpreters: Sequence[Post]
    shortest: Mapping[int, int]
    """Minutes of the shortest service that each person can give."""
    _shapes: dict[tuple[object, ...], Any] = field(default_factory=dict)

    @cached_property
    def by_office(self) -> Mapping[int, Sequence[int]]:
        """Numbers of the posts of each office."""
        found: dict[int, list[int]] = {}
        for number, post in enumerate(self.posts):
            found.setdefault(post.office, []).append(number)
        return found

    @cached_property
    def offices(self) -> Sequence[Counter]:
        """The offices where somebody gives the service, by their keys."""
        return sorted((self.counters[office] for office in self.by_office), key=lambda counter: counter.key)

    def shifts(self, window: Window, channel: str) -> Sequence[Shift]:
        """The posts in a window, in the order of ``posts``."""
        return self._kept((window, channel), lambda: list(self.shifts_of(self.posts, window, channel)))

    def interpreters_shifts(self, window: Window) -> Sequence[Shift]:
        """The interpreters in a window; each keeps the closed days of his own office."""
        return self._kept((window,), lambda: list(self.shifts_of(self.interpreters, window, "video")))

    def shifts_of(self, posts: Sequence[Post], window: Window, channel: str) -> Iterator[Shift]:
        """Any posts in a window, also such as are only thought of."""
        return _shifts(self, posts, window, channel)

    def fits(self, window: Window, channel: str, rules: Rules) -> Sequence[int]:
        """Where each shift has room for a meeting, on the raster, before anything is taken."""
        raster = scheduling.raster_calendar(rules.raster, window)
        return self._kept(
            (window, channel, rules.minutes, rules.raster),
            lambda: [
                scheduling.fitting(shift.working, rules) & raster for shift in self.shifts(window, channel)
            ],
        )

    def _kept(self, key: tuple[object, ...], make: Any) -> Any:
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= SHAPES_KEPT:
                self._shapes.clear()
            shape = self._shapes[key] = make()
        return shape


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


def _shifts(roster: Roster, posts: Sequence[Post], window: Window, channel: str) -> Iterator[Shift]:
    """Plans and closed days repeat among posts, so each different one is worked out once."""
    plans: dict[object, tuple[int, Mapping[int, int]]] = {}
    closed: dict[object, int] = {}
    for post in posts:
        counter = roster.counters[post.office]
        plan_key = (post.spells, counter.zone)
        if plan_key not in plans:
            plans[plan_key] = _plan(post, counter.zone, window, channel)
        closed_key = (counter.closures, counter.open_days, counter.zone)
        if closed_key not in closed:
            closed[closed_key] = _closed(counter, window)
        planned, kept = plans[plan_key]
        opened = working = planned & ~closed[closed_key]
        for starts_at, ends_at in post.away:
            working &= ~scheduling.span(starts_at, ends_at, window)
        yield Shift(post, planned, opened, working, kept)


def _plan(post: Post, zone: str, window: Window, channel: str) -> tuple[int, Mapping[int, int]]:
    spells = scheduling.for_channel(post.spells, channel)
    local = _local(window, zone)
    working = scheduling.planned_calendar(spells, local)
    kept = scheduling.kept_calendars(spells, local)
    return _into(window, local, working), {m: _into(window, local, row) for m, row in kept.items()}


def _closed(counter: Counter, window: Window) -> int:
    local = _local(window, counter.zone)
    last_day = local.first_day + timedelta(days=local.days)
    days = closed_days(counter.closures, local.first_day, last_day, counter.open_days)
    return _into(window, local, scheduling.closed_calendar(days, local))


def _local(window: Window, zone: str) -> Window:
    """The window in an office's own zone; with a day on either side where that is another one."""
    if zone == window.zone:
        return window
    return Window(window.first_day - timedelta(days=1), window.days + 2, zone)


def _into(window: Window, local: Window, calendar: int) -> int:
    """A calendar of the local window as one of ``window``."""
    shift = local.first_quantum - window.first_quantum
    moved = calendar << shift if shift >= 0 else calendar >> -shift
    return moved & scheduling.bits(0, window.length)
