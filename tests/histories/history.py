"""One random history: what citizens, staff, workers, the clock and illness do to a small town.

After every step the appointments alone must tell that nobody was sold twice and nobody lacks somebody he
needs; claims and busy days must tell the same; and what is offered must be just what they leave.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import time_machine
from flask import current_app
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import select

from portal import clock, outbox, scheduling
from portal.appointments import availability, busy_days, earlier, lifecycle
from portal.appointments.citizen.earlier_pages import move_to_offered
from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.appointments.rules import Wish, wish_of
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Absence
from portal.testing.fixtures import A_MONDAY

from . import ledger, town

wishes = st.builds(
    Wish,
    channel=st.sampled_from(["video", "video", "in_person"]),
    interpreted=st.sampled_from([False, False, True]),
    by_staff=st.booleans(),
)
services = st.sampled_from(["paper", "paper", "oath"])
offices = st.sampled_from([None, None, "east", "west"])
picks = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8, 13, 21])
"""Many want the first there is."""
citizens = st.sampled_from([None, 0, 1, 2])
DETAILS = lifecycle.Details("Somebody", "somebody@example.gr", "+306900000000", "el", "id_card")
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
        town.close_all_files()

    @initialize(cooling_off=st.sampled_from([0, 30]))
    def begin(self, cooling_off):
        """In some towns freed time returns at once, in others after a pause."""
        self.booking = self.town.booking.model_copy(update={"cooling_off_minutes": cooling_off})

    def teardown(self) -> None:
        db.session.rollback()
        self.clock.stop()

    # --- What people do --------------------------------------------------------------------------------

    @rule(service=services, office=offices, wish=wishes, citizen=citizens, pick=picks, wild=st.booleans())
    def hold(self, service, office, wish, citizen, pick, wild):
        """Somebody takes a time that is offered, or one that he made up; what is not free is refused."""
        chosen, place = self.town.services[service], self.town.offices.get(office)
        offered = availability.offer(chosen, self.booking, place, wish=wish).starts
        start = self._start(offered, pick, wild)
        known = self.town.citizens[citizen] if citizen is not None else None
        form = f"form-{len(self.forms)}"

        def send() -> Appointment:
            with self._looking_too_early(wild), transaction():
                return lifecycle.hold(chosen, self.booking, place, start, known, "el", wish, form)

        with self.refusals(known, start in offered, start):
            self.forms.append((form, send, send().key))

    @rule(service=services, office=offices, wish=wishes)
    def leave_a_hold_alone(self, service, office, wish):
        """Somebody takes the first time and goes away; when his hold is over another gets the same clerk."""
        chosen, place = self.town.services[service], self.town.offices.get(office)
        offered = availability.offer(chosen, self.booking, place, wish=wish).starts
        if not offered:
            return
        with transaction():
            row = lifecycle.hold(chosen, self.booking, place, offered[0], None, "el", wish)
        self.traveller.move_to(row.hold_expires_at)
        same = replace(wish, clerk_id=row.clerk_id)
        if offered[0] in availability.offer(chosen, self.booking, row.office, wish=same).starts:
            with self.refusals(None, True, offered[0]), transaction():
                lifecycle.hold(chosen, self.booking, row.office, offered[0], None, "el", same)

    @rule(pick=picks)
    def send_a_form_again(self, pick):
        """A double click, or the back button: the form leads to what it has made while that is not over."""
        if not self.forms:
            return
        form, send, made = self.forms[pick % len(self.forms)]
        row = db.session.scalar(select(Appointment).filter_by(request_key=form))
        if row is not None and row.state in ("held", "booked", "in_call"):
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
        look = self._looking_too_early(wild)
        with look, self.refusals(None, start in offered, start), transaction():
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
            look = self._looking_too_early(wild)
            with look, self.refusals(row.citizen, start in offered, start, row), transaction():
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
        if row.state == "cancelled" and ahead and self.booking.cooling_off_minutes:
            waiting = ledger.open_books(self.booking).kept_from_others()
            soonest = clock.now() + timedelta(minutes=self.booking.cooling_off_minutes / 2)
            for piece in had:
                assert piece[0].startswith("citizen:") or waiting[piece] >= soonest, "no cooling-off"

    @rule(pick=picks)
    def wish_to_come_earlier(self, pick):
        """Somebody joins the list; when a time is freed he is asked."""
        if row := self._one("booked", pick):
            with transaction():
                earlier.join(row, self.booking)

    @rule(pick=picks, accept=st.booleans())
    def answer(self, pick, accept):
        """Somebody who is asked says yes or no. What is kept for him is his."""
        db.session.rollback()
        asked = [row for row in self._rows("booked") if earlier.offer_to(row)]
        if not asked:
            return
        row = asked[pick % len(asked)]
        start, had = earlier.offer_to(row).time.starts_at, self._held_by(row)
        with self.refusals(row.citizen, False, start, row), transaction():
            if accept:
                move_to_offered(row, self.booking, start, row.citizen)
                self._will_return(had)
            else:
                earlier.decline(row, self.booking, start)

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

    @rule(minutes=st.sampled_from([1, 5, 11, 11, 31, 60, 600]))
    def time_passes(self, minutes):
        """Nobody does anything, and every worker is dead."""
        self.traveller.shift(timedelta(minutes=minutes))
        self.returns = {piece: until for piece, until in self.returns.items() if until > clock.now()}

    @rule()
    def workers_catch_up(self):
        """Workers do all that is due about time."""
        for _round in range(10):
            kinds = OutboxRow.kind.in_(["appointment.lapse", "time.offer", "time.unanswered", "time.return"])
            due = select(OutboxRow).where(
                kinds, OutboxRow.state == "waiting", OutboxRow.due_at <= clock.now()
            )
            if not (rows := [(row.id, row.kind, row.payload) for row in db.session.scalars(due)]):
                break
            for number, kind, payload in rows:
                self._work(number, kind, payload)
        over = [piece for piece, (_, ends) in ledger.all_claims().items() if ends and ends <= clock.now()]
        assert not over, f"{over} do not return"

    def _work(self, number, kind, payload):
        app = current_app._get_current_object()
        before = app.config["PORTAL"]
        app.config["PORTAL"] = replace(before, booking=self.booking)
        try:
            outbox.jobs()[kind].do(**payload)
        finally:
            app.config["PORTAL"] = before
        with transaction():
            db.session.get_one(OutboxRow, number).state = "done"

    # --- What must hold after every step ---------------------------------------------------------------

    @invariant()
    def nobody_is_sold_twice_and_no_minute_is_lost(self):
        books = ledger.open_books(self.booking)
        assert not books.faults(), books.faults()
        self._expect_return(books)
        self._expect_offer(books)

    def _expect_return(self, books):
        """What nobody has a right to comes back, and in time."""
        for piece, until in ledger.asked_about(self.booking).items():
            self.returns[piece] = max(until, self.returns.get(piece, until))
        for piece, ends in books.kept_from_others().items():
            assert ends is not None, f"{piece} never returns"
            assert piece in self.returns, f"{piece} is kept for nobody"
            assert ends <= self.returns[piece], f"{piece} returns too late"

    def _expect_offer(self, books):
        """One question after each step: what is offered is what the claims leave."""
        self.steps += 1
        key, office, wish = QUESTIONS[self.steps * 7 % len(QUESTIONS)]
        service, place = self.town.services[key], self.town.offices.get(office)
        offered = availability.offer(service, self.booking, place, wish=wish).starts
        possible = self.town.free_starts(service, wish, place, books.taken(), self.absences)
        assert offered == possible, f"{key} at {office}, {wish}: not offered or not possible"

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
                for row in ledger.open_books(self.booking).living
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

    @contextmanager
    def _looking_too_early(self, too_early):
        """Whoever looks before others have booked thinks that everything is free: the guard alone decides."""
        look = busy_days.calendars
        if too_early:
            busy_days.calendars = lambda resources, window, ignoring=None: {}
        try:
            yield
        finally:
            busy_days.calendars = look

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
        """What the appointment has for good."""
        claims = ledger.all_claims().items()
        return {piece for piece, (owner, ends) in claims if owner == row.id and ends is None}

    def _will_return(self, pieces):
        pause = timedelta(minutes=max(self.booking.cooling_off_minutes, 2))
        self.returns |= {piece: clock.now() + pause for piece in pieces}
