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
from portal.appointments import availability, call, lifecycle
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.papers import PAPERS
from portal.config import Config
from portal.db import db
from portal.demo import documents
from portal.demo.citizens import INVENTED, Invented
from portal.offices.models import Service
from portal.people.lifecycle import recognise
from portal.people.models import Person
from portal.plugin_api import Identity, RecipientField, Room
from portal.providers import current_providers

BOOKED_BEFORE = timedelta(days=6)
"""So long ago the citizens booked."""
PAST_DAYS, A_PAST_DAY = 3, 4
"""How many working days of the past are shown, and how many appointments each had."""
COMING_DAYS = (9, 7, 6, 5, 3, 2)
"""Appointments of today and of the working days that follow."""
ENDINGS = ("issue", "issue", "missed", "issue", "follow_up", "nothing", "technical", "issue")


@dataclass(frozen=True)
class Wish:
    """One booking that is to be made."""

    number: int
    day: date
    service: Service
    citizen: Invented


def any_ahead() -> bool:
    """True when some appointment is still to come."""
    ahead = select(Appointment.id).where(Appointment.state == "booked", Appointment.starts_at > clock.now())
    return db.session.scalar(ahead.limit(1)) is not None


def make(config: Config) -> list[Appointment]:
    """Book the week, and let what lies behind us happen."""
    now = clock.now()
    with clock.pretend(now - BOOKED_BEFORE):
        made = [booked for wish in _wishes(config, now) if (booked := _book(config, wish))]
    past = [appointment for appointment in made if appointment.ends_at <= now]
    coming = [appointment for appointment in made if appointment.starts_at > now]
    for ending, appointment in zip(cycle(ENDINGS), past, strict=False):
        _end(config, appointment, ending)
    documents.issue_some(config, sorted(past, key=lambda appointment: appointment.starts_at))
    _add_variety(config, coming)
    return made


def _wishes(config: Config, now: datetime) -> Iterator[Wish]:
    services = list(db.session.scalars(select(Service).filter_by(active=True).order_by(Service.position)))
    citizens = cycle(INVENTED)
    number = 0
    for day, load in _loads(config, services, now):
        for _ in range(load):
            yield Wish(number, day, services[number % len(services)], next(citizens))
            number += 1


def _loads(config: Config, services: list[Service], now: datetime) -> list[tuple[date, int]]:
    """The days on which anything can be booked, each with the number of its appointments."""
    days = sorted({day for s in services for day in availability.offer(s, config.booking, days=16).by_day})
    today = now.astimezone(ZoneInfo(config.municipality.time_zone)).date()
    past = [day for day in days if day < today][-PAST_DAYS:]
    coming = [day for day in days if day >= today]
    return [(day, A_PAST_DAY) for day in past] + list(zip(coming, COMING_DAYS, strict=False))


def _book(config: Config, wish: Wish) -> Appointment | None:
    """Hold and confirm as the pages do; None when the day is full or the rules do not allow it."""
    starts = availability.offer(wish.service, config.booking, None, wish.day, 1).starts
    if not starts:
        return None
    citizen = _person(config, wish.citizen)
    # A step that shares no factor with the usual lengths of a list spreads the hours over the day.
    starts_at = starts[wish.number * 7 % len(starts)]
    language, rules = wish.citizen.language, config.booking
    try:
        with db.session.begin_nested():
            appointment = lifecycle.hold(wish.service, rules, None, starts_at, citizen, language)
            lifecycle.confirm(appointment, rules, citizen, _details(wish, citizen), citizen, notify=False)
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
    return recognise(config.providers.identity.citizens, identity, invented.language)


def _details(wish: Wish, citizen: Person) -> lifecycle.Details:
    papers = list(PAPERS)
    ways = wish.service.deliveries
    way = ways[wish.number % len(ways)] if ways else ""
    address = {
        "street": "Οδός Δείγματος",
        "number": str(wish.number + 1),
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
        language=wish.citizen.language,
        paper=papers[wish.number % 3],
        address=address,
        needs=wish.citizen.needs,
        remark=wish.citizen.remark,
        delivery=way,
        recipient={str(field): value for field, value in known.items() if field in needed},
    )


def _end(config: Config, appointment: Appointment, ending: str) -> None:
    """Let a past appointment happen at its own time."""
    if ending == "issue" and not appointment.delivery:
        ending = "nothing"
    if ending == "missed":
        with clock.pretend(appointment.ends_at):
            lifecycle.miss(appointment, appointment.clerk)
        _tell_nobody(appointment)
        return
    with clock.pretend(appointment.starts_at + timedelta(minutes=1)):
        _meet(config, appointment)
    with clock.pretend(appointment.ends_at - timedelta(minutes=2)):
        call.finish(appointment, ending, appointment.clerk)
    for room in appointment.rooms:
        outbox.cancel(f"room:{room.id}")
        call.room_closed(room)


def _meet(config: Config, appointment: Appointment) -> None:
    call.start(appointment, config.providers.video, appointment.clerk)
    room = appointment.rooms[-1]
    call.room_opened(room, Room(room.key, room.closes_at))
    record = call.IdentityRecord(appointment.paper, paper_shown=True, face_matches=True, name_matches=True)
    call.record_identity(appointment, record, appointment.clerk)


def _add_variety(config: Config, coming: list[Appointment]) -> None:
    """One appointment called off; an interpreter for each citizen who asked for sign language."""
    for appointment in coming:
        if "sign_language" in appointment.needs:
            call.invite(
                appointment,
                "interpreter",
                "Διερμηνέας Ε.Ν.Γ. (δείγμα)",
                "interpreter@relay.example",
                "el",
                appointment.clerk,
            )
            _tell_nobody(appointment)
    if coming and coming[-1].citizen:
        lifecycle.cancel(coming[-1], config.booking, coming[-1].citizen)
        _tell_nobody(coming[-1])


def _tell_nobody(appointment: Appointment) -> None:
    """Call off the messages that the last step posted."""
    outbox.cancel(f"appointment:{appointment.id}:v{appointment.version}")
