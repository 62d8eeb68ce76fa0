"""The call: admission, rooms and their providers, the identity record, invitations, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import call, lifecycle
from portal.appointments.lifecycle import NotPossible
from portal.appointments.models import Claim, IdentityCheck
from portal.db import db, transaction
from portal.documents import lifecycle as documents
from portal.plugin_api import PermanentFailure, Room
from portal.testing import fakes

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


def test_a_room_that_cannot_be_opened_gives_way_to_the_next_provider(called):
    with transaction():
        call.room_failed(called.rooms[0], "no answer", ["first", "second"])
    assert [(room.provider, room.state) for room in called.rooms] == [
        ("first", "failed"),
        ("second", "opening"),
    ]
    assert called.rooms[0].last_error == "no answer"
    with transaction():
        call.room_failed(called.rooms[1], "no answer either", ["first", "second"])
    assert call.current_room(called) is None


def test_a_room_opened_too_late_for_a_call_that_is_over_is_not_wanted(called):
    with transaction():
        call.finish(called, "nothing", called.clerk)
    assert call.order_for(called.rooms[0]) is None


def test_an_opened_room_is_entered_and_an_answer_that_comes_twice_changes_nothing(called):
    room = called.rooms[0]
    for answer in ({"id": "1"}, {"id": "2"}):
        with transaction():
            call.room_opened(room, Room(room.key, room.closes_at, answer))
    assert (room.state, room.data) == ("open", {"id": "1"})


def test_the_clerk_may_go_on_with_another_provider(called):
    with transaction():
        call.change_provider(called, ["first", "second"], called.clerk)
    assert call.current_room(called).provider == "second"


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


def test_the_worker_opens_the_room_with_the_next_provider_and_closes_it_at_the_end(counter, clock, booked):
    first, second = fakes.FakeVideo("first"), fakes.FakeVideo("second")
    first.failures.append(PermanentFailure("closed today"))
    fakes.choose(counter.app, video=[first, second])
    row = booked(counter)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "failed"), ("second", "open")]
    with transaction():
        call.finish(row, "nothing", row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert row.rooms[1].state == "closed"


def test_a_room_that_is_forgotten_is_closed_when_its_time_is_over(called, clock):
    row = db.session.scalars(select(outbox.OutboxRow).where(outbox.OutboxRow.kind == "video.close")).one()
    assert row.due_at == called.rooms[0].closes_at >= called.ends_at + timedelta(minutes=30)


def test_the_room_that_the_clerk_gave_up_is_closed_with_its_provider(counter, clock, booked):
    first, second = fakes.FakeVideo("first"), fakes.FakeVideo("second")
    fakes.choose(counter.app, video=[first, second])
    row = booked(counter)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    with transaction():
        call.change_provider(row, ["first", "second"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert "close_room" in first.calls
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "closed"), ("second", "open")]


def test_a_room_opened_after_the_call_ended_is_closed_again(called):
    room = called.rooms[0]
    with transaction():
        call.room_closed(room)
    with transaction():
        assert call.room_opened(room, Room(room.key, room.closes_at)) is False


def test_a_guest_is_told_the_new_time_when_the_appointment_moves(counter, clock, booked, first_free):
    row = booked(counter, number=40)
    with transaction():
        call.invite(row, "interpreter", "Ελένη", "eleni@example.gr", "el", row.clerk)
    with transaction():
        lifecycle.move(row, counter.booking, None, first_free(counter, row.service, 60), row.clerk)
    query = select(outbox.OutboxRow).where(outbox.OutboxRow.kind == "appointment.invitation")
    states = [work.state for work in db.session.scalars(query.order_by(outbox.OutboxRow.id))]
    assert states == ["cancelled", "waiting"]
