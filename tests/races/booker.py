"""One process of a race: waits for the start, then tries to take times as the pages do.

``python booker.py MODE WORKERS ROUNDS``; the environment names the database. Prints what it won as JSON.
With ``RACE_GUARD=off`` it looks first and inserts afterwards, as systems do that sell a time twice.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal import create_app
from portal.appointments import availability, lifecycle, occupancy
from portal.appointments.models import Appointment, Claim
from portal.appointments.occupancy import TimeTaken
from portal.config import load
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.models import Person
from portal.scheduling import claimed_quanta


def main(mode: str, number: int, starts: list[datetime]) -> dict[str, int]:
    """Try every start once; count what was won, lost and broken off by the database."""
    app = create_app(load())
    with app.app_context():
        if os.environ.get("RACE_GUARD") == "off":
            occupancy.take = _look_then_insert
        booking = app.config["PORTAL"].booking
        service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
        citizen = db.session.scalars(select(Person).filter_by(subject=f"racer-{number}")).one()
        _wait_for_start()
        counts = {"won": 0, "lost": 0, "deadlocks": 0}
        for start in starts:
            counts[_try(lambda start=start: DEEDS[mode](service, booking, start, citizen))] += 1
        return counts


def hold_and_confirm(service: Service, booking: object, start: datetime, citizen: Person) -> None:
    """Hold and book, each in a transaction of its own, without the limit for one citizen."""
    with transaction():
        row = lifecycle.hold(service, booking, None, start, None, "el")
    with transaction():
        details = lifecycle.Details(citizen.name, "a@example.gr", "+306900000000", "el", "id_card")
        lifecycle.confirm(
            row, booking.model_copy(update={"open_appointments": 10**6}), citizen, details, citizen
        )


def move_there(service: Service, booking: object, start: datetime, citizen: Person) -> None:
    """Move an appointment of one's own to the wanted start."""
    row = db.session.scalars(select(Appointment).filter_by(citizen_id=citizen.id, state="booked")).first()
    with transaction():
        lifecycle.move(row, booking, None, start, citizen)


def mixed(service: Service, booking: object, start: datetime, citizen: Person) -> None:
    """Book, move or cancel by chance."""
    deed = random.choice([hold_and_confirm, hold_and_confirm, move_there, cancel_one])
    own = db.session.scalars(select(Appointment).filter_by(citizen_id=citizen.id, state="booked")).first()
    (deed if own else hold_and_confirm)(service, booking, start, citizen)


def cancel_one(service: Service, booking: object, start: datetime, citizen: Person) -> None:
    """Cancel an appointment of one's own."""
    row = db.session.scalars(select(Appointment).filter_by(citizen_id=citizen.id, state="booked")).first()
    with transaction():
        lifecycle.cancel(row, booking, citizen)


DEEDS: dict[str, Callable[[Service, object, datetime, Person], None]] = {
    "book": hold_and_confirm,
    "move": move_there,
    "mixed": mixed,
}


def _try(deed: Callable[[], None]) -> str:
    for _ in range(5):
        try:
            deed()
        except (TimeTaken, lifecycle.NotPossible):
            return "lost"
        except OperationalError:
            db.session.rollback()
            continue
        else:
            return "won"
    return "deadlocks"


def _look_then_insert(appointment: Appointment, rules: availability.Rules, expires_at: object) -> None:
    """The control: a check before the insert, and claims that no key can refuse."""
    resource = occupancy.clerk_resource(appointment.clerk_id)
    quanta = list(claimed_quanta(appointment.starts_at, rules))
    busy = select(Claim).where(Claim.resource == resource, Claim.quantum.in_(quanta))
    if db.session.scalars(busy.where(Claim.appointment_id != appointment.id)).first():
        raise TimeTaken
    time.sleep(0.01)


def _wait_for_start() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    first, count = datetime.fromisoformat(sys.argv[3]), int(sys.argv[4])
    wanted = [first + timedelta(minutes=20 * n) for n in range(count)]
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), wanted)), flush=True)
    Path(os.environ.get("RACE_DONE", os.devnull)).touch()
