"""The paths on which time is taken, as a racer goes them: each like the page or the command that does it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal.appointments import availability, earlier, lifecycle
from portal.appointments.citizen.earlier_pages import move_to_offered
from portal.appointments.importing import import_appointments
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.config import Config
from portal.db import attempt, db
from portal.offices.models import Office, Service
from portal.people.models import Person

from ..histories import town

DETAILS = lifecycle.Details("Somebody", "somebody@example.gr", "+306900000000", "el", "id_card")
HEADER = "service,office,clerk,day,time,name,email,phone,language,channel"
IN_PERSON, VIDEO = Wish("in_person"), Wish("video")
INTERPRETED = Wish("in_person", interpreted=True)


@dataclass(frozen=True)
class Scene:
    """The small town, named by numbers, so that every process can read it anew."""

    config: Config
    services: dict[str, int]
    offices: dict[str, int]
    people: dict[str, int]
    citizens: tuple[int, ...]
    folder: Path

    @property
    def booking(self):
        return self.config.booking

    def service(self, key: str = "paper") -> Service:
        return db.session.get_one(Service, self.services[key])

    def office(self, key: str | None) -> Office | None:
        return db.session.get_one(Office, self.offices[key]) if key else None

    def citizen(self, number: int) -> Person:
        return db.session.get_one(Person, self.citizens[number % len(self.citizens)])

    def clerk(self) -> Person:
        return db.session.get_one(Person, self.people["Anna"])

    def starts(self, wish: Wish = IN_PERSON, office: str | None = None) -> list[datetime]:
        """Free starts of Monday, so far from each other that they do not touch."""
        found: list[datetime] = []
        for start in availability.offer(
            self.service(), self.booking, self.office(office), town.FIRST_DAY, 1, wish=wish
        ).starts:
            if not found or start - found[-1] >= timedelta(minutes=25 + 20 * wish.interpreted):
                found.append(start)
        return found

    # --- Deeds ---------------------------------------------------------------------------------------

    def hold(self, start: datetime, wish: Wish, office: str | None = None, form: str | None = None) -> int:
        """Take the time for a while; the number of the appointment."""
        service, place = self.service(), self.office(office)
        return attempt(lambda: lifecycle.hold(service, self.booking, place, start, None, "el", wish, form).id)

    def confirm(self, row: int, number: int) -> None:
        """Turn it into an appointment of the racer."""
        citizen = self.citizen(number)
        held = db.session.get_one(Appointment, row)
        attempt(lambda: lifecycle.confirm(held, self.booking, citizen, DETAILS, citizen))

    def book(self, number: int, start: datetime, wish: Wish = IN_PERSON, office: str | None = None) -> int:
        """As a citizen: two transactions."""
        row = self.hold(start, wish, office)
        self.confirm(row, number)
        return row

    def book_at_counter(self, start: datetime, wish: Wish = IN_PERSON, office: str | None = None) -> int:
        """As staff for somebody without a login: one transaction."""
        service, place, clerk = self.service(), self.office(office), self.clerk()

        def work() -> int:
            asked = replace(wish, by_staff=True)
            row = lifecycle.hold(service, self.booking, place, start, None, "el", asked)
            lifecycle.confirm(row, self.booking, None, DETAILS, clerk)
            return row.id

        return attempt(work)

    def move(self, row: int, start: datetime) -> None:
        """As its citizen, or as staff where it has none."""
        own = db.session.get_one(Appointment, row)
        actor = own.citizen or self.clerk()
        attempt(lambda: lifecycle.move(own, self.booking, None, start, actor))

    def cancel(self, row: int) -> None:
        """As staff."""
        own, clerk = db.session.get_one(Appointment, row), self.clerk()
        attempt(lambda: lifecycle.cancel(own, self.booking, clerk))

    def reassign(self, row: int) -> None:
        """As staff, when the clerk is ill."""
        own, clerk = db.session.get_one(Appointment, row), self.clerk()
        attempt(lambda: lifecycle.reassign(own, self.booking, clerk))

    def import_lines(self, name: str, starts: list[datetime]) -> None:
        """As the administrator: a file with one line for each start. TimeTaken if none is left."""
        file = self.folder / f"{name}.csv"
        local = [start.astimezone(ZoneInfo(town.ATHENS)) for start in starts]
        lines = [f"town-paper,east,,{at:%Y-%m-%d,%H:%M},{name},a@example.gr,,el,in_person" for at in local]
        file.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        report, told = import_appointments(file, self.config, keep_going=True)
        assert all("taken already" in line for line in told), told
        if not report.made:
            raise TimeTaken

    def accept(self, row: int) -> None:
        """As a citizen who is asked whether he wants to come earlier."""
        own = db.session.get_one(Appointment, row)
        offered = earlier.offer_to(own)
        start = offered.time.starts_at if offered else own.starts_at
        attempt(lambda: move_to_offered(own, self.booking, start, own.citizen or self.clerk()))

    def anything(self, number: int, turn: int, starts: list[datetime]) -> None:
        """One of all deeds, by lot."""
        lot = random.Random(number * 1000 + turn)
        start = lot.choice(starts)
        own = list(
            db.session.scalars(
                select(Appointment.id).filter_by(citizen_id=self.citizen(number).id, state="booked")
            )
        )
        deeds: list[Callable[[], object]] = [
            lambda: self.book(number, start),
            lambda: self.book(number, start, VIDEO, "east"),
            lambda: self.book(number, start, INTERPRETED),
            lambda: self.book_at_counter(start, VIDEO),
            lambda: self.import_lines(f"mixed-{number}-{turn}", [start]),
        ]
        if own:
            mine = lot.choice(own)
            deeds += [lambda: self.move(mine, start), lambda: self.cancel(mine), lambda: self.reassign(mine)]
        lot.choice(deeds)()
