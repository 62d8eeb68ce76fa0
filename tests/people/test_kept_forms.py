"""What somebody has typed outlives the end of his login, for him alone; so does a chosen time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal import kept_forms
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.kept_forms import KeptForm
from portal.plugin_api import Identity
from portal.testing.browser import Browser

MARIA = Identity("m-1", first_name="Μαρία", last_name="Παππά", tax_number="999100005")
PETER = Identity("p-1", first_name="Πέτρος", last_name="Άλλος", tax_number="999100017")
TYPED = {"email": "typed@example.gr", "street": "Οδός Δοκιμής", "number": "7"}


@pytest.fixture
def timed_out(client, arrive, clock):
    """Maria had filled in a form when her login ended; she sends it, and the answer is where that leads."""

    def send(**more):
        arrive(MARIA)
        client.get("/?lang=en")
        token = client.get("/my-details").text.split('name="csrf_token" value="')[1].split('"')[0]
        clock.shift(timedelta(minutes=31))
        page = {"Referer": "http://localhost/my-details"}
        return client.post("/my-details", data={**TYPED, "csrf_token": token}, headers={**page, **more})

    return send


def test_a_form_that_is_sent_too_late_comes_back_filled_in(client, arrive, timed_out):
    answer = timed_out()
    assert answer.status_code == 303 and answer.location.startswith("/login/citizens/first")
    page = client.get(answer.location).text
    assert "Please log in again" in page and "What you had typed is kept" in page
    arrive(MARIA)
    form = client.get("/my-details").text
    assert all(f'value="{value}"' in form for value in TYPED.values())
    assert "typed@example.gr" not in client.get("/my-details").text, "offered once"


def test_somebody_else_at_the_same_computer_sees_nothing_of_it(client, arrive, timed_out):
    timed_out()
    arrive(PETER)
    assert "typed@example.gr" not in client.get("/my-details").text


def test_what_is_kept_cannot_be_read_in_the_database_and_goes_after_two_hours(client, timed_out, clock):
    timed_out()
    stored = dict(db.session.execute(text("SELECT * FROM kept_form")).mappings().one())
    assert "typed@example.gr" not in str(stored)
    with transaction():
        kept_forms.forget_old()
    assert db.session.scalars(select(KeptForm)).all()
    clock.shift(timedelta(hours=2, seconds=1))
    with transaction():
        kept_forms.forget_old()
    assert not db.session.scalars(select(KeptForm)).all()


def test_a_script_is_told_where_the_browser_should_go(timed_out):
    answer = timed_out(**{"X-Panel": "1"})
    assert answer.status_code == 401
    assert answer.headers["X-Go"].startswith("/login/citizens/first")


def test_whoever_never_logged_in_leaves_nothing_behind(app, client):
    app.config["WTF_CSRF_ENABLED"] = False
    answer = client.post("/my-details", data=TYPED)
    assert answer.status_code == 303 and "kept=0" in answer.location
    assert not db.session.scalars(select(KeptForm)).all()


@pytest.fixture
def chosen(client, clock, demonstration, app):
    """Somebody without a login has chosen an hour; its row."""
    from portal.appointments import availability
    from portal.offices.models import Service

    client.get("/?lang=en")
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    start = availability.offer(service, app.config["PORTAL"].booking).starts[5]
    answer = client.submit("/services/birth-certificate/times", {"start": start.isoformat(), "office": "any"})
    assert answer.location == "/login/citizens/first?next=/booking"
    return db.session.scalars(select(Appointment).filter_by(state="held")).one()


def test_before_the_login_the_page_says_that_the_time_is_held(client, chosen):
    page = client.get("/login/citizens/first?next=/booking").text
    assert "One more step: log in" in page and "Your time is held" in page
    assert "logged out" not in page


def test_a_failed_login_says_that_the_time_is_still_held(client, chosen, provider):
    from portal.plugin_api import TemporaryFailure

    client.get("/login?next=/booking")
    provider.failures = [TemporaryFailure("away")]
    page = client.get("/login?next=/booking")
    assert page.status_code == 503
    assert "Your time is held" in page.text and "/login?next=/booking" in page.text.replace("&amp;", "&")


def test_a_login_that_took_longer_than_the_hold_gets_the_same_time_again(client, chosen, arrive, clock):
    start = chosen.starts_at
    clock.shift(timedelta(minutes=12))
    arrive(MARIA)
    page = client.get("/booking").text
    assert "The time is held for you until" in page
    held = db.session.scalars(select(Appointment).filter_by(state="held")).one()
    assert (held.starts_at, held.citizen.first_name) == (start, "Μαρία")


def test_a_time_that_somebody_else_took_meanwhile_is_lost_and_others_are_offered(
    app, client, chosen, arrive, clock
):
    from portal.appointments import lifecycle
    from portal.appointments.occupancy import TimeTaken

    clock.shift(timedelta(minutes=12))
    while True:
        try:
            with transaction():
                row = db.session.get(Appointment, chosen.id)
                lifecycle.hold(row.service, app.config["PORTAL"].booking, None, row.starts_at, None, "el")
        except TimeTaken:
            break
    arrive(MARIA)
    page = client.get("/booking").text
    assert "This time is no longer held for you" in page and 'name="start"' in page


def test_another_browser_does_not_get_the_chosen_time(app, client, chosen, arrive):
    other = Browser(app)
    arrive(PETER, browser=other)
    assert other.get("/booking").status_code == 302


def test_what_somebody_had_chosen_is_not_shown_to_who_sits_there_after_him(client, arrive, chosen, clock):
    arrive(MARIA)
    with transaction():
        db.session.get(Appointment, chosen.id).hold_expires_at += timedelta(hours=1)
    clock.shift(timedelta(minutes=31))
    page = client.get("/login/citizens/first?next=/booking").text
    assert "Please log in again" in page and "Your time is held" not in page
    arrive(PETER)
    assert client.get("/booking").status_code == 302


def test_a_form_that_was_refused_and_is_sent_again_leads_back_to_its_page(client, arrive, clock):
    """Its address only takes forms, and so it is where the browser says that it comes from."""
    arrive(MARIA)
    token = client.get("/my-details").text.split('name="csrf_token" value="')[1].split('"')[0]
    clock.shift(timedelta(minutes=31))
    refused = {"Referer": "http://localhost/staff/appointments/abc/note"}
    answer = client.post("/my-details", data={**TYPED, "csrf_token": token}, headers=refused)
    assert "next=/staff/appointments/abc&" in answer.location
    assert db.session.scalars(select(KeptForm)).one().page == "/staff/appointments/abc"


def test_an_address_that_only_takes_forms_tells_where_its_page_is(client):
    client.get("/?lang=en")
    answer = client.get("/staff/appointments/abc/note")
    assert answer.status_code == 405
    assert 'href="/staff/appointments/abc"' in answer.text and "the page with the form" in answer.text


def test_three_logins_with_long_greek_addresses_fit_into_a_cookie(client, provider, monkeypatch):
    """A browser silently drops a cookie of more than 4 KB, and with it every login."""
    from portal.plugin_api import LoginStart

    kept = dict.fromkeys(("verifier", "nonce", "state", "return_url"), "x" * 64)
    monkeypatch.setattr(provider, "start", lambda *given: LoginStart("https://login.example/", kept))
    for number in range(3):
        answer = client.get("/login", query_string={"next": f"/staff/?find={'Παπα' * 60}{number}"})
        assert answer.status_code == 302
        assert len(answer.headers["Set-Cookie"]) < 4096
    for page in ("/" + "α" * 199, "/a?find=" + "α" * 150):
        assert client.get("/login", query_string={"next": page}).status_code == 302
