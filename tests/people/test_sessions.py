"""A login begins anew, lasts as long as somebody is there, and ends for good when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.db import db, transaction
from portal.people import sessions
from portal.people.models import LoginSession
from portal.plugin_api import Identity, TemporaryFailure
from portal.testing.browser import Browser

MARIA = Identity(
    "m-1",
    first_name="Μαρία",
    last_name="Παππά",
    email="m@example.gr",
    session="kc-1",
    logout_hint="the-id-token",
)


@pytest.fixture(autouse=True)
def standing_clock(clock):
    return clock


def login():
    return db.session.scalars(select(LoginSession).order_by(LoginSession.begun_at.desc())).first()


def is_in(browser):
    return browser.get("/appointments").status_code == 200


def test_the_cookie_tells_nothing_but_a_key(app, client, arrive):
    arrive(MARIA)
    with client.session_transaction() as session:
        told = dict(session)
    assert "the-id-token" not in str(told) and "kc-1" not in str(told) and "m-1" not in str(told)
    stored = dict(db.session.execute(text("SELECT * FROM login_session")).mappings().one())
    assert "the-id-token" not in str(stored)


def test_while_somebody_is_away_at_the_login_page_no_browser_can_read_what_is_kept(client, provider):
    client.get("/login")
    with client.session_transaction() as session:
        assert provider.name not in str(dict(session))


def test_each_login_has_a_key_of_its_own_and_ends_the_one_before(client, arrive, clock):
    arrive(MARIA)
    first = login().key
    clock.shift(timedelta(seconds=1))
    arrive(MARIA)
    assert login().key != first
    assert db.session.get(LoginSession, first).ended_at is not None


def test_whoever_does_nothing_for_half_an_hour_is_logged_out(client, arrive, clock):
    arrive(MARIA)
    clock.shift(timedelta(minutes=29))
    assert is_in(client)
    clock.shift(timedelta(minutes=29))
    assert is_in(client)
    clock.shift(timedelta(minutes=31))
    assert not is_in(client)


def test_a_copied_cookie_does_not_live_again_once_the_login_has_ended(app, client, arrive, clock):
    arrive(MARIA)
    with client.session_transaction() as session:
        copied = dict(session)
    clock.shift(timedelta(minutes=20))
    assert is_in(client)
    clock.shift(timedelta(minutes=31))
    assert not is_in(client)
    thief = Browser(app)
    with thief.session_transaction() as session:
        session.update(copied, seen=int(clock_now()))
    assert not is_in(thief)


def clock_now():
    from portal import clock

    return clock.now().timestamp()


def test_questions_that_a_page_asks_by_itself_keep_nobody_logged_in(client, arrive, clock):
    arrive(MARIA)
    for _ in range(4):
        clock.shift(timedelta(minutes=9))
        client.get("/session", headers={"X-Quiet": "1"})
    assert not is_in(client)


def test_one_press_extends_the_login(client, arrive, clock):
    arrive(MARIA)
    clock.shift(timedelta(minutes=28))
    assert client.get("/session", headers={"X-Quiet": "1"}).json["seconds"] == 120
    assert client.submit("/session", page="/appointments").json["seconds"] == 1800
    clock.shift(timedelta(minutes=28))
    assert is_in(client)


def test_the_page_says_when_the_login_ends(client, arrive, clock):
    arrive(MARIA)
    page = client.get("/appointments").text
    assert 'data-session="1800"' in page and 'data-warning="120"' in page
    assert "data-session" not in Browser(client.application).get("/").text


def test_however_busy_nobody_stays_longer_than_the_municipality_allows(client, arrive, clock):
    arrive(MARIA)
    for _ in range(8 * 3 - 1):
        clock.shift(timedelta(minutes=20))
        assert is_in(client)
    clock.shift(timedelta(minutes=20))
    assert not is_in(client)


def test_logging_out_ends_the_login_here_and_leads_to_the_providers_logout(client, arrive, provider):
    arrive(MARIA)
    key = login().key
    answer = client.submit("/logout", page="/appointments")
    assert answer.status_code == 200
    assert answer.headers["Refresh"].startswith("0; url=https://login.example/out?")
    row = db.session.get(LoginSession, key)
    assert row.ended_at is not None and row.logout_hint_encrypted == ""
    assert not is_in(client)


def test_the_provider_gets_its_hint_back_at_logout(client, arrive, provider, monkeypatch):
    got = []
    monkeypatch.setattr(provider, "logout_url", lambda identity, url: got.append(identity) or None)
    arrive(MARIA)
    assert client.submit("/logout", page="/appointments").status_code == 302
    assert (got[0].logout_hint, got[0].session, got[0].subject) == ("the-id-token", "kc-1", "m-1")


def test_logging_out_works_though_the_provider_breaks(client, arrive, provider):
    arrive(MARIA)
    provider.failures = [TemporaryFailure("down")]
    assert client.submit("/logout", page="/appointments").status_code == 302
    assert not is_in(client)


def test_the_identity_server_ends_one_session_or_all_of_somebody(app, client, arrive):
    arrive(MARIA)
    other = Browser(app)
    arrive(Identity("m-1", session="kc-2"), browser=other)
    with transaction():
        assert sessions.end_known_as("directory", "m-1", "kc-1") == 1
    assert not is_in(client) and is_in(other)
    with transaction():
        assert sessions.end_known_as("elsewhere", "m-1") == 0
        assert sessions.end_known_as("directory", "", "") == 0
        assert sessions.end_known_as("directory", "m-1") == 1
    assert not is_in(other)


def test_rows_of_old_logins_are_deleted_and_running_ones_are_not(client, arrive, clock):
    arrive(MARIA)
    with transaction():
        assert sessions.forget_old() == 0
    clock.shift(timedelta(hours=8, days=1, seconds=1))
    with transaction():
        assert sessions.forget_old() == 1


def test_two_windows_may_log_in_side_by_side(client, provider):
    from urllib.parse import parse_qs, urlsplit

    provider.people["m-1"] = MARIA
    states = [parse_qs(urlsplit(client.get("/login").location).query)["state"][0] for _ in range(2)]
    for state in states:
        back = client.get("/login/back", query_string={"state": state, "code": f"{state}.m-1"})
        assert back.status_code == 302


def test_a_login_that_took_more_than_an_hour_is_begun_anew(client, provider, clock):
    from urllib.parse import parse_qs, urlsplit

    provider.people["m-1"] = MARIA
    client.get("/?lang=en")
    [state] = parse_qs(urlsplit(client.get("/login").location).query)["state"]
    clock.shift(timedelta(minutes=61))
    page = client.get("/login/back", query_string={"state": state, "code": f"{state}.m-1"})
    assert page.status_code == 400 and "The login took too long" in page.text


def test_after_a_login_that_ended_by_itself_the_next_one_at_this_computer_can_log_out_everywhere(
    client, arrive, clock
):
    client.get("/?lang=en")
    arrive(MARIA)
    clock.shift(timedelta(minutes=31))
    to_page = client.get("/appointments?page=2").location
    assert to_page == "/login?next=/appointments?page%3D2"
    to_page = client.get(to_page).location
    assert to_page == "/login/citizens/first?next=/appointments?page%3D2"
    assert client.get("/login").location == "/login/citizens/first", "from the head of any page too"
    assert "Are you somebody else" in client.get(to_page).text
    answer = client.submit("/logout", page=to_page)
    assert answer.headers["Refresh"].startswith("0; url=https://login.example/out?")
    assert client.get("/appointments").location.startswith("/login?")


def test_nobody_becomes_the_clerk_who_left_by_opening_a_page(client, arrive, clock):
    arrive(MARIA, "staff")
    clock.shift(timedelta(minutes=61))
    to_page = client.get(client.get("/staff/").location).location
    assert to_page == "/login/staff/first?next=/staff/"


def test_the_way_out_at_the_provider_is_known_after_the_login_has_ended_by_itself(
    client, arrive, provider, clock, monkeypatch
):
    got = []
    monkeypatch.setattr(provider, "logout_url", lambda identity, url: got.append(identity) or None)
    arrive(MARIA)
    clock.shift(timedelta(minutes=31))
    client.submit("/logout", page="/login/citizens/first")
    assert got[0].logout_hint == "the-id-token"
    assert login().logout_hint_encrypted == ""


def test_a_form_in_another_window_goes_through_after_the_same_person_has_logged_in_again(
    client, arrive, clock
):
    arrive(MARIA)
    token = client.get("/my-details").text.split('name="csrf_token" value="')[1].split('"')[0]
    clock.shift(timedelta(minutes=31))
    arrive(MARIA)
    saved = client.post("/my-details", data={"email": "m@example.gr", "csrf_token": token})
    assert saved.status_code == 302
    arrive(Identity("p-1", first_name="Πέτρος"))
    assert client.post("/my-details", data={"csrf_token": token}).status_code == 400


def test_at_the_end_of_the_longest_login_nobody_is_told_that_he_can_stay(client, arrive, clock):
    arrive(MARIA)
    assert client.get("/session").json == {"seconds": 1800, "can_stay": True}
    for _ in range(8 * 3 - 1):
        clock.shift(timedelta(minutes=20))
        assert is_in(client)
    clock.shift(timedelta(minutes=19))
    assert client.get("/session").json == {"seconds": 60, "can_stay": False}


@pytest.mark.parametrize("page", ["/%09/%5B", "/a%0Ab", "//[", "/" + "a" * 3000 + "?b=1"])
def test_an_address_that_is_none_stops_no_login(client, arrive, page):
    assert client.get(f"/login?next={page}").status_code == 302
    assert client.get(f"/login/citizens/first?next={page}").status_code == 200


def test_many_logins_with_long_addresses_fit_into_the_cookie(client, provider):
    for number in range(6):
        answer = client.get(f"/login?next=/staff/book/?{'x' * 150}{number}")
        assert len(answer.headers["Set-Cookie"]) < 4000


def test_whoever_logs_out_after_a_secret_key_was_dropped_is_logged_out(app, client, arrive, provider):
    from dataclasses import replace as changed

    from portal import encryption

    arrive(replace(MARIA, logout_hint="a token"))
    key = login().key
    config = app.config["PORTAL"]
    encryption.init_app(app, changed(config, secret_keys=("a-new-secret-key-with-more-than-32-letters",)))
    assert client.submit("/logout", page="/appointments").status_code == 200
    assert db.session.get(LoginSession, key).ended_at is not None


def test_what_the_provider_must_not_see_in_an_address_goes_there_as_a_form(
    client, arrive, provider, monkeypatch
):
    monkeypatch.setattr(provider, "logout_fields", lambda identity, url: {"hint": identity.logout_hint})
    arrive(replace(MARIA, logout_hint="a token"))
    answer = client.submit("/logout", page="/appointments")
    assert "Refresh" not in answer.headers
    assert '<form method="post" action="https://login.example/out?' in answer.text
    assert 'name="hint" value="a token"' in answer.text and answer.text.count("a token") == 1
    assert "form-action 'self' https://login.example https:;" in answer.headers["Content-Security-Policy"]
    assert "https:" not in client.get("/").headers["Content-Security-Policy"]


def test_a_session_that_the_identity_server_ended_before_it_began_here_ends_soon(app, client, arrive, clock):
    from portal import outbox
    from portal.people import jobs

    with transaction():
        jobs.post_end("directory", "sid-1")
    arrive(replace(MARIA, session="sid-1"))
    assert is_in(client)
    clock.shift(timedelta(seconds=11))
    outbox.run_due(app)
    assert not is_in(client)


def test_the_word_of_a_logout_that_finds_nobody_is_kept_for_a_minute(app, client, provider, monkeypatch):
    from portal.outbox import OutboxRow
    from portal.plugin_context import _end_sessions
    from portal.providers import current_providers

    monkeypatch.setattr(type(current_providers()), "given_by", lambda self, plugin, kind: ["directory"])
    end = _end_sessions(app, "directory_plugin")
    assert (end(session="sid-1"), end(subject="somebody")) == (0, 0)
    rows = db.session.scalars(select(OutboxRow).filter_by(kind="session.end")).all()
    assert [row.payload["session"] for row in rows] == ["sid-1"] * 2
