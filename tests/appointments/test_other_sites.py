"""Calls on another site: the step there, a room that may have vanished, and the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import outbox
from portal.appointments import call, rooms
from portal.appointments.links import join_token
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.plugin_api import Join, PermanentFailure, Room, TemporaryFailure, lazy
from portal.testing import fakes

MINUTE = timedelta(minutes=1)


class ForgetfulVideo(fakes.FakeVideo):
    """Says with each opening how often it was asked, and shows it in the way in."""

    fresh_for = MINUTE

    def open_room(self, order):
        room = super().open_room(order)
        return Room(room.key, room.closes_at, {"time": str(self.calls.count("open_room"))})

    def join(self, room, guest):
        self._called("join")
        return Join.redirect(f"https://video.example/{room.key}?time={room.data['time']}&key={guest.key}")

    def explain_return(self, query):
        self._called("explain_return")
        return lazy("You are early – good!") if query.get("why") == "early" else None


@pytest.fixture
def video(hall):
    first, second = ForgetfulVideo("first"), fakes.FakeVideo("second")
    fakes.choose(hall.app, video=(first, second))
    return first


@pytest.fixture
def work(hall):
    """``work()``: the worker does what is due."""

    def work():
        db.session.rollback()
        outbox.run_due(hall.app)

    return work


@pytest.fixture
def row(hall, booked, video, work):
    """An appointment whose call is open."""
    row = booked(hall)
    with transaction():
        call.start(row, ["first", "second"], row.clerk)
    work()
    return row


@pytest.fixture
def door(row, visit):
    visit()
    return f"/join/{join_token(row.participants[0])}"


def is_waiting(answer):
    return answer.status_code == 200 and "The room is being opened" in answer.text


def leads_to_time(answer):
    return answer.headers["Location"].partition("time=")[2].partition("&")[0]


def test_a_room_that_may_have_vanished_is_opened_again_first(row, door, client, video, hall, work):
    assert leads_to_time(client.get(f"{door}/call")) == "1"
    hall.clock.shift(MINUTE)
    for _ in range(3):
        assert is_waiting(client.get(f"{door}/call"))
    work()
    assert leads_to_time(client.get(f"{door}/call")) == "2"
    assert video.calls.count("open_room") == 2
    hall.clock.shift(MINUTE)
    assert is_waiting(client.get(f"{door}/call"))
    work()
    assert leads_to_time(client.get(f"{door}/call")) == "3"
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "open")]


def test_meanwhile_nothing_is_told_of_the_way_in_and_those_inside_notice_nothing(row, door, client, hall):
    hall.clock.shift(MINUTE)
    page = client.get(f"{door}/call").text
    assert "video.example" not in page
    assert '<meta http-equiv="refresh" content="3">' in page
    assert row.rooms[0].state == "open"
    assert client.get(f"{door}/state").get_json()["state"] == "admitted"


def test_the_clerk_waits_in_the_same_way(row, client, desk, hall, work):
    hall.clock.shift(MINUTE)
    address = f"/staff/appointments/{row.key}/enter"
    clerk = desk(row.clerk.login)
    assert is_waiting(clerk.get(address))
    work()
    assert leads_to_time(clerk.get(address)) == "2"


def test_a_provider_that_is_away_for_a_moment_keeps_the_call(row, door, client, video, hall, work):
    hall.clock.shift(MINUTE)
    client.get(f"{door}/call")
    video.failures.append(TemporaryFailure("restarting"))
    work()
    assert is_waiting(client.get(f"{door}/call"))
    hall.clock.shift(timedelta(seconds=20))
    work()
    assert leads_to_time(client.get(f"{door}/call")) == "3"
    assert len(row.rooms) == 1


@pytest.mark.parametrize("wait", [timedelta(), timedelta(minutes=3)])
def test_a_room_that_cannot_be_opened_again_gives_way_to_the_next_provider(
    row, door, client, video, hall, work, wait
):
    hall.clock.shift(MINUTE)
    client.get(f"{door}/call")
    video.failures.append(TemporaryFailure("gone") if wait else PermanentFailure("refused"))
    work()
    hall.clock.shift(wait)
    work()
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "failed"), ("second", "open")]
    assert video.calls[-1] == "close_room"
    assert "video.example" in client.get(f"{door}/call").headers["Location"]


def test_work_that_is_given_up_late_takes_no_room_that_was_opened_meanwhile(row, hall):
    room = row.rooms[0]
    stale_since = room.opened_at.isoformat()
    hall.clock.shift(MINUTE)
    with transaction():
        rooms.renewed(room, Room(room.key, room.closes_at, {"time": "2"}))
        rooms.lost(room, stale_since, "too late", ["first", "second"])
        rooms.failed(room, "too late", ["first", "second"])
    assert [(room.provider, room.state) for room in row.rooms] == [("first", "open")]


def test_a_call_that_ends_meanwhile_is_closed_again(row, door, client, video, hall, work, monkeypatch):
    hall.clock.shift(MINUTE)
    client.get(f"{door}/call")
    number, opens = row.id, ForgetfulVideo.open_room

    def open_while_the_clerk_finishes(self, order):
        with transaction():
            ended = db.session.get(Appointment, number)
            call.finish(ended, "nothing", ended.clerk)
        return opens(self, order)

    monkeypatch.setattr(ForgetfulVideo, "open_room", open_while_the_clerk_finishes)
    work()
    assert row.rooms[0].state == "closed"
    assert video.rooms == {}


def test_a_call_that_is_over_is_not_opened_again(row, video, hall, work):
    with transaction():
        rooms.renew(row.rooms[0])
        call.finish(row, "nothing", row.clerk)
    work()
    assert video.calls.count("open_room") == 1
    assert db.session.scalars(select(outbox.OutboxRow.state).distinct()).all() != ["buried"]


def test_a_provider_that_never_forgets_is_not_asked_again(row, door, client, video, hall, work):
    video.fresh_for = None
    hall.clock.shift(timedelta(minutes=10))
    assert leads_to_time(client.get(f"{door}/call")) == "1"


# --- The way back ----------------------------------------------------------------------------------------


def test_who_was_not_let_in_reads_why_once(door, client):
    client.get(f"{door}/call")
    assert "You are early – good!" in client.get("/left?why=early", follow_redirects=True).text
    assert "You are early – good!" not in client.get(door).text


def test_the_clerk_reads_why_in_the_window_of_the_call(row, client, desk):
    clerk = desk(row.clerk.login)
    clerk.get(f"/staff/appointments/{row.key}/enter")
    page = clerk.get("/left?why=early").text
    assert "You are early – good!" in page and f"/staff/appointments/{row.key}/call" in page


def test_what_anybody_writes_into_the_address_is_never_shown(door, client):
    client.get(f"{door}/call")
    assert client.get("/left").headers["Location"] == door
    page = client.get("/left?why=<b>pay-here</b>&errors=pay-here", follow_redirects=True).text
    assert "pay-here" not in page


def test_coming_back_works_when_the_provider_has_no_words_for_it(door, client, video):
    client.get(f"{door}/call")
    video.failures.append(RuntimeError("broken"))
    assert client.get("/left?why=early").headers["Location"] == door


def test_a_stranger_who_comes_back_is_told_how_to_go_on(client, visit, hall):
    visit()
    assert "open the personal link" in client.get("/left?why=early").text
