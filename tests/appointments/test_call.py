"""The call: admission, rooms and their providers, the identity record, invitations, and how it ends."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import call, lifecycle
from portal.appointments.lifecycle import NotPossible
from portal.appointments.models import Claim, IdentityCheck
from portal.db import db, transaction
from portal.documents import lifecycle as documents

RECORD = call.IdentityRecord("id_card", paper_shown=True, face_matches=True, name_matches=True)


@pytest.fixture
def called(counter, clock, booked):
    """An appointment whose call the clerk has just opened, with two video providers to choose from."""
    row = booked(counter)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    return row


def test_opening_the_call_admits_the_citizen_and_orders_a_room(called):
    assert called.state == "in_call"
    assert called.participants[0].admitted_at
    assert [(room.provider, room.state) for room in called.rooms] == [("first", "opening")]


def test_a_third_person_is_invited_with_a_link_and_admitted_on_his_own(called):
    with transaction():
        guest = call.invite(called, "interpreter", "Ελένη", "eleni@example.gr", "el", called.clerk)
    assert guest.admitted_at is None
    with transaction():
        call.admit(guest, called.clerk)
    assert guest.admitted_at


def test_nobody_is_admitted_before_the_call_is_open(counter, clock, booked):
    row = booked(counter)
    with pytest.raises(NotPossible), transaction():
        call.admit(row.participants[0], row.clerk)


@pytest.mark.parametrize("missing", ["paper_shown", "face_matches", "name_matches"])
def test_one_missing_tick_means_not_identified(called, missing):
    record = call.IdentityRecord(**{**RECORD.__dict__, missing: False})
    with transaction():
        call.record_identity(called, record, called.clerk)
    assert db.session.get(IdentityCheck, called.id).identified is False


def test_a_later_identity_check_replaces_the_earlier_one(called):
    for record in (call.IdentityRecord("passport", True, False, True), RECORD):
        with transaction():
            call.record_identity(called, record, called.clerk)
    [kept] = db.session.scalars(select(IdentityCheck)).all()
    assert (kept.paper, kept.identified) == ("id_card", True)


def test_a_call_that_broke_off_sends_everybody_to_the_door_and_keeps_the_time(called):
    before = len(db.session.scalars(select(Claim)).all())
    with transaction():
        call.call_again(called, called.clerk)
    assert called.state == "booked"
    assert all(person.admitted_at is None for person in called.participants)
    assert len(db.session.scalars(select(Claim)).all()) == before


def test_a_technical_fault_is_recorded_as_such_and_never_as_missed(called):
    with transaction():
        call.finish(called, "technical", called.clerk)
    assert (called.state, called.outcome) == ("done", "technical")
    assert documents.request_of(called) is None


def test_ending_with_a_document_makes_the_office_owe_it(called):
    with transaction():
        call.finish(called, "issue", called.clerk)
    assert documents.request_of(called).state == "to_issue"
    assert db.session.scalars(select(Claim).where(Claim.appointment_id == called.id)).all() == []


def test_a_guest_is_told_the_new_time_when_the_appointment_moves(counter, clock, booked, first_free):
    row = booked(counter, number=40)
    with transaction():
        call.invite(row, "interpreter", "Ελένη", "eleni@example.gr", "el", row.clerk)
    with transaction():
        lifecycle.move(row, counter.booking, None, first_free(counter, row.service, 60), row.clerk)
    query = select(outbox.OutboxRow).where(outbox.OutboxRow.kind == "appointment.invitation")
    states = [work.state for work in db.session.scalars(query.order_by(outbox.OutboxRow.id))]
    assert states == ["cancelled", "waiting"]
