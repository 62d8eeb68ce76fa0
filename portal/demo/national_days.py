"""A year of past and two months of coming appointments of one office, as rows with their claims.

Called by `portal.demo.national`, office by office. Nobody is booked twice: a clerk's appointments follow
one another with their buffers, and a citizen comes again days later.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from portal.appointments.models import KEY_LETTERS, Appointment
from portal.appointments.occupancy import pieces_of
from portal.config import BookingRules
from portal.demo.bulk import Row
from portal.demo.national_offices import Clerk, Counter
from portal.offices.models import Service
from portal.scheduling import wall_clock

PAST_SHARE = 0.1
"""Of the turns that fit into a day of the past, so many were taken."""
FULLEST, EMPTIEST = 0.5, 0.05
"""The same for today and for the last day that is made; between them it goes down."""
IDLE_MINUTES = 30
"""After a turn that nobody took the next one begins so much later."""
ENDINGS = (("done", "nothing"),) * 8 + (("done", "follow_up"), ("done", "technical"), ("missed", ""))
PAPERS = ("id_card", "passport", "id_card")


@dataclass(frozen=True)
class Season:
    """The working days for which appointments are made."""

    now: datetime
    past: Sequence[date]
    coming: Sequence[date]

    def shares(self) -> Iterator[tuple[date, float]]:
        """Each day with the part of its turns that is taken."""
        for day in self.past:
            yield day, PAST_SHARE
        last = max(len(self.coming) - 1, 1)
        for number, day in enumerate(self.coming):
            yield day, FULLEST + (EMPTIEST - FULLEST) * number / last


@dataclass(frozen=True)
class Turn:
    """An appointment before it has a citizen."""

    clerk: Clerk
    seat: int
    """Which of the office's clerks, from 1; his place where places are limited."""
    service: Service
    channel: str
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        """End of the meeting, without the buffer."""
        return self.starts_at + timedelta(minutes=self.service.minutes)


@dataclass
class Rows:
    """Everything of some appointments, table by table."""

    appointments: list[Row]
    participants: list[Row]
    record: list[Row]
    claims: list[Row]


def rows_of(counter: Counter, season: Season, booking: BookingRules, first: int) -> Rows:
    """The appointments of one office; their ids are ``first`` and those that follow.

    What would be going on at this moment is left out.
    """
    dice = random.Random(f"days {counter.number}")  # noqa: S311 - invented data, the same in each run
    rows = Rows([], [], [], [])
    for day, share in season.shares():
        for turn in _day(counter, day, share, booking, dice):
            if turn.starts_at > season.now or turn.ends_at <= season.now:
                _write(rows, first + len(rows.appointments), turn, counter, season.now, booking, dice)
    return rows


def _day(
    counter: Counter, day: date, share: float, booking: BookingRules, dice: random.Random
) -> Iterator[Turn]:
    # Working hours never contain the hour at which the clock changes, so a day has one offset for us.
    midnight = wall_clock(day, 720, counter.zone) - timedelta(minutes=720)
    for seat, clerk in enumerate(counter.clerks, 1):
        for begin, end in clerk.plan:
            for minute, service in _minutes(clerk.services, begin, end, share, booking.raster_minutes, dice):
                channel = dice.choice((service.channels[0], *service.channels))
                yield Turn(clerk, seat, service, channel, midnight + timedelta(minutes=minute))


def _minutes(
    services: Sequence[Service], begin: int, end: int, share: float, raster: int, dice: random.Random
) -> Iterator[tuple[int, Service]]:
    """Starts in one spell, each with its service; buffers lie within the spell too."""
    free_from = begin
    while free_from < end:
        service = dice.choice(services)
        start = -(-(free_from + service.buffer_before) // raster) * raster
        if dice.random() >= share:
            free_from = start + IDLE_MINUTES
            continue
        free_from = start + _rounded(service.minutes) + _rounded(service.buffer_after)
        if free_from <= end:
            yield start, service


def _rounded(minutes: int) -> int:
    """Whole quanta, as the claims count."""
    return -(-minutes // 5) * 5


def _write(
    rows: Rows,
    number: int,
    turn: Turn,
    counter: Counter,
    now: datetime,
    booking: BookingRules,
    dice: random.Random,
) -> None:
    state, outcome = ("booked", "") if turn.starts_at > now else dice.choice(ENDINGS)
    done = state == "done"
    row = _appointment(number, turn, counter, dice) | {
        "state": state,
        "outcome": outcome,
        "started_at": turn.starts_at if done else None,
        "ended_at": turn.ends_at if done else None,
    }
    rows.appointments.append(row)
    rows.participants.append(_participant(row))
    rows.record.append(_line(row))
    if state == "booked":
        rows.claims += _claims(row, turn.service, booking)


def _appointment(number: int, turn: Turn, counter: Counter, dice: random.Random) -> dict[str, Any]:
    # Everybody comes in turn, so that a citizen's next appointment is days away.
    citizen = counter.first_citizen + number % counter.citizens
    email, phone = f"citizen-{citizen}@citizens.example", f"+3069{citizen % 10**8:08}"
    ways = turn.service.deliveries
    limited = counter.places and turn.channel == "video"
    return {
        "id": number,
        "key": "".join(dice.choices(KEY_LETTERS, k=12)),
        "service_id": turn.service.id,
        "office_id": counter.id,
        "clerk_id": turn.clerk.person,
        "citizen_id": citizen,
        "channel": turn.channel,
        "place": turn.seat if limited else None,
        "starts_at": turn.starts_at,
        "minutes": turn.service.minutes,
        "any_office": False,
        "created_at": turn.starts_at - timedelta(days=60 + number % 5),
        "citizen_name": f"Πολίτης Δείγμα {citizen}",
        "email": email,
        "phone": phone,
        "paper": "" if turn.channel == "phone" else PAPERS[number % len(PAPERS)],
        "delivery": ways[0] if ways else "",
        "recipient": {"email": email, "phone": phone} if ways else {},
    }


def _participant(row: Row) -> Row:
    return {
        "appointment_id": row["id"],
        "role": "citizen",
        "name": row["citizen_name"],
        "email": row["email"],
        "language": "el",
    }


def _line(row: Row) -> Row:
    return {
        "at": row["created_at"],
        "actor_id": row["citizen_id"],
        "deed": "booked",
        "subject": f"appointment:{row['id']}",
        "facts": {"clerk": row["clerk_id"]},
    }


def _claims(row: Row, service: Service, booking: BookingRules) -> list[Row]:
    """Exactly what `portal.appointments.occupancy` would have taken."""
    names = ("office_id", "clerk_id", "citizen_id", "channel", "place", "starts_at", "minutes")
    appointment = Appointment(service=service, **{name: row[name] for name in names})
    return [
        {"resource": resource, "quantum": quantum, "appointment_id": row["id"]}
        for resource, quantum in pieces_of(appointment, booking)
    ]
