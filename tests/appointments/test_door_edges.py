"""The door at its edges: a second before and after, a room that is gone, two who press at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.appointments import call, lifecycle, rooms
from portal.appointments.door_state import Face, state_of
from portal.appointments.links import join_token
from portal.audit import AuditLine
from portal.clock import now
from portal.db import db, transaction
from portal.plugin_api import Room, TemporaryFailure
from portal.testing import fakes

SECOND = timedelta(seconds=1)


@pytest.fixture
def row(hall, booked):
    return booked(hall, number=30)


@pytest.fixture
def guest(row):
    return row.participants[0]


@pytest.fixture
def in_days(hall, booked):
    """An appointment that is days away."""
    row = booked(hall, number=300)
    assert row.starts_at - now() > timedelta(days=2)
    return row


@pytest.fixture
def client(visit):
    return visit()


@pytest.fixture
def system(app):
    """One video system that leads to another site, and whose ways in are easily recognised."""
    system = fakes.FakeVideo("away")
    fakes.choose(app, video=[system])
    return system


def door(guest):
    return f"/join/{join_token(guest)}"


def begin(row, provider="away"):
    with transaction():
        call.start(row, [provider], row.clerk)


def open_room(row):
    room = row.rooms[-1]
    with transaction():
        rooms.opened(room, Room(room.key, room.closes_at, {"id": "1", "max_guests": "4"}))


def state(client, guest):
    return client.get(f"{door(guest)}/state").get_json()["state"]


def test_the_waiting_room_opens_to_the_second(hall, row, guest):
    opens = row.starts_at - timedelta(minutes=hall.booking.door_opens_minutes)
    seen = []
    for instant in (opens - SECOND, opens, opens + SECOND):
        hall.clock.move_to(instant)
        seen.append(state_of(guest))
    assert seen == ["early", "waiting", "waiting"]


def test_the_way_in_ends_with_the_window_to_the_second(hall, row, guest, client, system):
    hall.clock.move_to(row.starts_at)
    begin(row)
    open_room(row)
    closes = row.rooms[0].closes_at
    hall.clock.move_to(closes - SECOND)
    assert "video.example" in client.get(f"{door(guest)}/call").location
    for instant in (closes, closes + SECOND):
        hall.clock.move_to(instant)
        answers = [client.get(door(guest) + page) for page in ("", "/state", "/call", "/check")]
        assert state(client, guest) == "ended"
        assert not any("video.example" in answer.text + str(answer.headers) for answer in answers)
    assert "The time of this call is over" in client.get(door(guest)).text


def test_before_admission_nothing_leads_into_the_room_and_nothing_is_logged(
    hall, row, client, system, logged, outbox_runner
):
    with transaction():
        companion = call.invite(row, "companion", "Κώστας", "kostas@example.gr", "en", row.clerk)
    hall.clock.move_to(row.starts_at)
    begin(row)
    open_room(row)
    key = row.rooms[0].key
    db.session.rollback()
    outbox_runner()
    answers = [client.get(door(companion) + page) for page in ("", "/state", "/call", "/check", "/line")]
    for answer in answers:
        assert key not in answer.text + str(answer.headers)
        assert "video.example" not in answer.text + str(answer.headers)
    assert "join" not in system.calls
    with transaction():
        call.admit(companion, row.clerk)
    way_in = client.get(f"{door(companion)}/call").location
    assert key in way_in and system.calls.count("join") == 1
    assert way_in not in logged() and door(companion).split("/")[-1] not in logged()


@pytest.mark.parametrize("role", ["companion", "citizen"])
def test_who_comes_days_early_reads_that_the_call_is_open_once_it_is(in_days, client, system, role):
    row, guest = in_days, in_days.participants[0]
    assert state(client, guest) == "early"
    assert "data-countdown-until" in client.get(door(guest)).text
    begin(row)
    open_room(row)
    with transaction():  # the citizen's link went astray, and the new one waits for the clerk too
        if role == "companion":
            guest = call.invite(row, role, "Κώστας", "kostas@example.gr", "en", row.clerk)
        else:
            call.renew_link(guest, "maria@example.gr", row.clerk)
    page = client.get(door(guest)).text
    assert state(client, guest) == "waiting"
    assert "The call is open, and the clerk sees that you are here" in page
    assert "data-countdown-until" not in page
    with transaction():
        call.admit(guest, row.clerk)
    if role == "citizen":  # what the old link had opened is closed, so the call moves into another room
        open_room(row)
    assert state(client, guest) == "admitted"
    assert "video.example" in client.get(f"{door(guest)}/call").location


def test_a_call_that_breaks_off_days_early_names_the_day_until_which_one_is_expected(
    hall, in_days, client, system
):
    row, guest = in_days, in_days.participants[0]
    begin(row)
    with transaction():
        call.call_again(row, row.clerk)
    assert re.search(r"expected until \d\d:\d\d \(\w{3} \d+ \w{3}\)", client.get(door(guest)).text)
    hall.clock.move_to(row.starts_at)
    assert re.search(r"expected until \d\d:\d\d\. Keep", client.get(door(guest)).text)


def test_a_room_of_another_appointment_is_out_of_reach(hall, row, guest, client, system, booked):
    other = booked(hall, "criminal-record", number=60)
    hall.clock.move_to(row.starts_at)
    begin(other)
    open_room(other)
    assert client.get(f"{door(guest)}/call").location == door(guest)
    assert "join" not in system.calls


def test_two_who_press_at_once_open_one_call_and_both_arrive(hall, row, desk, monkeypatch):
    hall.clock.move_to(row.starts_at)
    clerk, case = desk(row.clerk.login), f"/staff/appointments/{row.key}"
    started = call.start

    def a_colleague_is_quicker(appointment, providers, actor):
        started(appointment, providers, actor)
        return started(appointment, providers, actor)

    monkeypatch.setattr(call, "start", a_colleague_is_quicker)
    answer = clerk.submit(f"{case}/start", page=case)
    assert answer.location == f"{case}/call"
    assert "This cannot be done" not in clerk.get(f"{case}/call").text
    db.session.refresh(row)
    assert (row.state, len(row.rooms)) == ("in_call", 1)


def test_whoever_is_admitted_twice_was_admitted_once(hall, row):
    with transaction():
        companion = call.invite(row, "companion", "Κώστας", "kostas@example.gr", "el", row.clerk)
    hall.clock.move_to(row.starts_at)
    begin(row)
    for _ in range(2):
        with transaction():
            call.admit(companion, row.clerk)
    assert len(db.session.scalars(select(AuditLine).filter_by(deed="admitted")).all()) == 1


def test_a_room_with_another_provider_changes_the_mark_though_the_state_is_the_same(
    app, hall, row, guest, client
):
    fakes.choose(app, video=[fakes.FakeVideo("first"), fakes.FakeVideo("second")])
    hall.clock.move_to(row.starts_at)
    begin(row, "first")
    open_room(row)
    before = Face.of(guest)
    before_mark = before.mark
    with transaction():
        rooms.change_provider(row, ["first", "second"], row.clerk)
    open_room(row)
    after = Face.of(guest)
    assert (before.state, after.state) == ("admitted", "admitted") and before_mark != after.mark
    assert "The call has moved to another video system." in client.get(door(guest)).text


def test_without_any_room_the_door_says_that_the_video_does_not_work(hall, row, guest, client, system):
    hall.clock.move_to(row.starts_at)
    begin(row)
    with transaction():
        rooms.failed(row.rooms[0], "no answer", ["away"])
    assert state(client, guest) == "no_room"
    assert "Keep this page open and the phone near you" in client.get(door(guest)).text


def test_a_video_system_that_gives_no_way_in_leads_back_to_the_door(hall, row, guest, client, system):
    hall.clock.move_to(row.starts_at)
    begin(row)
    open_room(row)
    system.failures.append(TemporaryFailure("the key is not accepted"))
    assert client.get(f"{door(guest)}/call").location == door(guest)
    assert "could not be entered just now" in client.get(door(guest)).text


def test_a_hall_full_of_waiting_people_behind_one_address_is_not_refused(hall, row, guest, client):
    with transaction():
        others = [
            call.invite(row, "companion", f"Φίλος {number}", "friend@example.gr", "el", row.clerk)
            for number in range(2)
        ]
    hall.clock.move_to(row.starts_at)
    for person in (guest, *others):
        answers = {client.get(f"{door(person)}/state").status_code for _ in range(45)}
        assert answers == {200}


def test_one_link_that_asks_without_end_is_slowed_down(hall, row, guest, client):
    hall.clock.move_to(row.starts_at)
    answers = [client.get(f"{door(guest)}/state").status_code for _ in range(125)]
    assert answers[:120] == [200] * 120 and answers[-1] == 429


def test_a_phone_that_was_locked_is_away_and_is_back_with_its_first_question(hall, row, guest, client):
    hall.clock.move_to(row.starts_at)
    state(client, guest)
    hall.clock.shift(timedelta(minutes=5))
    db.session.refresh(guest)
    assert not call.is_here(guest)
    assert state(client, guest) == "late"
    db.session.refresh(guest)
    assert call.is_here(guest) and guest.waiting_since == now()


def test_two_windows_of_one_person_are_one_person(hall, row, guest, client):
    hall.clock.move_to(row.starts_at)
    state(client, guest)
    since = guest.waiting_since
    hall.clock.shift(timedelta(seconds=12))
    state(client, guest)
    state(client, guest)
    db.session.refresh(guest)
    assert guest.waiting_since == since


def test_without_scripts_the_door_refreshes_and_has_a_link_for_it(hall, row, guest, client):
    hall.clock.move_to(row.starts_at)
    page = client.get(door(guest)).text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page
    assert f'<a href="{door(guest)}">Refresh now</a>' in page
    with transaction():
        lifecycle.cancel(row, hall.booking, row.clerk)
    page = client.get(door(guest)).text
    assert 'http-equiv="refresh"' not in page and "Refresh now" not in page


def test_the_page_carries_the_portals_clock(hall, row, guest, client):
    hall.clock.move_to(row.starts_at - timedelta(minutes=7))
    assert f'data-now="{now().isoformat()}"' in client.get(door(guest)).text
    assert client.get(f"{door(guest)}/state").get_json()["now"] == now().isoformat()


def test_a_call_that_broke_off_is_never_missed(hall, row, guest, client, desk):
    hall.clock.move_to(row.starts_at)
    state(client, guest)
    begin(row)
    with transaction():
        call.call_again(row, row.clerk)
    assert state(client, guest) == "dropped"
    assert "You keep your turn: you are expected until" in client.get(door(guest)).text
    with pytest.raises(lifecycle.NotPossible), transaction():
        lifecycle.miss(row, row.clerk)
    db.session.rollback()
    page = desk(row.clerk.login).get(f"/staff/appointments/{row.key}").text
    assert "The citizen did not come" not in page and "it cannot be recorded as missed" in page


def test_a_call_opened_for_somebody_who_never_came_may_be_missed(hall, row, guest):
    hall.clock.move_to(row.starts_at)
    begin(row)
    with transaction():
        call.call_again(row, row.clerk)
    with transaction():
        lifecycle.miss(row, row.clerk)
    assert row.state == "missed"
