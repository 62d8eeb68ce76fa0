"""Login and logout: how a person becomes known, which door gives which rights, and what goes wrong."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, text

from portal.db import db, transaction
from portal.encryption import decrypt
from portal.people import lifecycle, login_attempts
from portal.people.models import Account, Person
from portal.plugin_api import Identity
from portal.security import safe_next

DEMO_CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"
MARIA = "maria.papadopoulou"
CLERK = "k.alexiou"


@pytest.fixture
def log_in_as(client):
    """``log_in_as(subject)``: through the demonstration's login pages; the answer is where they lead."""

    def log_in_as(subject, address="/login"):
        to_people = client.get(address).location
        back = client.submit(to_people, {"subject": subject}).location
        return client.get(back)

    return log_in_as


@pytest.fixture
def staffed(app, clock, demonstration):
    """The demonstration's offices and staff."""
    return app


def people(subject=MARIA):
    return db.session.scalars(select(Person).join(Account).filter_by(subject=subject)).all()


def log_out(client):
    return client.submit("/logout", page="/appointments")


def test_the_first_login_makes_a_person_known_and_the_second_finds_him(client, log_in_as):
    assert log_in_as(MARIA).location == "/appointments"
    [maria] = people()
    assert (maria.name, maria.fathers_name, maria.birth_year) == ("Μαρία Παπαδοπούλου", "Ιωάννης", 1984)
    first = maria.id
    log_out(client)
    log_in_as(MARIA)
    assert [person.id for person in people()] == [first]
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_names_follow_the_registry_and_contact_data_stay_as_typed(app):
    def visit(**said):
        with transaction():
            return lifecycle.recognise("citizens", "demo", Identity(subject="1", **said), "el").person

    person = visit(first_name="Μαρία", last_name="Παππά", email="registry@example.gr")
    assert person.email == "registry@example.gr"
    with transaction():
        lifecycle.keep_contact(person, "typed@example.gr", "", {})
    visit(first_name="Μαρία", last_name="Νέου", email="registry@example.gr")
    assert (person.name, person.email) == ("Μαρία Νέου", "typed@example.gr")
    visit()
    assert person.name == "Μαρία Νέου"


def test_the_tax_number_is_never_stored_in_the_clear(client, log_in_as):
    log_in_as(MARIA)
    stored = db.session.execute(text("SELECT * FROM person")).mappings().one()
    assert "999100005" not in str(dict(stored))
    assert decrypt(stored["tax_number_encrypted"].encode()) == b"999100005"


def test_the_citizens_door_gives_a_clerk_no_right_of_staff(staffed, client, log_in_as):
    log_in_as(CLERK)
    assert client.get("/appointments").status_code == 200
    answer = client.get("/staff/")
    assert urlsplit(answer.location).path == "/login/staff"
    assert "/staff" not in client.get("/appointments").text.replace("/login/staff", "")


def test_the_staffs_door_leads_a_clerk_to_the_day_and_a_citizen_nowhere(staffed, client, log_in_as):
    assert log_in_as(CLERK, "/login/staff").location == "/staff/"
    assert client.get("/staff/").status_code == 200
    log_out(client)
    log_in_as(MARIA, "/login/staff")
    assert client.get("/staff/").status_code == 403


def test_a_post_that_ended_gives_no_right_any_more(staffed, client, log_in_as):
    log_in_as(CLERK, "/login/staff")
    with transaction():
        for post in people(CLERK)[0].memberships:
            post.active = False
    assert client.get("/staff/").status_code == 403


def test_logging_out_forgets_everything_but_the_language(client, log_in_as):
    client.get("/?lang=en")
    log_in_as(MARIA)
    with client.session_transaction() as session:
        session["hold"] = "abc"
    answer = log_out(client)
    assert answer.location == "/"
    assert "You have logged out." in client.get("/").text
    with client.session_transaction() as session:
        assert set(session) <= {"language", "csrf_token"}
        assert session["language"] == "en"
    assert client.get("/appointments").location.startswith("/login")


def test_a_login_begins_a_new_session(client, log_in_as):
    with client.session_transaction() as session:
        session.update(planted="by somebody else", language="en", hold="abc")
    log_in_as(MARIA)
    with client.session_transaction() as session:
        assert "planted" not in session and not session.get("logins")
        assert (session["language"], session["hold"]) == ("en", "abc")


def test_after_the_login_the_page_is_shown_that_was_asked_for(client, log_in_as):
    to_login = client.get("/appointments?page=2").location
    assert log_in_as(MARIA, to_login).location == "/appointments?page=2"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        None,
    ],
)
def test_nobody_is_sent_to_a_foreign_address(address):
    assert safe_next(address) is None


def test_a_foreign_address_leads_home_instead(client, log_in_as):
    assert log_in_as(MARIA, "/login?next=//evil.example/").location == "/appointments"


def test_an_answer_to_another_login_is_refused(client):
    client.get("/?lang=en")
    # ``λάθος`` because a comparison of plain texts would break down over Greek letters.
    for state in ("wrong", "λάθος", ""):
        client.get("/login")
        page = client.get("/login/back", query_string={"state": state, "code": "1"})
        assert page.status_code == 400
        assert "This login was begun in another window or long ago" in page.text
    assert client.get("/login/back").status_code == 400
    assert not people()


def test_an_answer_is_believed_only_once(client):
    to_people = client.get("/login").location
    back = client.submit(to_people, {"subject": MARIA}).location
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400


def test_a_forged_answer_logs_nobody_in(client):
    client.get("/login")
    with client.application.test_request_context(), client.session_transaction() as kept:
        [sealed] = kept["logins"]
        state = login_attempts._opened(sealed).state
    page = client.get("/login/back", query_string={"state": state, "code": "forged"})
    assert page.status_code == 403
    assert client.get("/appointments").status_code == 302


def test_whoever_goes_back_without_choosing_reads_what_to_do(client):
    client.get("/?lang=en")
    to_people = client.get("/login/staff").location
    page = client.get(client.submit(to_people, {}).location)
    assert page.status_code == 403
    assert "You have not logged in" in page.text
    assert re.search(r'href="/login/staff\?go=1"', page.text)


def test_the_session_cookie_is_kept_from_scripts_and_foreign_pages(client):
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


@pytest.mark.parametrize("address", ["/login", "/login/back"])
def test_nobody_tries_to_log_in_without_end(client, address):
    answers = [client.get(address).status_code for _ in range(31)]
    assert 429 not in answers[:30]
    assert answers[30] == 429


def test_a_form_without_its_token_changes_nothing(client, log_in_as):
    log_in_as(MARIA)
    assert client.post("/logout").status_code == 400
    assert client.get("/appointments").status_code == 200
