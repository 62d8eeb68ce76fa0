"""A small town where times are scarce: four clerks, one interpreter, two licences, two mornings.

Its plans are written down here once, put into the database, and asked of the slow reference of
`tests/scheduling`. Used by the histories and the races.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from portal import clock
from portal.appointments import roster
from portal.appointments.models import Appointment, BusyDay, Claim, EarlierWish, Participant
from portal.appointments.rules import Wish
from portal.audit import AuditLine
from portal.config import BookingRules
from portal.db import Bilingual, db, transaction
from portal.offices.models import Field, Office, Service
from portal.outbox import OutboxRow
from portal.people.models import Absence, Membership, Person, WorkingHours
from portal.scheduling import Rules, Spell, Window, instant_of

from ..scheduling import reference
from ..scheduling.reference import Somebody

ATHENS = "Europe/Athens"
MORNINGS = (0, 1)
"""Monday and Tuesday."""
PLANS = {
    "Anna": [Spell(day, 540, 660) for day in MORNINGS],
    "Babis": [Spell(day, *part) for day in MORNINGS for part in ((540, 580), (600, 660))],
    "Chloe": [Spell(0, 540, 630), Spell(1, 540, 660, released_minutes=0), Spell(1, 540, 570)],
    "Dimos": [Spell(day, 560, 640, channels=frozenset({"video"})) for day in MORNINGS],
    "Ifigeneia": [Spell(0, 570, 660), Spell(1, 540, 600)],
}
OFFICES = {"east": ["Anna", "Babis", "Chloe"], "west": ["Dimos"]}
INTERPRETER = "Ifigeneia"
CAPACITY = {"east": {"video": 2}, "west": {}}

WRITTEN = (BusyDay, Claim, EarlierWish, Participant, Absence, Appointment, AuditLine, OutboxRow)
"""Tables that histories and races fill, in an order in which they can be emptied."""


def text(words: str) -> Bilingual:
    return Bilingual(words, words)


@dataclass
class Town:
    """What was put into the database, by name."""

    booking: BookingRules
    offices: dict[str, Office] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    citizens: list[Person] = field(default_factory=list)

    def free_starts(
        self,
        service: Service,
        wish: Wish,
        office: Office | None,
        taken: dict[str, set[int]],
        absences: dict[int, tuple[tuple[datetime, datetime], ...]],
    ) -> list[datetime]:
        """What the slow reference finds when so much is ``taken``, by resource, and so many are away."""
        asked = Question(self, service, wish, taken, absences)
        found = {start for one in self.offices.values() if office in (None, one) for start in asked.at(one)}
        return sorted(found)


@dataclass
class Question:
    """Free starts, asked of the reference."""

    town: Town
    service: Service
    wish: Wish
    taken: dict[str, set[int]]
    absences: dict[int, tuple[tuple[datetime, datetime], ...]]

    @property
    def minutes(self) -> int:
        return self.service.minutes + (
            self.town.booking.interpreted_extra_minutes if self.wish.interpreted else 0
        )

    def at(self, office: Office) -> list[datetime]:
        """At one office: clerks, and perhaps an interpreter and a place."""
        service, buffer = self.service, self.town.booking.interpreter_buffer_minutes
        with_buffers = Rules(self.minutes, service.buffer_before, service.buffer_after)
        clerks = [self._somebody(name, with_buffers) for name in OFFICES[office.key]]
        pools: list[tuple[list[Somebody], int]] = [(clerks, 2 if service.second_clerk else 1)]
        if self.wish.interpreted:
            interpreter = self._somebody(INTERPRETER, Rules(self.minutes, buffer, buffer))
            pools.append(([interpreter], 1))
        if places := CAPACITY[office.key].get(self.wish.channel):
            names = [f"place:{office.id}:{self.wish.channel}:{n}" for n in range(1, places + 1)]
            pools.append(([self._place(name) for name in names], 1))
        today = clock.now().astimezone(ZoneInfo(ATHENS)).date()
        window = Window(today, service.horizon_days + 1, ATHENS)
        earliest = clock.now() + timedelta(minutes=0 if self.wish.by_staff else service.lead_minutes)
        starts = reference.possible_starts(
            window, self.town.booking.raster_minutes, earliest, window.midnight(window.days)
        )
        return reference.free_starts(pools, window, starts)

    def _somebody(self, name: str, rules: Rules) -> Somebody:
        person = self.town.people[name].id
        return Somebody(
            tuple(PLANS[name]),
            rules,
            absences=self.absences.get(person, ()),
            taken=self._taken(f"staff:{person}"),
            channel="video" if name == INTERPRETER else self.wish.channel,
            by_staff=self.wish.by_staff or name == INTERPRETER,
            now=clock.now(),
        )

    def _place(self, name: str) -> Somebody:
        always = tuple(Spell(day, 0, 1440) for day in range(7))
        return Somebody(always, Rules(self.minutes), taken=self._taken(name))

    def _taken(self, resource: str) -> frozenset[datetime]:
        return frozenset(map(instant_of, self.taken.get(resource, ())))


def build(booking: BookingRules, citizens: int = 3) -> Town:
    """Put the town into the database; whoever served there before does so no more."""
    town = Town(booking)
    with transaction():
        for post in db.session.scalars(select(Membership)):
            post.active = False
        subject = Field(key="town", name=text("Town"), summary=text("Town"), position=99)
        town.services = {
            "paper": _service(subject, "town-paper", 20, 0, 5),
            "oath": _service(subject, "town-oath", 30, 5, 0, second_clerk=True),
        }
        town.offices = {key: _office(key) for key in OFFICES}
        town.people = {name: Person(first_name=name) for name in PLANS}
        town.citizens = [Person(first_name=f"Citizen {number}") for number in range(citizens)]
        db.session.add_all([subject, *town.offices.values(), *town.people.values(), *town.citizens])
        for office, clerks in OFFICES.items():
            for name in clerks:
                db.session.add(_post(town, name, office, "clerk", town.services.values()))
        db.session.add(_post(town, INTERPRETER, "east", "interpreter", []))
    return town


def _post(town: Town, name: str, office: str, role: str, services: Iterable[Service]) -> Membership:
    return Membership(
        person=town.people[name],
        office=town.offices[office],
        role=role,
        skills=list(services),
        hours=[
            WorkingHours(
                weekday=spell.weekday,
                from_minute=spell.from_minute,
                to_minute=spell.to_minute,
                channels=sorted(spell.channels),
                released_minutes=spell.released_minutes,
            )
            for spell in PLANS[name]
        ],
    )


def _service(
    subject: Field, key: str, minutes: int, before: int, after: int, second_clerk: bool = False
) -> Service:
    return Service(
        key=key,
        field=subject,
        name=text(key),
        summary=text(key),
        papers=[],
        minutes=minutes,
        buffer_before=before,
        buffer_after=after,
        lead_minutes=30,
        horizon_days=1,
        channels=["video", "in_person"],
        second_clerk=second_clerk,
        deliveries=[],
        position=99,
    )


def _office(key: str) -> Office:
    return Office(
        key=key,
        name=text(key),
        address=text(key),
        opening=text(key),
        phone="+302100000000",
        email="office@example.gr",
        time_zone=ATHENS,
        capacity=CAPACITY[key],
    )


def close_all_files() -> None:
    """Everything that happened in the town is forgotten."""
    with transaction():
        for table in WRITTEN:
            db.session.execute(delete(table))
        for row in [row for row in db.session if isinstance(row, WRITTEN)]:
            db.session.expunge(row)
        roster.changed()


FIRST_DAY = date(2026, 11, 30)
"""The Monday on which histories and races begin."""
