"""The door: what a personal link shows at each moment, whom it admits, and what it keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.appointments import call, lifecycle, rooms
from portal.appointments.links import join_token, join_url
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.plugin_api import Room


@pytest.fixture
def row(hall, booked):
    return booked(hall, number=30)


@pytest.fixture
def guest(row):
    """The citizen as a participant."""
    return row.participants[0]


@pytest.fixture
def door(visit):
    """``door(guest)``: the address of a person's door, in English and without login."""
    visit()
    return lambda guest: f"/join/{join_token(guest)}"


def minutes(number):
    return timedelta(minutes=number)


def begin_call(row):
    with transaction():
        call.start(row, ["direct"], row.clerk)


def open_room(row):
    room = row.rooms[-1]
    with transaction():
        rooms.opened(room, Room(room.key, room.closes_at, {"max_guests": "4"}))


def state(client, address):
    return client.get(f"{address}/state").get_json()["state"]


def test_the_door_knows_the_hour(hall, row, guest, door, client):
    address = door(guest)
    faces = [
        (row.starts_at - minutes(15.1), "early", "The waiting room opens at"),
        (row.starts_at - minutes(15), "waiting", "The clerk sees that you are here"),
        (row.starts_at + minutes(1), "waiting", "The clerk sees that you are here"),
        (row.starts_at + minutes(1.1), "late", "We are sorry that you have to wait"),
        (row.ends_at + minutes(30), "late", "You keep your turn"),
        (row.ends_at + minutes(30.1), "passed", "The call did not take place. Please call the office"),
    ]
    for instant, word, explanation in faces:
        hall.clock.move_to(instant)
        assert state(client, address) == word
        page = client.get(address)
        assert page.status_code == 200
        assert f'data-state="{word}"' in page.text
        assert explanation in page.text


def test_the_door_follows_the_call(hall, row, guest, door, client):
    address = door(guest)
    hall.clock.move_to(row.starts_at)
    seen = [state(client, address)]
    begin_call(row)
    seen.append(state(client, address))
    assert "The clerk has admitted you." in client.get(address).text
    open_room(row)
    seen.append(state(client, address))
    assert f'href="{address}/call"' in client.get(address).text
    with transaction():
        call.call_again(row, row.clerk)
    seen.append(state(client, address))
    begin_call(row)
    open_room(row)
    with transaction():
        call.finish(row, "nothing", row.clerk)
    seen.append(state(client, address))
    assert seen == ["waiting", "opening", "admitted", "dropped", "over"]
    assert "Thank you. You can close this page." in client.get(address).text


def test_a_technical_fault_is_not_told_as_the_citizens_fault(hall, row, guest, door, client):
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    with transaction():
        call.finish(row, "technical", row.clerk)
    assert state(client, door(guest)) == "technical"
    page = client.get(door(guest)).text
    assert "It does not count as missed." in page
    assert "Book this service again" in page


def test_the_door_tells_of_a_missed_and_of_a_cancelled_appointment(hall, row, guest, door, client, booked):
    other = booked(hall, number=60)
    with transaction():
        lifecycle.cancel(other, hall.booking, hall.citizen)
    assert state(client, door(other.participants[0])) == "cancelled"
    assert "book a new time" in client.get(door(other.participants[0])).text
    hall.clock.move_to(row.starts_at + minutes(10))
    with transaction():
        lifecycle.miss(row, row.clerk)
    assert state(client, door(guest)) == "missed"
    assert "You were not there when the clerk called." in client.get(door(guest)).text


def test_who_comes_while_the_clerk_has_another_call_is_next(hall, row, guest, door, client):
    with transaction():
        busy = Appointment(
            service=row.service,
            office=row.office,
            clerk=row.clerk,
            state="in_call",
            starts_at=row.starts_at - minutes(20),
            minutes=15,
        )
        db.session.add(busy)
    hall.clock.move_to(row.starts_at)
    assert "The clerk is in another call. You are next." in client.get(door(guest)).text


def test_a_forged_outdated_or_revoked_link_opens_nothing(hall, row, guest, door, client):
    address = door(guest)
    hall.clock.move_to(row.starts_at)
    pages = ("", "/state", "/check", "/call")
    front, _, signature = address.rpartition(".")
    # Not at its end: the last letter of base64 has bits that mean nothing.
    forged = f"{front}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for page in pages:
        assert client.get(forged + page).status_code == 404
        assert client.get(f"/join/nonsense{page}").status_code == 404
    with transaction():
        guest.link_version += 1
    for page in pages:
        assert client.get(address + page).status_code == 404
    assert client.get(door(guest)).status_code == 200
    with transaction():
        guest.revoked_at = row.starts_at
    for page in pages:
        assert client.get(door(guest) + page).status_code == 404
    assert guest.seen_at is not None  # from the one good link, before it was revoked


