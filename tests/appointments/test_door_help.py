"""The device check's line and its help, what the clerk sees of it, and words that fit who reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal import mailbox
from portal.appointments import call, lifecycle
from portal.appointments.links import join_token
from portal.appointments.models import ServedParty
from portal.db import db, transaction


@pytest.fixture
def row(hall, booked):
    return booked(hall, number=30)


@pytest.fixture
def guest(row):
    return row.participants[0]


def door(guest):
    return f"/join/{join_token(guest)}"


def letters(hall):
    return mailbox.letters(hall.app.config["PORTAL"].instance / "mailbox")


@pytest.fixture
def ways(row):
    """``ways(*channels)``: how the service can be had."""

    def ways(*channels):
        with transaction():
            row.service.channels = list(channels)

    return ways


def test_the_line_is_measured_in_both_directions_and_within_limits(row, guest, visit):
    client, address = visit(), f"{door(guest)}/line"
    assert len(client.get(f"{address}?kilobytes=128").data) == 128 * 1024
    assert client.get(address).data == b""
    assert client.get(f"{address}?kilobytes=300").status_code == 400
    assert client.get(f"{address}?kilobytes=-1").status_code == 400
    client.application.config["WTF_CSRF_ENABLED"] = False
    assert client.post(address, data=b"x" * 1024).status_code == 204
    assert client.post(address, data=b"x" * 300 * 1024).status_code == 413
    assert client.get("/join/nonsense/line").status_code == 404


def test_who_fails_the_check_is_offered_what_the_service_allows(row, guest, ways, visit):
    ways("video", "phone")
    client = visit()
    client.submit(f"{door(guest)}/check", {"result": "failed"})
    page = client.get(door(guest)).text
    assert "Please call me instead" in page and "I would rather come" not in page
    assert row.office.phone in page
    ways("video")
    assert "Please call me instead" not in client.get(door(guest)).text


def test_the_clerk_sees_the_check_and_the_wish_in_his_day_and_in_the_case(row, guest, ways, visit, desk):
    ways("video", "phone")
    client = visit()
    client.submit(f"{door(guest)}/check", {"result": "failed"})
    client.submit(f"{door(guest)}/help", {"channel": "phone"}, page=door(guest))
    assert "You asked to be called instead." in client.get(door(guest)).text
    clerk = desk(row.clerk.login)
    day = row.starts_at.date().isoformat()
    for page in (f"/staff/day/{day}", f"/staff/appointments/{row.key}"):
        text = clerk.get(page).text
        assert "device check failed" in text and "asks to be called instead" in text
    client.submit(f"{door(guest)}/check", {"result": "passed"})
    for page in (f"/staff/day/{day}", f"/staff/appointments/{row.key}"):
        text = clerk.get(page).text
        assert "device check passed" in text and "asks to be called instead" not in text


def test_help_that_the_service_does_not_know_is_refused(row, guest, ways, visit):
    ways("video")
    client = visit()
    client.submit(f"{door(guest)}/check", {"result": "failed"})
    for channel in ("phone", "in_person", "nonsense"):
        answer = client.submit(f"{door(guest)}/help", {"channel": channel}, page=f"{door(guest)}/check")
        assert answer.status_code == 400
    db.session.refresh(guest)
    assert guest.help_wanted == ""


def test_the_mails_lead_to_the_check_and_say_how_recording_is_prevented(hall, row, guest, outbox_runner):
    with transaction():
        companion = call.invite(row, "companion", "Κώστας", "kostas@example.gr", "en", row.clerk)
    addresses = [door(companion), door(guest)]
    db.session.rollback()
    outbox_runner()
    for letter, address in zip(letters(hall), addresses, strict=True):
        for text in (letter.text, letter.html):
            assert f"{address}/check" in text and "/nothing-is-recorded" in text


def missed(hall, row, channel, email="maria@example.gr"):
    with transaction():
        row.channel, row.email = channel, email
    hall.clock.move_to(row.starts_at + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("video", "You were not there when the clerk called."),
        ("phone", "The clerk called you and did not reach you."),
        ("in_person", "You did not come to the office at the hour of your appointment."),
    ],
)
def test_a_missed_appointment_is_told_as_what_it_was(hall, row, guest, visit, outbox_runner, channel, words):
    with transaction():
        row.language = guest.language = "en"
    missed(hall, row, channel)
    with transaction():
        lifecycle.miss(row, row.clerk)
    assert words in visit().get(door(guest)).text
    db.session.rollback()
    outbox_runner()
    assert words in letters(hall)[0].text


def test_staff_are_not_told_of_an_e_mail_where_there_is_no_address(hall, row, desk):
    missed(hall, row, "video", email="")
    clerk, case = desk(row.clerk.login), f"/staff/appointments/{row.key}"
    assert "so nobody is told" in clerk.get(case).text
    assert "tell the citizen yourself" in clerk.get(f"{case}/cancel").text
    clerk.submit(f"{case}/missed", page=case)
    assert "Recorded as missed. There is no e-mail address" in clerk.get(case).text


def test_a_companion_reads_nothing_of_papers_and_new_bookings(hall, row, visit):
    with transaction():
        companion = call.invite(row, "companion", "Κώστας", "kostas@example.gr", "el", row.clerk)
    client = visit()
    with transaction():
        row.channel = "in_person"
    assert "identity paper" not in client.get(door(companion)).text
    with transaction():
        row.channel = "video"
    with transaction():
        lifecycle.cancel(row, hall.booking, hall.citizen)
    page = client.get(door(companion)).text
    assert "You are not expected any more." in page and "Book this service again" not in page


def test_a_child_is_asked_for_no_paper(row, guest, visit):
    with transaction():
        row.served = ServedParty(kind="person", relation="child", first_name="Νίκος", last_name="Παπάς")
        row.channel, guest.role = "in_person", "served"
    assert "identity paper" not in visit().get(door(guest)).text
    with transaction():
        row.served.relation = "parent"
    assert "identity paper" in visit().get(door(guest)).text
