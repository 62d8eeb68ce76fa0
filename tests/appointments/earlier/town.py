"""A counter with many citizens, some of whom wait for an earlier time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import select

from portal import outbox
from portal.appointments import availability, choosing, earlier, lifecycle
from portal.appointments.citizen.earlier_pages import move_to_offered
from portal.appointments.models import Claim
from portal.appointments.occupancy import staff_resource
from portal.appointments.rules import Wish
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Person

SERVICE = "birth-certificate"


class Town(SimpleNamespace):
    def __init__(self, counter, clock, first_free):
        service = counter.service(SERVICE)
        starts = availability.offer(service, counter.booking).starts
        # Days ahead, so that no lead time is in the way.
        super().__init__(counter=counter, clock=clock, service=service, start=starts[40], later=starts[80:])
        self.count = 0

    @property
    def rules(self):
        return self.counter.app.config["PORTAL"].booking

    def set_rules(self, **rules):
        config = self.counter.app.config["PORTAL"]
        changed = replace(config, booking=config.booking.model_copy(update=rules))
        self.counter.app.config["PORTAL"] = changed

    def book(self, start, clerk_id=None, wishes=False, channel="video"):
        self.count += 1
        person = Person(first_name=f"Πολίτης {self.count}")
        details = lifecycle.Details(person.first_name, "p@example.gr", "+306900000000", "el", "id_card")
        with transaction():
            db.session.add(person)
            wish = Wish(channel, clerk_id=clerk_id)
            row = lifecycle.hold(self.service, self.rules, None, start, None, "el", wish)
            lifecycle.confirm(row, self.rules, person, details, person, notify=False)
            if wishes:
                assert earlier.join(row, self.rules)
        self.clock.shift(timedelta(seconds=1))
        return row

    def hour_of_two_clerks(self):
        """A later start at which two clerks of one office are free, and one of the two."""
        for start in self.later:
            offices = {}
            for choice in choosing.candidates(self.service, self.rules, None, start, "el"):
                if choice.office_id in offices:
                    return start, choice.clerk_id
                offices[choice.office_id] = choice.clerk_id
        raise AssertionError("no office has two clerks")

    def line(self, count):
        """Appointments on later days whose citizens wait, whoever wished first leading."""
        return [self.book(self.later[7 * number], wishes=True) for number in range(count)]

    def fill(self, start):
        """Nobody else is free at this start."""
        while start in self.offered():
            self.book(start)

    def offered(self):
        db.session.rollback()
        return availability.offer(self.service, self.rules).starts

    def pauses(self, count):
        """For how long each of so many cancelled times waits."""
        starts = self.later[::5][:count]
        for start in starts:
            self.cancel(self.book(start))
        rows = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "time.return"))
        return [row.due_at - row.posted_at for row in rows]

    def move_as_staff(self, row, start):
        with transaction():
            lifecycle.move(row, self.rules, None, start, row.clerk)

    def cancel(self, row):
        with transaction():
            lifecycle.cancel(row, self.rules, row.citizen)

    def accept(self, row, start):
        with transaction():
            move_to_offered(row, self.rules, start, row.citizen)

    def decline(self, row, start):
        with transaction():
            earlier.decline(row, self.rules, start)

    def work(self):
        db.session.rollback()
        outbox.run_due(self.counter.app)
        db.session.rollback()

    def asked(self, rows):
        """Which of the rows are asked at this moment."""
        db.session.rollback()
        return [number for number, row in enumerate(rows) if earlier.offer_to(row)]

    def letters(self):
        query = select(OutboxRow).where(OutboxRow.kind == "time.letter").order_by(OutboxRow.id)
        return [row.payload["appointment_id"] for row in db.session.scalars(query)]

    def wait(self, minutes):
        self.clock.shift(timedelta(minutes=minutes))


def rows_at(town, start):
    query = select(lifecycle.Appointment).where(lifecycle.Appointment.starts_at == start)
    return list(db.session.scalars(query.order_by(lifecycle.Appointment.id)))


def claims_of_clerk(row, clerk_id):
    query = select(Claim).where(Claim.resource == staff_resource(clerk_id), Claim.appointment_id == row.id)
    return list(db.session.scalars(query))
