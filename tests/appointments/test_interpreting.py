"""The interpreter whose time is booked is invited, told of every change and excused, on both databases."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal import mailbox, outbox
from portal.appointments import absences, availability, choosing, earlier, lifecycle
from portal.appointments.citizen.earlier_pages import move_to_offered
from portal.appointments.links import join_token, join_url, participant_of
from portal.appointments.models import Claim
from portal.appointments.occupancy import TimeTaken, staff_resource
from portal.appointments.rules import Wish
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.people.models import Membership, Person, WorkingHours

WITH_INTERPRETER = Wish("video", interpreted=True)
RENA, PETROS = "r.sideri", "p.lazarou"


@pytest.fixture
def town(each_counter, clock):
    return Town(each_counter)


class Town(SimpleNamespace):
    """A counter with two interpreters: Rena is there in the morning, Petros from noon."""

    def __init__(self, counter):
        super().__init__(counter=counter, service=counter.service("birth-certificate"), count=0)

    @property
    def rules(self):
        return self.counter.booking

    def person(self, login):
        return db.session.scalars(select(Person).filter_by(login=login)).one()

    def starts(self, login):
        """Free starts, from tomorrow on, at which this interpreter alone could come."""
        offered = availability.offer(self.service, self.rules, wish=WITH_INTERPRETER).starts
        number = self.person(login).id
        for start in offered:
            if start.date() > offered[0].date() and self._interpreters_at(start) == {number}:
                yield start

    def _interpreters_at(self, start):
        choices = choosing.candidates(self.service, self.rules, None, start, "el", wish=WITH_INTERPRETER)
        return {choice.interpreter_id for choice in choices}

    def works_all_day(self, login):
        post = db.session.scalars(select(Membership).filter_by(person_id=self.person(login).id)).one()
        with transaction():
            for day in range(5):
                hours = {"weekday": day, "from_minute": 480, "to_minute": 900}
                db.session.add(WorkingHours(membership_id=post.id, **hours))

    def falls_ill(self, login, start):
        person, until = self.person(login), start + timedelta(hours=1)
        with transaction():
            return absences.record(person, start, until, person)

    def book(self, start, wish=WITH_INTERPRETER, notify=True):
        self.count += 1
        citizen = Person(first_name=f"Πολίτης {self.count}")
        details = lifecycle.Details(citizen.first_name, "c@example.gr", "+306900000000", "el", "id_card")
        with transaction():
            db.session.add(citizen)
            row = lifecycle.hold(self.service, self.rules, None, start, None, "el", wish)
            lifecycle.confirm(row, self.rules, citizen, details, citizen, notify=notify)
        return row

    def move(self, row, start):
        with transaction():
            lifecycle.move(row, self.rules, None, start, row.citizen)

    def work(self):
        db.session.rollback()
        outbox.run_due(self.counter.app)
        db.session.rollback()

    def letters_to(self, login):
        """What this person was written, oldest first."""
        letters = mailbox.letters(self.counter.config.instance / "mailbox")
        return [one for one in letters[::-1] if one.message["To"] == self.person(login).email]

    def told(self, login):
        """The same in one word each: ``come`` with a link, or ``free``."""
        return ["come" if "/join/" in letter.text else "free" for letter in self.letters_to(login)]


def guests_of(row):
    """The interpreters of an appointment, first invited first."""
    return [guest for guest in row.participants if guest.role == "interpreter"]


def claims_of(row, person_id):
    query = select(Claim).where(Claim.resource == staff_resource(person_id), Claim.appointment_id == row.id)
    return list(db.session.scalars(query))


def test_the_booked_interpreter_takes_part_and_is_invited_once_with_a_link_of_his_own(town):
    row = town.book(next(town.starts(RENA)))
    [guest] = guests_of(row)
    rena = town.person(RENA)
    assert (guest.person_id, guest.name, guest.email) == (rena.id, rena.name, rena.email)
    town.work()
    town.work()
    [letter] = town.letters_to(RENA)
    [citizen] = [person for person in row.participants if person.role == "citizen"]
    assert join_url(guest) in letter.text
    assert join_url(citizen) not in letter.text
    assert row.citizen_name not in letter.text + letter.subject


def test_an_interpreted_appointment_is_longer_and_keeps_the_interpreters_way_between_two(town):
    row = town.book(next(town.starts(RENA)))
    assert row.minutes == town.service.minutes + town.rules.interpreted_extra_minutes
    between = 2 * town.rules.interpreter_buffer_minutes
    assert len(claims_of(row, row.interpreter_id)) == (row.minutes + between) // 5


def test_an_appointment_without_interpretation_has_the_citizen_alone(town):
    row = town.book(next(town.starts(RENA)), Wish("video"))
    assert row.interpreter_id is None
    assert [person.role for person in row.participants] == ["citizen"]


def test_sample_data_seats_the_interpreter_and_writes_to_nobody(town):
    row = town.book(next(town.starts(RENA)), notify=False)
    town.work()
    assert len(guests_of(row)) == 1
    assert town.told(RENA) == []


def test_while_the_interpreter_is_booked_nobody_else_gets_him(town):
    row = town.book(next(town.starts(RENA)))
    with pytest.raises(TimeTaken):
        town.book(row.starts_at)
    assert row.starts_at not in availability.offer(town.service, town.rules, wish=WITH_INTERPRETER).starts
    assert town.book(row.starts_at, Wish("video")).clerk_id != row.clerk_id


def test_the_same_interpreter_at_another_time_keeps_his_link_and_learns_the_time(town):
    first, *_, later = islice(town.starts(RENA), 9)
    row = town.book(first)
    town.work()
    town.move(row, later)
    town.work()
    [guest] = guests_of(row)
    assert town.told(RENA) == ["come", "come"]
    assert all(join_url(guest) in letter.text for letter in town.letters_to(RENA))


def test_another_interpreter_at_the_new_time_is_invited_and_the_former_excused(town):
    row = town.book(next(town.starts(RENA)))
    town.work()
    [former], before = guests_of(row), row.starts_at
    town.move(row, next(town.starts(PETROS)))
    town.work()
    former, heir = guests_of(row)
    assert heir.person_id == row.interpreter_id == town.person(PETROS).id
    assert participant_of(join_token(former)) is None
    assert participant_of(join_token(heir)) == heir
    assert (town.told(RENA), town.told(PETROS)) == (["come", "free"], ["come"])
    excuse = db.session.scalars(select(OutboxRow).filter_by(kind="appointment.excuse")).one()
    assert excuse.payload == {"participant_id": former.id, "starts_at": before.isoformat()}
    assert claims_of(row, town.person(RENA).id) == []


def test_an_interpreter_who_is_booked_again_after_an_excuse_is_invited_anew(town):
    first = next(town.starts(RENA))
    row = town.book(first)
    town.move(row, next(town.starts(PETROS)))
    town.move(row, first)
    town.work()
    former, between, again = guests_of(row)
    assert [bool(guest.revoked_at) for guest in (former, between, again)] == [True, True, False]
    assert town.told(RENA)[-1] == "come"
    assert join_url(again) in town.letters_to(RENA)[-1].text
    assert "come" not in town.told(PETROS)


def test_when_the_interpreter_falls_ill_the_other_one_takes_over_and_the_clerk_stays(town):
    start = next(town.starts(RENA))
    row = town.book(start)
    town.work()
    clerk = row.clerk_id
    town.works_all_day(PETROS)
    gap = absences.Gap.of_absence(town.falls_ill(RENA, start))
    [proposal] = absences.plan(gap, absences.concerned(gap), town.rules)
    assert (proposal.deed, proposal.starts_at, proposal.clerk_id) == ("reassign", start, clerk)
    with transaction():
        absences.carry_out(proposal, row.version, gap, town.rules, row.clerk)
    town.work()
    assert (row.starts_at, row.clerk_id) == (start, clerk)
    assert row.interpreter_id == town.person(PETROS).id
    assert (town.told(RENA), town.told(PETROS)) == (["come", "free"], ["come"])
    assert claims_of(row, town.person(RENA).id) == []


def test_without_another_interpreter_the_appointment_moves_to_an_hour_with_one(town):
    row = town.book(next(town.starts(RENA)))
    gap = absences.Gap.of_absence(town.falls_ill(RENA, row.starts_at))
    [proposal] = absences.plan(gap, absences.concerned(gap), town.rules)
    assert proposal.deed == "move"
    with transaction():
        absences.carry_out(proposal, row.version, gap, town.rules, row.clerk)
    assert row.starts_at == proposal.starts_at
    assert [guest.person_id for guest in guests_of(row) if not guest.revoked_at] == [row.interpreter_id]


def test_a_new_clerk_alone_does_not_concern_the_interpreter(town):
    row = town.book(next(town.starts(RENA)))
    town.work()
    former = row.clerk_id
    with transaction():
        lifecycle.reassign(row, town.rules, row.clerk)
    town.work()
    assert row.clerk_id != former
    assert town.told(RENA) == ["come"]


def test_a_cancellation_excuses_the_interpreter_and_gives_back_his_time(town):
    row = town.book(next(town.starts(RENA)))
    town.work()
    with transaction():
        lifecycle.cancel(row, town.rules, row.citizen)
    town.work()
    assert town.told(RENA) == ["come", "free"]
    assert claims_of(row, row.interpreter_id) == []


def test_an_invitation_that_was_not_sent_before_the_move_is_sent_to_the_new_interpreter_alone(town):
    row = town.book(next(town.starts(RENA)))
    town.move(row, next(town.starts(PETROS)))
    town.work()
    assert "come" not in town.told(RENA)
    assert town.told(PETROS) == ["come"]


def test_a_move_that_fails_leaves_the_interpreter_where_he_was(town):
    first, *_, later = islice(town.starts(RENA), 9)
    town.book(later)
    row = town.book(first)
    town.work()
    with pytest.raises(TimeTaken):
        town.move(row, later)
    town.work()
    [guest] = guests_of(row)
    assert guest.revoked_at is None
    assert claims_of(row, row.interpreter_id)
    assert set(town.told(RENA)) == {"come"}


def test_an_interpreted_time_that_is_freed_goes_to_whoever_waits_for_one_with_its_interpreter(town):
    start, *_, later = islice(town.starts(RENA), 9)
    former, waiting = town.book(start), town.book(later)
    with transaction():
        earlier.join(waiting, town.rules)
        lifecycle.cancel(former, town.rules, former.citizen)
    town.work()
    assert {claim.appointment_id for claim in claims_at(former.interpreter_id, start)} == {waiting.id}
    with transaction():
        move_to_offered(waiting, town.rules, start, waiting.citizen)
    town.work()
    assert (waiting.starts_at, waiting.interpreter_id) == (start, town.person(RENA).id)
    assert len([guest for guest in guests_of(waiting) if not guest.revoked_at]) == 1
    assert all(claim.expires_at is None for claim in claims_of(waiting, waiting.interpreter_id))


def claims_at(person_id, start):
    quantum = int(start.timestamp()) // 300
    query = select(Claim).where(Claim.resource == staff_resource(person_id), Claim.quantum == quantum)
    return list(db.session.scalars(query))


def test_the_case_names_the_interpreter_who_comes_and_not_the_one_who_is_excused(town, log_in):
    row = town.book(next(town.starts(RENA)))
    client = town.counter.app.test_client()
    log_in(client, town.person("m.stathis"), door="staff")
    address = f"/staff/appointments/{row.key}?lang=en"
    assert "Ρένα Σιδέρη" in client.get(address, follow_redirects=True).text
    db.session.rollback()
    town.move(row, next(town.starts(PETROS)))
    page = client.get(address, follow_redirects=True).text
    assert "Πέτρος Λαζάρου" in page
    assert "Ρένα Σιδέρη" not in page
