"""Personal links: one browser for who is invited, withdrawn or renewed by the clerk, dead at once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import mailbox
from portal.appointments import call, rooms
from portal.appointments.door_words import people_in_words
from portal.appointments.lifecycle import NotPossible
from portal.appointments.links import join_token
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.plugin_api import Room
from portal.testing.browser import Browser


@pytest.fixture
def row(hall, booked):
    row = booked(hall, number=30)
    with transaction():
        call.invite(row, "companion", "Κώστας Παπάς", "kostas@example.gr", "en", row.clerk)
    hall.clock.move_to(row.starts_at)
    return row


@pytest.fixture
def companion(row):
    return row.participants[1]


@pytest.fixture
def in_room(row, companion):
    """The call is open, and the companion is admitted as well."""
    with transaction():
        call.start(row, ["direct"], row.clerk)
        call.admit(companion, row.clerk)
    open_room(row)
    return row


def open_room(row):
    room = row.rooms[-1]
    with transaction():
        rooms.opened(room, Room(room.key, room.closes_at, {"max_guests": "4"}))


def door(guest):
    return f"/join/{join_token(guest)}"


def letters(hall):
    return mailbox.letters(hall.app.config["PORTAL"].instance / "mailbox")


def another_browser(app):
    browser = Browser(app, app.response_class)
    with browser.session_transaction() as session:
        session["language"] = "en"
    return browser


def test_the_link_of_an_invited_person_is_good_in_the_browser_that_entered_first(
    app, in_room, companion, visit
):
    first, second = visit(), another_browser(app)
    assert second.get(door(companion)).status_code == 200  # who reads mails opens links: that binds nothing
    assert first.get(f"{door(companion)}/call").status_code == 200
    assert second.get(f"{door(companion)}/call").location == door(companion)
    assert second.get(f"{door(companion)}/state").get_json()["state"] == "elsewhere"
    page = second.get(door(companion)).text
    assert "works in one browser only" in page and "/call" not in page
    assert first.get(f"{door(companion)}/call").status_code == 200


def test_the_citizen_may_change_his_device(app, in_room, visit):
    citizen = in_room.participants[0]
    assert visit().get(f"{door(citizen)}/call").status_code == 200
    assert another_browser(app).get(f"{door(citizen)}/call").status_code == 200


def test_of_two_browsers_that_enter_at_the_same_moment_one_is_let_in(app, in_room, companion, visit):
    address = f"{door(companion)}/call"
    answers = [another_browser(app).get(address).status_code for _ in range(3)]
    assert answers == [200, 302, 302]


def test_a_withdrawn_invitation_opens_nothing_and_moves_the_call_out_of_reach(
    in_room, companion, desk, visit
):
    address, former = door(companion), in_room.rooms[-1]
    clerk = desk(in_room.clerk.login)
    case = f"/staff/appointments/{in_room.key}"
    answer = clerk.submit(f"{case}/people/{companion.id}/withdraw", page=f"{case}/call")
    assert answer.location == f"{case}/call"
    assert [clerk.get(address + page).status_code for page in ("", "/state", "/call", "/check")] == [404] * 4
    assert rooms.current(in_room) is not former and former.state == "closing"
    kinds = [work.kind for work in db.session.scalars(select(OutboxRow))]
    assert "appointment.excuse" in kinds
    assert "Κώστας Παπάς" not in people_in_words(in_room)


def test_whose_appointment_it_is_cannot_be_uninvited(row):
    with pytest.raises(NotPossible), transaction():
        call.withdraw(row.participants[0], row.clerk)


def test_a_citizens_link_that_went_astray_is_renewed_and_the_old_one_is_dead(
    hall, row, desk, outbox_runner, client
):
    citizen = row.participants[0]
    old = door(citizen)
    case = f"/staff/appointments/{row.key}"
    page = desk(row.clerk.login).submit(
        f"{case}/people/{citizen.id}/link", {"email": "right@example.gr"}, page=case
    )
    assert page.location == case
    db.session.refresh(citizen)
    assert client.get(old).status_code == 404 and client.get(f"{old}/state").status_code == 404
    assert client.get(door(citizen)).status_code == 200
    assert (citizen.email, row.email) == ("right@example.gr", "right@example.gr")
    db.session.rollback()
    outbox_runner()
    [letter] = [one for one in letters(hall) if "νέος σας σύνδεσμος" in one.subject]
    assert door(citizen) in letter.text and old not in letter.text
    assert "right@example.gr" in letter.recipient
    lines = db.session.scalars(select(AuditLine).filter_by(deed="link renewed")).all()
    assert [line.facts for line in lines] == [{"role": "citizen"}]


def test_a_link_is_renewed_only_to_an_address_that_can_be_one(row, desk):
    citizen, case = row.participants[0], f"/staff/appointments/{row.key}"
    clerk = desk(row.clerk.login)
    for wrong in ("", "nonsense"):
        clerk.submit(f"{case}/people/{citizen.id}/link", {"email": wrong}, page=case)
    db.session.refresh(citizen)
    assert citizen.link_version == 1
    assert 'class="notice notice--error' in clerk.get(case).text


def test_who_is_in_the_call_already_must_be_admitted_anew_with_the_new_link(in_room, visit):
    citizen = in_room.participants[0]
    with transaction():
        call.renew_link(citizen, "right@example.gr", in_room.clerk)
    open_room(in_room)
    client = visit()
    assert client.get(f"{door(citizen)}/state").get_json()["state"] == "waiting"
    assert client.get(f"{door(citizen)}/call").location == door(citizen)
