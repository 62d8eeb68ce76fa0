"""Rooms of a call: providers that disappoint, sound only, the way to the phone and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import call, rooms
from portal.appointments.lifecycle import NotPossible
from portal.clock import now
from portal.db import db, transaction
from portal.plugin_api import PermanentFailure, Room, TemporaryFailure
from portal.providers import ProviderPause, current_providers
from portal.testing import fakes

RECORD = call.IdentityRecord("id_card", paper_shown=True, face_matches=True, name_matches=True)


@pytest.fixture
def called(counter, clock, booked):
    """An appointment whose call the clerk has just opened, with two video providers to choose from."""
    row = booked(counter)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    return row


@pytest.fixture
def in_room(called):
    """The same with the citizen identified in a room that is open."""
    with transaction():
        rooms.opened(called.rooms[0], Room(called.rooms[0].key, called.rooms[0].closes_at, {"id": "1"}))
        call.record_identity(called, RECORD, called.clerk)
    return called


def test_a_room_that_cannot_be_opened_gives_way_to_the_next_provider(called):
    with transaction():
        rooms.failed(called.rooms[0], "no answer", ["first", "second"])
    assert [(room.provider, room.state) for room in called.rooms] == [
        ("first", "failed"),
        ("second", "opening"),
    ]
    assert called.rooms[0].last_error == "no answer"
    with transaction():
        rooms.failed(called.rooms[1], "no answer either", ["first", "second"])
    assert rooms.current(called) is None


def test_a_room_opened_too_late_for_a_call_that_is_over_is_not_wanted(called):
    with transaction():
        call.finish(called, "nothing", called.clerk)
    assert rooms.order_for(called.rooms[0], "") is None


def test_an_opened_room_is_entered_and_an_answer_that_comes_twice_changes_nothing(called):
    room = called.rooms[0]
    for answer in ({"id": "1"}, {"id": "2"}):
        with transaction():
            rooms.opened(room, Room(room.key, room.closes_at, answer))
    assert (room.state, room.data) == ("open", {"id": "1"})


def test_the_clerk_may_go_on_with_another_provider(called):
    with transaction():
        rooms.change_provider(called, ["first", "second"], called.clerk)
    assert rooms.current(called).provider == "second"


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
        rooms.change_provider(row, ["first", "second"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert "close_room" in first.calls
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "closed"), ("second", "open")]


def test_a_room_opened_after_the_call_ended_is_closed_again(called):
    room = called.rooms[0]
    with transaction():
        rooms.closed(room)
    with transaction():
        assert rooms.opened(room, Room(room.key, room.closes_at)) is False


def test_sound_only_is_a_mark_on_the_room_where_the_provider_can_switch_it(in_room):
    with transaction():
        rooms.switch_sound(in_room, True, False, in_room.clerk)
    assert [(room.sound_only, room.state) for room in in_room.rooms] == [(True, "open")]
    assert rooms.as_room(in_room.rooms[0]).sound_only
    with transaction():
        rooms.switch_sound(in_room, False, False, in_room.clerk)
    assert not in_room.rooms[0].sound_only


def test_sound_only_is_a_new_room_with_the_same_provider_where_it_cannot(in_room):
    with transaction():
        rooms.switch_sound(in_room, True, True, in_room.clerk)
    before, after = in_room.rooms
    assert (before.state, after.state, after.provider) == ("closing", "opening", before.provider)
    assert rooms.order_for(after, "").sound_only and in_room.participants[0].admitted_at


def test_the_same_wish_twice_opens_no_second_room(in_room):
    for _ in range(2):
        with transaction():
            rooms.switch_sound(in_room, True, True, in_room.clerk)
    assert len(in_room.rooms) == 2


def test_before_the_identity_check_the_pictures_stay(called):
    with pytest.raises(NotPossible), transaction():
        rooms.switch_sound(called, True, False, called.clerk)
    assert not called.rooms[0].sound_only


def test_a_room_that_follows_another_keeps_sound_only(in_room):
    with transaction():
        rooms.switch_sound(in_room, True, False, in_room.clerk)
        rooms.change_provider(in_room, ["first", "second"], in_room.clerk)
    assert (rooms.current(in_room).provider, rooms.current(in_room).sound_only) == ("second", True)


def test_a_call_that_goes_on_by_phone_keeps_what_was_seen_and_sees_nothing_more(in_room):
    with transaction():
        rooms.go_on_by_phone(in_room, in_room.clerk)
    assert rooms.current(in_room) is None and in_room.by_phone_since
    with pytest.raises(NotPossible), transaction():
        call.record_identity(in_room, RECORD, in_room.clerk)
    with transaction():
        call.finish(in_room, "issue", in_room.clerk)
    assert (in_room.state, in_room.outcome) == ("done", "issue")


def test_from_the_phone_the_call_may_come_back_to_video(in_room):
    with transaction():
        rooms.go_on_by_phone(in_room, in_room.clerk)
    with transaction():
        rooms.try_video_again(in_room, ["first", "second"], in_room.clerk)
    assert rooms.current(in_room).state == "opening" and in_room.by_phone_since is None


def test_a_call_that_has_a_room_is_given_no_second_one(in_room):
    with pytest.raises(NotPossible), transaction():
        rooms.try_video_again(in_room, ["first"], in_room.clerk)


def test_a_provider_that_does_not_answer_gives_way_at_once(counter, clock, booked):
    first, second = fakes.FakeVideo("first"), fakes.FakeVideo("second")
    first.failures.append(TemporaryFailure("no answer within 10 seconds"))
    fakes.choose(counter.app, video=[first, second])
    row = booked(counter)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "failed"), ("second", "open")]
    assert "no answer" in row.rooms[0].last_error


def test_the_only_provider_is_asked_again(counter, clock, booked):
    only = fakes.FakeVideo("only")
    only.failures.append(TemporaryFailure("no answer within 10 seconds"))
    fakes.choose(counter.app, video=[only])
    row = booked(counter)
    with transaction():
        call.start(row, ["only"], row.clerk)
    db.session.rollback()
    outbox.run_due(counter.app)
    assert row.rooms[0].state == "opening"
    db.session.rollback()
    clock.shift(timedelta(minutes=1))
    outbox.run_due(counter.app)
    assert row.rooms[0].state == "open"


def test_a_paused_provider_is_asked_last_until_its_pause_is_over(counter, clock):
    fakes.choose(counter.app, video=[fakes.FakeVideo("first"), fakes.FakeVideo("second")])
    with transaction():
        until = now() + timedelta(minutes=5)
        db.session.add(ProviderPause(provider="first", failures=5, paused_until=until))
    assert current_providers().video_in_order() == ["second", "first"]
    clock.shift(timedelta(minutes=6))
    assert current_providers().video_in_order() == ["first", "second"]


def test_only_rooms_in_which_a_call_is_held_are_told_to_a_plugin(in_room, clock):
    assert [room.key for room in rooms.open_rooms(["first"])] == [in_room.rooms[0].key]
    assert rooms.open_rooms(["second"]) == ()
    clock.shift(in_room.rooms[0].closes_at - now())
    assert rooms.open_rooms(["first"]) == ()
