"""The time that is held while a citizen fills in the form: more time, given back, lost, booked once."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Barrier, Thread

from sqlalchemy import select

from portal.appointments.models import Claim
from portal.db import db
from tests.appointments.test_citizen_pages import ANSWERS, TIMES, appointments, field_errors, take_away


def test_more_time_is_given_and_what_was_typed_stays(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    hall.clock.shift(timedelta(minutes=8))
    page = client.submit("/booking", {"extend": "1", "email": "half@", "remark": "Μισή πρόταση"})
    assert page.status_code == 200
    assert "You have more time now." in page.text
    assert 'value="half@"' in page.text
    assert "Μισή πρόταση" in page.text
    assert not field_errors(page)
    hall.clock.shift(timedelta(minutes=8))
    assert client.submit("/booking", ANSWERS).status_code == 302


def test_giving_the_time_back_frees_it_for_others(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    assert client.submit("/booking", {"release": "1"}).location == TIMES
    assert not appointments("held")
    assert db.session.scalar(select(Claim)) is None
    assert client.get("/booking").location == "/fields"


def test_a_hold_lost_while_typing_offers_other_times_on_the_same_page(hall, visit, chosen):
    client = visit(hall.citizen)
    start = chosen(client)
    [held] = appointments("held")
    hall.clock.shift(timedelta(minutes=11))
    take_away(hall, held)
    page = client.submit("/booking", ANSWERS)
    assert page.status_code == 409
    assert "This time is no longer held for you" in page.text
    assert "Για το παιδί μου" in page.text
    others = re.findall(r'name="start" value="([^"]+)"', page.text)
    assert others and start.isoformat() not in others
    corrected = client.submit("/booking", {**ANSWERS, "email": "maria@", "start": others[2]})
    assert corrected.status_code == 422
    assert not appointments("booked")
    client.submit("/booking", {**ANSWERS, "start": others[2]})
    [row] = appointments("booked")
    assert row.starts_at.isoformat() == others[2]


def test_a_picked_time_stays_picked_when_another_field_is_wrong(hall, visit, chosen, outbox_runner):
    client = visit(hall.citizen)
    chosen(client)
    [held] = appointments("held")
    hall.clock.shift(timedelta(minutes=11))
    outbox_runner()
    take_away(hall, held)
    offered = re.findall(r'name="start" value="([^"]+)"', client.get("/booking").text)
    page = client.submit("/booking", {**ANSWERS, "email": "maria@", "start": offered[3]})
    assert page.status_code == 422
    assert re.findall(r'name="start" value="([^"]+)" checked', page.text) == [offered[3]]


def test_the_form_sent_again_leads_to_the_same_appointment(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/booking").text)[1]
    first = client.post("/booking", data={**ANSWERS, "csrf_token": token})
    again = client.post("/booking", data={**ANSWERS, "csrf_token": token})
    assert first.location == again.location == client.get("/booking").location
    assert len(appointments("booked")) == 1


def test_two_clicks_at_the_same_moment_book_once(hall, visit, chosen):
    client = visit(hall.citizen)
    chosen(client)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/booking").text)[1]
    cookie = client.get_cookie("portal").value
    together, answers = Barrier(2), []

    def click():
        browser = hall.app.test_client()
        browser.set_cookie("portal", cookie)
        together.wait()
        answers.append(browser.post("/booking", data={**ANSWERS, "csrf_token": token}))

    clicks = [Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    db.session.rollback()
    [row] = appointments("booked")
    assert {answer.location for answer in answers} == {f"/appointments/{row.key}?booked=1"}


def test_the_limit_of_appointments_is_explained(hall, visit, chosen, booked):
    for number in range(hall.booking.open_appointments):
        booked(hall, number=20 + 15 * number)
    client = visit(hall.citizen)
    chosen(client, 10)
    answer = client.submit("/booking", ANSWERS)
    assert answer.location == "/appointments"
    assert "You already have 5 appointments ahead of you" in client.get("/appointments").text
