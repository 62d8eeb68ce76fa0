"""Two clerks in one call, everybody named, sound only for all, and a video system that is paused."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.appointments import call, rooms
from portal.appointments.links import join_token
from portal.clock import now
from portal.db import db, transaction
from portal.people.models import Person
from portal.plugin_api import Room
from portal.providers import ProviderPause
from portal.testing import fakes

RECORD = call.IdentityRecord("id_card", paper_shown=True, face_matches=True, name_matches=True)


@pytest.fixture
def in_room(app, hall, booked):
    """Kostas leads, Eleni sits beside him, and the citizen is identified."""
    fakes.choose(app, video=[fakes.FakeVideo("first"), fakes.FakeVideo("second")])
    row = booked(hall, number=30)
    people = {person.login: person for person in db.session.query(Person).filter(Person.login.is_not(None))}
    hall.clock.move_to(row.starts_at)
    with transaction():
        row.clerk, row.second_clerk = people["k.alexiou"], people["e.markou"]
    with transaction():
        call.start(row, ["first"], row.clerk)
    with transaction():
        rooms.opened(row.rooms[0], Room(row.rooms[0].key, row.rooms[0].closes_at, {"id": "1"}))
        call.record_identity(row, RECORD, row.clerk)
    return row


def page_of(row, part="call"):
    return f"/staff/appointments/{row.key}/{part}"


@pytest.mark.parametrize(("login", "moderates"), [("k.alexiou", "True"), ("e.markou", "False")])
def test_both_clerks_come_in_and_one_of_them_leads(in_room, desk, login, moderates):
    assert "Enter the call" in desk(login).get(page_of(in_room)).text
    way_in = parse_qs(urlsplit(desk(login).get(page_of(in_room, "enter")).location).query)
    assert way_in["moderates"] == [moderates]


def test_everybody_in_the_call_is_named_to_everybody(in_room, desk, visit):
    clerk, second = in_room.clerk.name, in_room.second_clerk.name
    panel = desk("k.alexiou").get(page_of(in_room)).text
    assert clerk in panel and second in panel
    guest = in_room.participants[0]
    told = visit().get(f"/join/{join_token(guest)}/state").get_json()["people"]
    assert told == f"{clerk} (Clerk), {second} (Second clerk), {guest.name} (Citizen)"


def test_there_is_room_for_everybody_and_one_more(in_room):
    with transaction():
        for number in range(3):
            call.invite(in_room, "companion", f"Φίλος {number}", "friend@example.gr", "el", in_room.clerk)
        rooms.change_provider(in_room, ["first", "second"], in_room.clerk)
    assert rooms.order_for(in_room.rooms[-1], "").max_guests == 7


@pytest.mark.parametrize("login", ["k.alexiou", "e.markou"])
def test_sound_only_reaches_every_page_and_outlives_a_reload(in_room, desk, visit, login):
    desk(login).submit(page_of(in_room, "sound"), {"sound_only": "1"}, page=page_of(in_room))
    for clerk in ("k.alexiou", "e.markou"):
        for _ in range(2):
            assert 'data-sound-only="true"' in desk(clerk).get(page_of(in_room)).text
    address = f"/join/{join_token(in_room.participants[0])}"
    assert visit().get(f"{address}/state").get_json()["sound_only"] is True
    assert "The call goes on with sound only." in visit().get(address).text
    desk(login).submit(page_of(in_room, "sound"), {"sound_only": "0"}, page=page_of(in_room))
    assert visit().get(f"{address}/state").get_json()["sound_only"] is False


def test_who_needs_the_picture_is_remembered_before_it_is_switched_off(in_room, desk):
    warning = "sign language and lip reading cannot be followed with sound only"
    assert warning not in desk("k.alexiou").get(page_of(in_room)).text
    with transaction():
        call.invite(in_room, "interpreter", "Ρένα", "rena@example.gr", "el", in_room.clerk)
    assert warning in desk("k.alexiou").get(page_of(in_room)).text


def test_the_clerk_and_the_health_page_learn_that_a_video_system_is_paused(in_room, desk, client):
    assert client.get("/health").get_json()["paused_providers"] == []
    with transaction():
        until = now() + timedelta(minutes=5)
        db.session.add(ProviderPause(provider="second", failures=5, paused_until=until))
    assert "is paused for everybody" in desk("k.alexiou").get(page_of(in_room)).text
    health = client.get("/health").get_json()
    assert (health["paused_providers"], health["status"]) == (["second"], "degraded")


def test_the_clerk_sees_which_system_failed_why_and_which_one_goes_on(in_room, desk):
    with transaction():
        in_room.rooms[0].state, in_room.rooms[0].last_error = "failed", "no answer within 10 seconds"
        rooms.order(in_room, ["second"])
    page = " ".join(desk("k.alexiou").get(page_of(in_room)).text.split())
    assert "could not open a room: no answer within 10 seconds The call goes on with Test video." in page
