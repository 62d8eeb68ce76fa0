"""A citizen acts for another: the other's seat, link and messages, and what is kept, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from icalendar import Calendar
from sqlalchemy import select

from portal import mailbox, outbox
from portal.appointments import availability, call, lifecycle, on_behalf
from portal.appointments.links import join_token, join_url, participant_of
from portal.appointments.models import ServedParty
from portal.appointments.on_behalf import Served
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.outbox import OutboxRow

NIKOS = Served(
    "person", "parent", "Νίκος", "Παπαδόπουλος", "nikos@example.gr", "+306900000002", declared=True
)
CHILD = Served("person", "child", "Άννα", "Παπαδοπούλου", declared=True)
BUSINESS = Served("business", "representative", business_name="Δείγμα ΑΕ", tax_number="999100005")
IDENTIFIED = {"paper_shown": True, "face_matches": True, "name_matches": True}


@pytest.fixture
def town(each_counter, clock):
    return Town(each_counter)


class Town(SimpleNamespace):
    """A counter at which Maria books, for herself or for others."""

    def __init__(self, counter):
        super().__init__(counter=counter, service=counter.service("birth-certificate"), rules=counter.booking)

    def start(self, number):
        return availability.offer(self.service, self.rules).starts[number]

    def book(self, served=NIKOS, number=60, language="en"):
        maria = self.counter.citizen
        details = lifecycle.Details(
            maria.name, maria.email, "+306900000000", language, "id_card", served=served
        )
        with transaction():
            row = lifecycle.hold(self.service, self.rules, None, self.start(number), maria, language)
            lifecycle.confirm(row, self.rules, maria, details, maria)
        return row

    def change(self, deed, *arguments):
        with transaction():
            return deed(*arguments)

    def in_call(self, served):
        row = self.book(served)
        self.change(call.start, row, ["direct"], row.clerk)
        return row

    def work(self):
        db.session.rollback()
        outbox.run_due(self.counter.app)
        db.session.rollback()

    def letters_to(self, address):
        """What was written to this address, oldest first."""
        letters = mailbox.letters(self.counter.config.instance / "mailbox")
        return [letter for letter in letters[::-1] if letter.message["To"] == address]


def openings(letters):
    return [letter.text.strip().splitlines()[0] for letter in letters]


def seat_of(row):
    [seat] = [person for person in row.participants if person.role == "served"]
    return seat


def test_the_person_served_has_a_seat_and_a_link_of_his_own(town):
    row = town.book()
    seat = seat_of(row)
    assert (seat.name, seat.email, seat.language) == ("Νίκος Παπαδόπουλος", "nikos@example.gr", "en")
    assert participant_of(join_token(seat)) is seat
    assert row.citizen_name == "Μαρία Παπαδοπούλου" and row.citizen_id == town.counter.citizen.id
    assert (row.served.name, row.served.relation) == ("Νίκος Παπαδόπουλος", "parent")
    assert row.served.declared_at is not None


@pytest.mark.parametrize("served", [CHILD, BUSINESS, None])
def test_without_an_address_of_its_own_nobody_else_has_a_seat(town, served):
    row = town.book(served)
    assert [person.role for person in row.participants] == ["citizen"]
    town.work()
    kinds = set(db.session.scalars(select(OutboxRow.kind)))
    assert "appointment.served_notice" not in kinds


def test_two_who_share_an_address_are_told_once(town):
    row = town.book(replace(NIKOS, email="Maria@Example.gr"))
    assert [person.role for person in row.participants] == ["citizen"]
    town.work()
    assert len(town.letters_to("maria@example.gr")) == 1 and not town.letters_to("Maria@Example.gr")


def test_the_longest_names_that_the_form_takes_fit_everywhere(town):
    row = town.book(replace(NIKOS, first_name="Α" * 100, last_name="Β" * 100))
    assert seat_of(row).name == row.served.name == f"{'Α' * 100} {'Β' * 99}"


def test_the_tax_number_of_a_business_is_encrypted_at_rest(town):
    row = town.book(BUSINESS)
    kept = db.session.scalar(select(ServedParty).filter_by(appointment_id=row.id))
    assert "999100005" not in kept.tax_number_encrypted
    assert on_behalf.tax_number_of(kept) == "999100005"
    assert "999100005" not in repr(BUSINESS)


def test_the_person_served_is_told_in_words_for_him_with_his_own_link(town):
    row = town.book()
    town.work()
    town.work()
    [letter] = town.letters_to("nikos@example.gr")
    [to_maria] = town.letters_to("maria@example.gr")
    assert "Μαρία Παπαδοπούλου has booked this appointment for you" in letter.text
    citizen = row.participants[0]
    for text in (letter.text, letter.html):
        assert join_url(seat_of(row)) in text and join_url(citizen) not in text
        assert f"/appointments/{row.key}" not in text
        assert row.office.phone in text
    assert join_url(citizen) in to_maria.text and join_url(seat_of(row)) not in to_maria.text
    assert "on behalf of Νίκος Παπαδόπουλος (parent)" in to_maria.text


def test_no_calendar_file_names_anybody_and_his_leads_to_the_office(town):
    row = town.book()
    town.work()
    for address in ("nikos@example.gr", "maria@example.gr"):
        [letter] = town.letters_to(address)
        [file] = letter.attachments
        content = file.get_payload(decode=True).decode()
        entry = Calendar.from_ical(content).walk("VEVENT")[0]
        assert "Παπαδ" not in content and "parent" not in content
        assert ("url" in entry) == (address == "maria@example.gr")
    assert row.office.phone in str(Calendar.from_ical(_ics(town, "nikos@example.gr")).walk("VEVENT")[0])


def _ics(town, address):
    [letter] = town.letters_to(address)
    return letter.attachments[0].get_payload(decode=True)


def test_a_move_is_told_to_both_and_the_link_stays_the_same(town, clock):
    row = town.book()
    town.work()
    link = join_url(seat_of(row))
    new = town.start(120)
    town.change(lifecycle.move, row, town.rules, None, new, town.counter.citizen)
    town.work()
    letters = town.letters_to("nikos@example.gr")
    assert "has a new time" in letters[-1].text and link in letters[-1].text
    clock.move_to(new - timedelta(minutes=town.rules.reminder_minutes))
    town.work()
    letters = town.letters_to("nikos@example.gr")
    assert [o.split()[0] for o in openings(letters)] == ["Μαρία", "The", "We"]
    assert all("invite" not in letter.text for letter in letters)


def test_after_a_cancellation_he_is_told_and_not_reminded(town, clock):
    row = town.book()
    town.work()
    starts_at = row.starts_at
    town.change(lifecycle.cancel, row, town.rules, town.counter.citizen)
    town.work()
    clock.move_to(starts_at)
    town.work()
    letters = town.letters_to("nikos@example.gr")
    assert len(letters) == 2 and "will not take place" in letters[-1].text
    assert "/join/" not in letters[-1].text


def test_the_clerk_admits_both_when_he_opens_the_call(town):
    row = town.in_call(NIKOS)
    assert all(person.admitted_at for person in row.participants)


@pytest.mark.parametrize(
    ("served", "names"),
    [
        (NIKOS, ["served", "citizen"]),
        (Served("person", "parent", "Νίκος", "Παπαδόπουλος"), ["citizen", "served"]),
        (CHILD, ["citizen"]),
        (BUSINESS, ["citizen"]),
        (None, ["citizen"]),
    ],
)
def test_for_a_child_or_a_business_the_one_who_acts_is_identified(town, served, names):
    row = town.in_call(served)
    assert list(on_behalf.may_be_identified(row)) == names
    record = call.IdentityRecord("id_card", **IDENTIFIED, whom="served")
    if "served" in names:
        town.change(call.record_identity, row, record, row.clerk)
        assert row.identity_check.whom == "served"
    else:
        with pytest.raises(lifecycle.NotPossible):
            town.change(call.record_identity, row, record, row.clerk)


@pytest.mark.parametrize(
    ("served", "facts"),
    [
        (NIKOS, {"served": "person", "relation": "parent"}),
        (BUSINESS, {"served": "business", "relation": "representative"}),
        (None, {}),
    ],
)
def test_the_record_says_for_whom_without_personal_data(town, served, facts):
    row = town.book(served)
    line = db.session.scalar(select(AuditLine).filter_by(deed="booked", subject=f"appointment:{row.id}"))
    assert line.actor_id == town.counter.citizen.id
    assert line.facts == {"clerk": row.clerk_id, **facts}


def test_the_declaration_is_kept_with_its_instant(town, clock):
    clock.move_to(datetime(2026, 11, 30, 7, 30, tzinfo=UTC))
    assert town.book(CHILD).served.declared_at == datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
    assert town.book(BUSINESS, number=90).served.declared_at is None
