"""Random histories of holding, booking, moving, cancelling and falling ill, on both databases.

After every step the appointments alone must tell that nobody was sold twice and nobody lacks somebody he
needs; the claims and the busy days must tell the same; and what is offered must be just what they leave.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from portal import clock, scheduling
from portal.appointments import availability, jobs, lifecycle, occupancy, roster
from portal.appointments.models import Appointment, BusyDay, Claim, EarlierWish, Participant
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.appointments.rules import Wish, wish_of
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Absence
from portal.testing.fixtures import A_MONDAY

from . import ledger, town

EXAMPLES = int(os.environ.get("PORTAL_TEST_EXAMPLES", "300"))
WRITTEN = (BusyDay, Claim, EarlierWish, Participant, Absence, Appointment, AuditLine, OutboxRow)
"""Tables that a history fills, in an order in which they can be emptied."""

wishes = st.builds(
    Wish,
    channel=st.sampled_from(["video", "video", "in_person"]),
    interpreted=st.sampled_from([False, False, True]),
    by_staff=st.booleans(),
)
services = st.sampled_from(["paper", "paper", "oath"])
offices = st.sampled_from([None, None, "east", "west"])
picks = st.integers(0, 30)
citizens = st.sampled_from([None, 0, 1, 2])
DETAILS = lifecycle.Details("Somebody", "", "+306900000000", "el", "id_card")
QUESTIONS = [
    (service, office, Wish(channel, interpreted, by_staff=by_staff))
    for service in ("paper", "oath")
    for office in (None, "east", "west")
    for channel in ("video", "in_person")
    for interpreted in (False, True)
    for by_staff in (False, True)
]


class History(RuleBasedStateMachine):
    """What citizens, staff, the clock and illness do to the calendars of a small town."""

    def __init__(self, place: town.Town) -> None:
        super().__init__()
        self.town, self.booking = place, place.booking
        self.absences: dict[int, tuple[tuple[datetime, datetime], ...]] = {}
        self.returns: dict[ledger.Piece, datetime] = {}
        """Freed time that waits before it returns, with the latest moment at which it must be back."""
        self.forms: list[tuple[str, Callable[[], Appointment], str]] = []
        self.steps = 0
        self.clock = time_machine.travel(A_MONDAY, tick=False)
        self.traveller = self.clock.start()
        with transaction():
            for table in WRITTEN:
                db.session.execute(delete(table))
            for row in [row for row in db.session if isinstance(row, WRITTEN)]:
                db.session.expunge(row)
            roster.changed()

    def teardown(self) -> None:
        db.session.rollback()
        self.clock.stop()

    # --- What people do --------------------------------------------------------------------------------

    @rule(service=services, office=offices, wish=wishes, citizen=citizens, pick=picks, wild=st.booleans())
    def hold(self, service, office, wish, citizen, pick, wild):
        """Somebody takes a time that is offered, or one that he made up."""
        chosen, place = self.town.services[service], self.town.offices.get(office)
        offered = availability.offer(chosen, self.booking, place, wish=wish).starts
        start = self._start(offered, pick, wild)
        known = self.town.citizens[citizen] if citizen is not None else None
        form = f"form-{len(self.forms)}"

        def send() -> Appointment:
            with transaction():
                return lifecycle.hold(chosen, self.booking, place, start, known, "el", wish, form)

        with self.refusals(known, start in offered, start):
            self.forms.append((form, send, send().key))

    @rule(pick=picks)
    def send_a_form_again(self, pick):
        """A double click, or the back button: the form leads to the appointment it has made."""
        if not self.forms:
            return
        form, send, made = self.forms[pick % len(self.forms)]
        row = db.session.scalar(select(Appointment).filter_by(request_key=form))
        if row is not None and row.state != "expired":
            assert send().key == made

    @rule(pick=picks)
    def extend(self, pick):
        """Somebody needs more time for the form."""
        if row := self._one("held", pick):
            live = ledger.is_living(row)
            with self.refusals(row.citizen, live, row.starts_at), transaction():
                lifecycle.extend_hold(row, self.booking)

    @rule(pick=picks, citizen=st.integers(0, 2))
    def confirm(self, pick, citizen):
        """Somebody sends the form, perhaps after his hold has lapsed."""
        if row := self._one("held", pick):
            known = row.citizen or self.town.citizens[citizen]
            with self.refusals(known, ledger.is_living(row), row.starts_at), transaction():
                lifecycle.confirm(row, self.booking, known, DETAILS, known)

    @rule(service=services, wish=wishes, pick=picks, wild=st.booleans())
    def book_at_the_counter(self, service, wish, pick, wild):
        """Staff books at once, for somebody without a login."""
        chosen, wanted = self.town.services[service], replace(wish, by_staff=True)
        offered = availability.offer(chosen, self.booking, wish=wanted).starts
        start = self._start(offered, pick, wild)
        with self.refusals(None, start in offered, start), transaction():
            row = lifecycle.hold(chosen, self.booking, None, start, None, "el", wanted)
            lifecycle.confirm(row, self.booking, None, DETAILS, self.town.people["Anna"])

    @rule(office=offices, pick=picks, to=picks, wild=st.booleans(), by_staff=st.booleans())
    def move(self, office, pick, to, wild, by_staff):
        """Somebody moves a booked appointment; what fails changes nothing."""
        row = self._one("booked", pick)
        if row is None:
            return
        actor = self.town.people["Anna"] if by_staff or row.citizen is None else row.citizen
        place = self.town.offices.get(office)
        wish = wish_of(row, by_staff=actor is not row.citizen)
        offered = availability.offer(row.service, self.booking, place, ignoring=row, wish=wish).starts
        start = self._start(offered, to, wild)
        before, had = ledger.needs(row, self.booking), self._held_by(row)
        try:
            with self.refusals(row.citizen, start in offered, start, row), transaction():
                lifecycle.move(row, self.booking, place, start, actor)
                self._will_return(had)
                before = None
        finally:
            if before is not None:
                assert ledger.needs(row, self.booking) == before, "a move that failed lost the old time"

    @rule(pick=picks, by_staff=st.booleans())
    def cancel(self, pick, by_staff):
        """Somebody calls a booked appointment off."""
        row = self._one("booked", pick)
        if row is None:
            return
        had, ahead = self._held_by(row), row.starts_at > clock.now()
        actor = self.town.people["Anna"] if by_staff or row.citizen is None else row.citizen
        with self.refusals(row.citizen, True, row.starts_at), transaction():
            lifecycle.cancel(row, self.booking, actor)
            self._will_return(had)
        if row.state == "cancelled" and ahead:
            waiting = ledger.kept_from_others(self.booking)
            soonest = clock.now() + timedelta(minutes=self.booking.cooling_off_minutes / 2)
            for piece in had:
                assert piece[0].startswith("citizen:") or waiting[piece] >= soonest, "no cooling-off"

    @rule(name=st.sampled_from(sorted(town.PLANS)), days=st.sampled_from([0.1, 2]))
    def fall_ill(self, name, days):
        """Somebody is away from now on; his appointments go to others as far as there are any."""
        person = self.town.people[name]
        away = Absence(person_id=person.id, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=days))
        with transaction():
            db.session.add(away)
        spell = (away.starts_at, away.ends_at)
        self.absences[person.id] = (*self.absences.get(person.id, ()), spell)
        for row in self._rows("booked"):
            if person.id in (row.clerk_id, row.second_clerk_id, row.interpreter_id):
                self._reassign(row)

    def _reassign(self, row):
        before, had = (row.starts_at, ledger.needs(row, self.booking)), self._held_by(row)
        try:
            with transaction():
                lifecycle.reassign(row, self.booking, self.town.people["Anna"])
        except TimeTaken:
            assert (row.starts_at, ledger.needs(row, self.booking)) == before
        else:
            self._will_return(had)
            people = {row.clerk_id, row.second_clerk_id, row.interpreter_id} - {None}
            assert row.starts_at == before[0]
            assert not any(
                begin < row.ends_at and row.starts_at < end
                for person in people
                for begin, end in self.absences.get(person, ())
            )

    @rule()
    def everybody_is_well_again(self):
        """All who are away come back."""
        with transaction():
            for away in db.session.scalars(select(Absence)):
                db.session.delete(away)
        self.absences.clear()

    # --- What happens by itself ------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 5, 11, 11, 31, 60, 240]))
    def time_passes(self, minutes):
        """Nobody does anything, and every worker is dead."""
        self.traveller.shift(timedelta(minutes=minutes))
        self.returns = {piece: until for piece, until in self.returns.items() if until > clock.now()}

    @rule()
    def workers_catch_up(self):
        """Workers end what is over."""
        for row in self._rows("held"):
            if not ledger.is_living(row):
                jobs.lapse(row.id)
        with transaction():
            for row in db.session.scalars(select(Appointment)):
                occupancy.release_lapsed(row)
        assert not [ends for _owner, ends in ledger.all_claims().values() if ends and ends <= clock.now()]

    # --- What must hold after every step ---------------------------------------------------------------

    @invariant()
    def nobody_is_sold_twice(self):
        assert ledger.doubles(self.booking) == []

    @invariant()
    def nobody_lacks_somebody_he_needs(self):
        assert ledger.incomplete() == []

    @invariant()
    def claims_tell_what_the_appointments_need(self):
        assert ledger.unguarded(self.booking) == []

    @invariant()
    def no_minute_is_lost(self):
        for piece, ends in ledger.kept_from_others(self.booking).items():
            assert ends is not None, f"{piece} never returns"
            assert piece in self.returns, f"{piece} is kept for nobody"
            assert ends <= self.returns[piece], f"{piece} returns too late"

    @invariant()
    def busy_days_tell_what_the_claims_tell(self):
        assert ledger.busy_days_differ() == set()

    @invariant()
    def what_is_offered_is_what_the_claims_leave(self):
        self.steps += 1
        key, office, wish = QUESTIONS[self.steps * 7 % len(QUESTIONS)]
        service, place = self.town.services[key], self.town.offices.get(office)
        offered = availability.offer(service, self.booking, place, wish=wish).starts
        taken = ledger.taken_now()
        assert offered == self.town.free_starts(service, wish, place, taken, self.absences)

    # --- How it is told --------------------------------------------------------------------------------

    @contextmanager
    def refusals(self, citizen, granted, start, own=None):
        """A time that was offered is won, unless the citizen himself is elsewhere; another is not."""
        try:
            yield
        except CitizenElsewhere:
            assert citizen is not None
            busy = {
                number
                for row in ledger.living()
                if row is not own and row.citizen_id == citizen.id
                for number in ledger.five_minutes(row.starts_at, row.ends_at)
            }
            meeting = ledger.five_minutes(start, start + timedelta(minutes=45))
            assert busy & set(meeting), "the citizen is nowhere else"
        except TimeTaken:
            assert not granted, f"{start} was offered and not won"
        except lifecycle.TooLate:
            pass
        else:
            return

    def _start(self, offered, pick, wild):
        if offered and not wild:
            return offered[pick % len(offered)]
        return scheduling.wall_clock(town.FIRST_DAY, 540 + pick * 5, town.ATHENS)

    def _rows(self, state):
        return list(db.session.scalars(select(Appointment).filter_by(state=state).order_by(Appointment.id)))

    def _one(self, state, pick):
        db.session.rollback()
        rows = self._rows(state)
        return rows[pick % len(rows)] if rows else None

    def _held_by(self, row):
        return {piece for piece, (owner, _ends) in ledger.all_claims().items() if owner == row.id}

    def _will_return(self, pieces):
        pause = timedelta(minutes=max(self.booking.cooling_off_minutes, 2))
        self.returns |= {piece: clock.now() + pause for piece in pieces}


@pytest.mark.parametrize("cooling_off", [0, 30])
def test_no_history_sells_a_time_twice_or_loses_a_minute(each_counter, cooling_off):
    rules = {"cooling_off_minutes": cooling_off, "open_appointments": 100, "open_per_service": 100}
    place = town.build(each_counter.booking.model_copy(update=rules))
    run_state_machine_as_test(
        lambda: History(place),
        settings=settings(
            max_examples=max(EXAMPLES // 15, 10),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
        ),
    )
