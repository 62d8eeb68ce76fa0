"""The citizen's pages of an earlier time: onto the list, off it, and the answer to an offer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.appointments.models import EarlierWish
from portal.db import db
from tests.appointments.earlier.town import Town, rows_at


@pytest.fixture
def browse(app, visit, hall, clock, first_free):
    """The same on one database, with a browser: ``browse.visit(person)``."""
    counter = SimpleNamespace(app=app, booking=hall.booking, service=hall.service)
    town = Town(counter, clock, first_free)
    town.visit = visit
    return town


def test_the_page_of_an_appointment_leads_onto_the_list_and_off_it(browse):
    row = browse.book(browse.later[0])
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    assert "Put me on the list" in client.get(page).text
    answer = client.submit(f"{page}/earlier/join", page=page)
    assert answer.status_code == 302
    assert "You are on the list for earlier times, at place 1." in client.get(page).text
    client.submit(f"{page}/earlier/leave", page=page)
    assert "Put me on the list" in client.get(page).text
    assert db.session.get(EarlierWish, row.id) is None


def test_the_offer_is_read_accepted_once_and_then_over(browse):
    browse.fill(browse.start)
    [row] = browse.line(1)
    browse.cancel(rows_at(browse, browse.start)[0])
    browse.work()
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    assert "An earlier time is kept for you" in client.get(page).text
    offer = client.get(f"{page}/earlier/")
    assert "Yes, move my appointment" in offer.text
    start = {"start": browse.start.isoformat()}
    for place in (page, f"{page}/earlier/"):
        answer = client.submit(f"{page}/earlier/accept", start, page=page)
        assert answer.location.endswith(place)
    assert row.starts_at == browse.start
    assert "No earlier time is kept for you now" in client.get(f"{page}/earlier/").text


def test_a_no_keeps_the_time_and_the_place(browse):
    browse.fill(browse.start)
    [row] = browse.line(1)
    before = row.starts_at
    browse.cancel(rows_at(browse, browse.start)[0])
    browse.work()
    page = f"/appointments/{row.key}"
    client = browse.visit(row.citizen)
    client.submit(f"{page}/earlier/decline", {"start": browse.start.isoformat()}, page=f"{page}/earlier/")
    assert "You keep your place on the list" in client.get(page).text
    again = client.submit(f"{page}/earlier/decline", {"start": browse.start.isoformat()}, page=page)
    assert again.location.endswith("/earlier/")
    assert row.starts_at == before
    browse.wait(2.1)
    assert browse.start in browse.offered()


def test_a_stranger_finds_no_offer_and_answers_none(browse):
    row = browse.book(browse.later[0], wishes=True)
    own = browse.book(browse.later[9])
    client = browse.visit(own.citizen)
    page = f"/appointments/{row.key}/earlier"
    assert client.get(f"{page}/").status_code == 404
    for deed in ("join", "leave", "accept", "decline"):
        start = {"start": browse.start.isoformat()}
        answer = client.submit(f"{page}/{deed}", start, page=f"/appointments/{own.key}")
        assert answer.status_code == 404
    assert db.session.get(EarlierWish, row.id) is not None
