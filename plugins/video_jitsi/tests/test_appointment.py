"""A whole appointment on Jitsi: the core orders the room, both sides get their page, prosody asks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from portal import clock as portal_clock
from portal import create_app, demo, outbox
from portal.appointments import availability, call, lifecycle, links, rooms
from portal.appointments.models import Appointment
from portal.catalogue import import_file
from portal.config import load
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.models import Person
from portal.testing.jitsi import JitsiSimulator

from .conftest import APP_SECRET, PROOF, claims_of


@pytest.fixture
def counter(jitsi: JitsiSimulator, tmp_path: Path, clock: time_machine.Traveller) -> Iterator[Flask]:
    """The whole portal, whose calls are held on this server."""
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('"video_direct"', '"video_jitsi"').replace('video = ["direct"]', 'video = ["jitsi"]')
    text += f'\n[plugin.video_jitsi]\nbase_url = "{jitsi.url}"\napp_id = "portal"\nreservations = true\n'
    (tmp_path / "town.toml").write_text(text, encoding="utf-8")
    environment = {
        "PORTAL_CONFIG": str(tmp_path / "town.toml"),
        "PORTAL_INSTANCE": str(tmp_path / "instance"),
        "PORTAL_BASE_URL": "http://localhost",
        "PORTAL_VIDEO_JITSI_APP_SECRET": APP_SECRET,
        "PORTAL_VIDEO_JITSI_RESERVATIONS_SECRET": PROOF,
    }
    app = create_app(load(environment))
    app.config["TESTING"] = True
    with app.app_context():
        db.create_all()
        import_file(demo.CATALOGUE, ("email", "mailbox", "pickup"))
        yield app
        db.session.remove()
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


@pytest.fixture
def appointment(counter: Flask, clock: time_machine.Traveller) -> Appointment:
    """Its time has come, the clerk has begun, and the worker has opened the room."""
    rules = counter.config["PORTAL"].booking
    service = db.session.query(Service).filter_by(key="birth-certificate").one()
    start = availability.offer(service, rules).starts[0]
    details = lifecycle.Details(
        "Μαρία",
        "maria@example.gr",
        "+306900000000",
        "el",
        "id_card",
        delivery="email",
        recipient={"email": "maria@example.gr"},
    )
    with transaction():
        citizen = Person(first_name="Μαρία")
        db.session.add(citizen)
        row = lifecycle.hold(service, rules, None, start, None, "el")
        lifecycle.confirm(row, rules, citizen, details, citizen)
    clock.move_to(start)
    with transaction():
        call.start(row, ["jitsi"], row.clerk)
    outbox.run_due(counter)
    db.session.expire_all()
    return row


def options_in(page: str) -> dict[str, Any]:
    """What the page would make its frame with."""
    found = re.search(r'data-options="([^"]*)"', page)
    assert found is not None, "the call is not on this page"
    value: dict[str, Any] = json.loads(html.unescape(found[1]))
    return value


def citizens_page(counter: Flask, appointment: Appointment) -> Any:
    return counter.test_client().get(f"{links.join_url(appointment.participants[0])}/call")


def test_clerk_and_citizen_meet_in_one_room(
    counter: Flask, appointment: Appointment, jitsi: JitsiSimulator, log_in: Callable[..., None]
) -> None:
    staff = counter.test_client()
    log_in(staff, appointment.clerk, door="staff")
    clerk = options_in(staff.get(f"/staff/appointments/{appointment.key}/call").text)
    citizen = options_in(citizens_page(counter, appointment).text)
    assert clerk["roomName"] == citizen["roomName"]
    joined = [jitsi.rooms.join(side["roomName"], side["jwt"]) for side in (clerk, citizen)]
    assert [person.role for person in joined] == ["moderator", "participant"]
    assert joined[1].name == "Μαρία"
    told = json.dumps(claims_of(citizen["jwt"]))
    assert "maria@example.gr" not in told and "6900000000" not in told and appointment.key not in told


def test_after_the_call_no_page_carries_a_token_and_no_room_is_granted(
    counter: Flask, appointment: Appointment, clock: time_machine.Traveller
) -> None:
    name = options_in(citizens_page(counter, appointment).text)["roomName"]
    prosody = counter.test_client()

    def asked() -> Any:
        address = "/plugins/video_jitsi/reservations/conference"
        return prosody.post(address, data={"name": name}, headers={"Authorization": f"Bearer {PROOF}"})

    granted = asked()
    room = rooms.current(appointment)
    assert room is not None
    assert granted.status_code == 200
    assert portal_clock.now() + timedelta(seconds=granted.json["duration"]) == room.closes_at
    with transaction():
        call.finish(appointment, "information", appointment.clerk)
    assert asked().status_code == 403
    answer = citizens_page(counter, appointment)
    assert answer.status_code == 302 and "eyJ" not in answer.text


def test_the_public_page_says_what_prevents_recording(counter: Flask) -> None:
    page = counter.test_client().get("/nothing-is-recorded", headers={"Accept-Language": "el"}).text
    assert "Η κλήση γίνεται στον διακομιστή Jitsi Meet του ίδιου του δήμου." in page
