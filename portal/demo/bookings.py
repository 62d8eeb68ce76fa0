"""A believable week of bookings by invented citizens, made by the same functions as real ones.

Called by `portal.demo.prepare` inside its transaction. The clock is set back while a booking of the past
is made. Nobody is written to: the citizens do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal import clock, outbox
from portal.appointments import availability, call, lifecycle, rooms
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.papers import PAPERS
from portal.appointments.rules import Wish
from portal.config import Config
from portal.db import db
from portal.demo import documents, then
from portal.demo.citizens import INVENTED, Invented
from portal.documents.issuing.approval import Finished
from portal.offices.models import Service
from portal.people.lifecycle import recognise
from portal.people.models import Person
from portal.plugin_api import Identity, RecipientField, Room
from portal.providers import current_providers

BOOKED_BEFORE = timedelta(days=6)
"""So long ago the citizens booked."""
PAST_DAYS, A_PAST_DAY = 3, 5
"""How many working days of the past are shown, and how many appointments each had."""
MOST_ISSUED = PAST_DAYS * A_PAST_DAY
COMING_DAYS = (9, 7, 6, 5, 3, 2)
"""Appointments of today and of the working days that follow."""
ENDINGS = (
    *("issue", "issue", "missed", "issue", "follow_up", "nothing", "issue", "issue", "technical"),
    *("issue", "issue", "issue", "issue", "issue"),
)


@dataclass(frozen=True)
class Visit:
    """One booking that is to be made."""

    number: int
    day: date
    service: Service
    citizen: Invented
    round: int
    """How many times all services have been booked before."""

    @property
    def wish(self) -> Wish:
        """With an interpreter for who asks for sign language; else each round in the next channel.

        What is past belongs to the first round, and was held by the preferred channel.
        """
        if "sign_language" in self.citizen.needs:
            return Wish(interpreted=True)
        channels = self.service.channels
        return Wish(channels[self.round % len(channels)])


def any_ahead() -> bool:
    """True when some appointment is still to come."""
    ahead = select(Appointment.id).where(Appointment.state == "booked", Appointment.starts_at > clock.now())
    return db.session.scalar(ahead.limit(1)) is not None


def make(config: Config, samples: list[Finished]) -> list[Appointment]:
    """Book the week, and let what lies behind us happen; documents are issued while there are ``samples``."""
    now = clock.now()
    with then.at(now - BOOKED_BEFORE):
        made = [booked for visit in _visits(config, now) if (booked := book(config, visit))]
    past = [appointment for appointment in made if appointment.ends_at <= now]
    coming = [appointment for appointment in made if appointment.starts_at > now]
    for ending, appointment in zip(cycle(ENDINGS), past, strict=False):
        end(config, appointment, ending)
    documents.issue_some(sorted(past, key=lambda appointment: appointment.starts_at), samples)
    _call_one_off(config, coming)
    return made


def _visits(config: Config, now: datetime) -> Iterator[Visit]:
    services = list(db.session.scalars(select(Service).filter_by(active=True).order_by(Service.position)))
    citizens = cycle(INVENTED)
    number = 0
    for day, load in _loads(config, services, now):
        for _ in range(load):
            round_number, turn = divmod(number, len(services))
            yield Visit(number, day, services[turn], next(citizens), round_number)
            number += 1


def _loads(config: Config, services: list[Service], now: datetime) -> list[tuple[date, int]]:
    """The days on which anything can be booked, each with the number of its appointments."""
    days = sorted({day for s in services for day in availability.offer(s, config.booking, days=16).by_day})
    today = now.astimezone(ZoneInfo(config.municipality.time_zone)).date()
    past = [day for day in days if day < today][-PAST_DAYS:]
    coming = [day for day in days if day >= today]
    return [(day, A_PAST_DAY) for day in past] + list(zip(coming, COMING_DAYS, strict=False))


def book(config: Config, visit: Visit) -> Appointment | None:
    """Hold and confirm as the pages do; None when the day is full or the rules do not allow it."""
    service, wish = visit.service, visit.wish
    starts = availability.offer(service, config.booking, None, visit.day, 1, wish=wish).starts
    if not starts:
        return None
    citizen = _person(config, visit.citizen)
    # A step that shares no factor with the usual lengths of a list spreads the hours over the day.
    starts_at = starts[visit.number * 7 % len(starts)]
    language, rules = visit.citizen.language, config.booking
    try:
        with db.session.begin_nested():
            appointment = lifecycle.hold(service, rules, None, starts_at, citizen, language, wish)
            lifecycle.confirm(appointment, rules, citizen, _details(visit, citizen), citizen, notify=False)
            return appointment
    except (TimeTaken, lifecycle.TooMany):
        return None


def _person(config: Config, invented: Invented) -> Person:
    identity = Identity(
        subject=invented.subject,
        first_name=invented.first_name,
        last_name=invented.last_name,
        fathers_name=invented.fathers_name,
        birth_year=invented.birth_year,
        email=f"{invented.subject}@citizens.example",
        phone=invented.phone,
    )
    return recognise("citizens", config.providers.identity.citizens, identity, invented.language).person


def _details(visit: Visit, citizen: Person) -> lifecycle.Details:
    papers = list(PAPERS)
    ways = visit.service.deliveries
    way = ways[visit.number % len(ways)] if ways else ""
    address = {
        "street": "Οδός Δείγματος",
        "number": str(visit.number + 1),
        "postal_code": "15700",
        "town": "Ζωγράφου",
    }
    known = {
        RecipientField.EMAIL: citizen.email,
        RecipientField.PHONE: citizen.phone,
        RecipientField.POSTAL_ADDRESS: address,
        RecipientField.ATTACHMENT_WISH: False,
    }
    needed = current_providers().delivery[way].needs if way else frozenset()
    return lifecycle.Details(
        name=citizen.name,
        email=citizen.email,
        phone=citizen.phone,
        language=visit.citizen.language,
        paper="" if visit.wish.channel == "phone" else papers[visit.number % 3],
        address=address,
        needs=visit.citizen.needs,
        remark=visit.citizen.remark,
        delivery=way,
        recipient={str(field): value for field, value in known.items() if field in needed},
        served=visit.citizen.served,
    )


def end(config: Config, appointment: Appointment, ending: str) -> None:
    """Let a past appointment happen at its own time."""
    if ending == "issue" and not (appointment.delivery and call.can_identify(appointment)):
        ending = "nothing"
    if ending == "missed":
        with then.at(appointment.ends_at):
            lifecycle.miss(appointment, appointment.clerk)
        _tell_nobody(appointment)
        return
    with then.at(appointment.starts_at + timedelta(minutes=1)):
        _meet(config, appointment)
    with then.at(appointment.ends_at - timedelta(minutes=2)):
        call.finish(appointment, ending, appointment.clerk)
    for room in appointment.rooms:
        outbox.cancel(f"room:{room.id}")
        rooms.closed(room)


def _meet(config: Config, appointment: Appointment) -> None:
    call.start(appointment, config.providers.video, appointment.clerk)
    for room in appointment.rooms:
        rooms.opened(room, Room(room.key, room.closes_at))
    if not call.can_identify(appointment):
        return
    record = call.IdentityRecord(appointment.paper, paper_shown=True, face_matches=True, name_matches=True)
    call.record_identity(appointment, record, appointment.clerk)


def _call_one_off(config: Config, coming: list[Appointment]) -> None:
    if coming and coming[-1].citizen:
        lifecycle.cancel(coming[-1], config.booking, coming[-1].citizen)
        _tell_nobody(coming[-1])


def _tell_nobody(appointment: Appointment) -> None:
    """Call off the messages that the last step posted."""
    outbox.cancel(f"appointment:{appointment.id}:v{appointment.version}")