def test_each_link_opens_only_its_own_appointment(hall, row, guest, door, client, booked):
    other = booked(hall, "criminal-record", number=60)
    with transaction():
        companion = call.invite(row, "companion", "Κώστας Παπάς", "kostas@example.gr", "el", row.clerk)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    open_room(row)
    assert state(client, door(guest)) == "admitted"
    assert state(client, door(companion)) == "waiting"
    assert state(client, door(other.participants[0])) == "early"
    assert other.service.name.en in client.get(door(other.participants[0])).text
    assert row.service.name.en not in client.get(door(other.participants[0])).text


def test_a_third_person_enters_only_after_the_clerk_admits_him(hall, row, guest, door, client):
    with transaction():
        companion = call.invite(row, "companion", "Κώστας Παπάς", "kostas@example.gr", "el", row.clerk)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    open_room(row)
    assert client.get(f"{door(companion)}/call").location == door(companion)
    with transaction():
        call.admit(companion, row.clerk)
    assert state(client, door(companion)) == "admitted"
    assert client.get(f"{door(companion)}/call").status_code == 200


def test_no_way_into_the_room_stands_in_a_page_before_admission(hall, row, guest, door, client):
    address = door(guest)
    hall.clock.move_to(row.starts_at)
    assert client.get(f"{address}/call").location == address
    waiting = client.get(address).text
    begin_call(row)
    opening = client.get(address).text
    assert client.get(f"{address}/call").location == address
    key = row.rooms[-1].key
    open_room(row)
    for page in (waiting, opening, client.get(f"{address}/check").text, client.get(f"{address}/state").text):
        assert key not in page
        assert "data-direct" not in page and "credential" not in page
    entered = client.get(f"{address}/call")
    assert entered.status_code == 200
    assert "data-call" in entered.text


def test_only_the_check_and_the_call_may_ask_for_the_camera(hall, row, guest, door, client):
    address = door(guest)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    open_room(row)
    allowed = {
        page: "camera=(self), microphone=(self)" in client.get(address + page).headers["Permissions-Policy"]
        for page in ("", "/state", "/check", "/call")
    }
    assert allowed == {"": False, "/state": False, "/check": True, "/call": True}


def test_whoever_waits_is_known_to_be_here(hall, row, guest, door, client):
    client.get(door(guest))
    assert guest.seen_at is None  # hours before, an open page does not mean that somebody waits
    hall.clock.move_to(row.starts_at - minutes(10))
    state(client, door(guest))
    assert call.is_here(guest)
    assert guest.waiting_since == guest.seen_at == row.starts_at - minutes(10)
    hall.clock.shift(timedelta(seconds=26))
    assert not call.is_here(guest)


def test_presence_is_not_written_with_every_question(hall, row, guest, door, client):
    address = door(guest)
    arrived = row.starts_at - minutes(10)
    written = set()
    for second in range(0, 25, 4):
        hall.clock.move_to(arrived + timedelta(seconds=second))
        state(client, address)
        written.add((guest.seen_at - arrived).total_seconds())
        assert call.is_here(guest)
    assert written == {0, 12, 24}
    assert guest.waiting_since == arrived


def test_of_the_device_check_only_its_result_is_kept(hall, row, guest, door, client):
    address = f"{door(guest)}/check"
    for result in ("failed", "passed"):
        assert client.submit(address, {"result": result, "camera": "Front camera"}).location == door(guest)
        db.session.refresh(guest)
        assert guest.device_check == result
    assert "Your camera and microphone have been checked." in client.get(door(guest)).text
    for nonsense in ({"result": "perfect"}, {"result": ""}, {}):
        assert client.submit(address, nonsense).status_code == 400
    db.session.refresh(guest)
    assert guest.device_check == "passed"


def test_the_personal_link_needs_no_login_and_gives_none(hall, row, guest, door, client):
    assert join_url(guest) == f"http://localhost{door(guest)}"
    client.get(door(guest))
    assert client.get(f"/appointments/{row.key}").location.startswith("/login?next=")
    page = client.get(door(guest)).text
    assert row.email not in page and row.phone not in page
    assert db.session.scalar(select(Appointment.state).filter_by(id=row.id)) == "booked"
