"""Who gets to a document, and how: the citizen, a stranger, nobody, and the reader of the citizen's mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from time_machine import Traveller

from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import access_codes
from portal.documents.models import AccessCode
from portal.testing.page_lint import lint

LogIn = Callable[..., None]
SECRETS = ("Πιστοποιητικό", "Μαρία", "Birth", "maria@")
"""What must not be told before the reader has proved who he is."""


@pytest.fixture
def sent(case: Any) -> Any:
    """A document that went out by mail."""
    request = case.issued("email")
    case.work()
    return request


@pytest.fixture
def english(client: Any) -> Any:
    client.get("/manual?lang=en")
    return client


def address(request: Any, part: str = "") -> str:
    return f"/documents/{request.key}{part}"


def ask_code(client: Any, request: Any) -> None:
    answer = client.submit(address(request, "/code"), page=address(request))
    assert answer.status_code == 302


def newest_code(case: Any) -> str:
    found = re.search(r"^\s*(\d{6})\s*$", case.letters()[0].text, re.MULTILINE)
    assert found
    return found[1]


def try_code(client: Any, request: Any, code: str) -> Any:
    return client.submit(address(request, "/open"), {"code": code}, page=address(request, "/code"))


def test_the_citizen_reads_and_downloads_his_document(
    case: Any, sent: Any, client: FlaskClient, log_in: LogIn
) -> None:
    log_in(client, case.citizen)
    page = client.get(address(sent))
    assert page.status_code == 200
    assert "Πιστοποιητικό γέννησης.pdf" in page.text
    answer = client.get(address(sent, "/file"))
    assert answer.data.startswith(b"%PDF-")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (sent.state, sent.deliveries[0].state) == ("completed", "delivered")


def test_reading_the_page_alone_does_not_count_as_received(
    case: Any, sent: Any, client: FlaskClient, log_in: LogIn
) -> None:
    log_in(client, case.citizen)
    client.get(address(sent))
    client.head(address(sent, "/file"))
    assert sent.deliveries[0].state == "sent"


@pytest.mark.parametrize("part", ["", "/code", "/file"])
def test_somebody_else_finds_nothing(
    case: Any, sent: Any, client: FlaskClient, log_in: LogIn, part: str
) -> None:
    log_in(client, case.stranger)
    foreign, missing = client.get(address(sent, part)), client.get(f"/documents/nosuchkey234{part}")
    assert foreign.status_code == missing.status_code == 404
    hide_key = re.compile(f"{sent.key}|nosuchkey234")
    assert hide_key.sub("", foreign.text) == hide_key.sub("", missing.text)


def test_a_clerk_does_not_get_in_through_the_citizens_page(
    case: Any, sent: Any, client: FlaskClient, log_in: LogIn
) -> None:
    log_in(client, sent.appointment.clerk, door="staff")
    assert client.get(address(sent, "/file")).status_code == 404


def test_nobody_is_told_anything_before_he_proves_himself(sent: Any, client: FlaskClient) -> None:
    page = client.get(address(sent))
    assert page.status_code == 200
    assert [word for word in SECRETS if word in page.text] == []
    answer = client.get(address(sent, "/file"))
    assert (answer.status_code, answer.location) == (302, address(sent))
    assert client.get("/documents/nosuchkey234").status_code == 404


def test_a_document_that_is_not_issued_has_no_page(case: Any, client: FlaskClient) -> None:
    assert client.get(address(case.owed())).status_code == 404


def test_the_code_goes_to_the_address_of_the_appointment_and_opens_once(
    case: Any, sent: Any, client: Any
) -> None:
    ask_code(client, sent)
    case.work()
    assert "maria@citizens.example" in case.letters()[0].recipient
    code = newest_code(case)
    answer = try_code(client, sent, f" {code[:3]} {code[3:]} ")
    assert (answer.status_code, answer.location) == (302, address(sent))
    assert client.get(address(sent, "/file")).data.startswith(b"%PDF-")
    assert sent.state == "completed"
    assert try_code(client, sent, code).status_code == 422


def test_the_code_is_kept_nowhere(case: Any, sent: Any, client: Any, logged: Callable[[], str]) -> None:
    ask_code(client, sent)
    case.work()
    code = newest_code(case)
    row = db.session.query(AccessCode).one()
    assert code not in row.code_hash
    assert len(row.code_hash) == 64
    assert code not in logged()


def test_a_code_opens_its_own_document_only(case: Any, sent: Any, client: Any) -> None:
    other = case.issued("email")
    case.work()
    ask_code(client, sent)
    case.work()
    code = newest_code(case)
    assert try_code(client, other, code).status_code == 422
    assert try_code(client, sent, code).status_code == 302
    assert [word for word in SECRETS if word in client.get(address(other)).text] == []


def test_an_opened_document_closes_after_a_quarter_of_an_hour(
    case: Any, sent: Any, client: Any, clock: Traveller
) -> None:
    ask_code(client, sent)
    case.work()
    try_code(client, sent, newest_code(case))
    clock.shift(timedelta(minutes=14))
    assert "Πιστοποιητικό" in client.get(address(sent)).text
    clock.shift(timedelta(minutes=2))
    assert "Πιστοποιητικό" not in client.get(address(sent)).text
    assert client.get(address(sent, "/file")).status_code == 302


def test_a_code_lapses_after_a_quarter_of_an_hour(
    case: Any, sent: Any, client: Any, clock: Traveller
) -> None:
    ask_code(client, sent)
    case.work()
    clock.shift(timedelta(minutes=16))
    assert try_code(client, sent, newest_code(case)).status_code == 422


def test_after_five_wrong_codes_the_right_one_is_worthless(case: Any, sent: Any, english: Any) -> None:
    ask_code(english, sent)
    case.work()
    code = newest_code(case)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    answers = [try_code(english, sent, wrong) for _ in range(access_codes.TRIES)]
    assert [answer.status_code for answer in answers] == [422] * access_codes.TRIES
    assert "This is not the code" in answers[0].text
    assert "not valid any more" in answers[-1].text
    assert try_code(english, sent, code).status_code == 422


def test_a_new_code_makes_the_older_one_worthless(
    case: Any, sent: Any, client: Any, clock: Traveller
) -> None:
    ask_code(client, sent)
    case.work()
    older = newest_code(case)
    clock.shift(timedelta(minutes=1))
    ask_code(client, sent)
    case.work()
    newer = newest_code(case)
    if older != newer:
        assert try_code(client, sent, older).status_code == 422
    assert try_code(client, sent, newer).status_code == 302


def test_two_clicks_bring_one_code(case: Any, sent: Any, client: Any) -> None:
    ask_code(client, sent)
    ask_code(client, sent)
    case.work()
    assert db.session.query(AccessCode).count() == 1


def test_an_hour_brings_a_few_codes_at_most(case: Any, sent: Any, english: Any, clock: Traveller) -> None:
    for _ in range(access_codes.CODES_IN_AN_HOUR + 2):
        ask_code(english, sent)
        case.work()
        clock.shift(timedelta(minutes=2))
    assert db.session.query(AccessCode).count() == access_codes.CODES_IN_AN_HOUR
    assert "come back in an hour" in english.get(address(sent, "/code")).text
    clock.shift(timedelta(hours=1))
    ask_code(english, sent)
    case.work()
    assert db.session.query(AccessCode).count() == access_codes.CODES_IN_AN_HOUR + 1


@pytest.mark.parametrize("who", ["citizen", "nobody"])
@pytest.mark.parametrize("part", ["", "/code", "/file"])
def test_an_expired_document_says_what_to_do(
    case: Any, sent: Any, english: Any, clock: Traveller, log_in: LogIn, who: str, part: str
) -> None:
    clock.move_to(sent.document.expires_at)
    case.work()
    if who == "citizen":
        log_in(english, case.citizen)
    answer = english.get(address(sent, part))
    assert answer.status_code == 410
    assert "call the office" in answer.text
    assert sent.appointment.office.phone in answer.text
    assert sent.deliveries[0].state == "sent"


def test_a_document_that_was_taken_back_is_not_shown(
    case: Any, sent: Any, english: Any, log_in: LogIn
) -> None:
    with transaction():
        lifecycle.take_back(sent, sent.appointment.clerk)
    log_in(english, case.citizen)
    answer = english.get(address(sent))
    assert answer.status_code == 410
    assert "The office is correcting the document" in answer.text


@pytest.mark.parametrize("language", ["el", "en"])
def test_the_pages_are_in_order(
    case: Any, sent: Any, client: Any, clock: Traveller, log_in: LogIn, language: str
) -> None:
    client.get(f"/manual?lang={language}")
    pages = [client.get(address(sent)), client.get(address(sent, "/code")), try_code(client, sent, "000000")]
    log_in(client, case.citizen)
    pages.append(client.get(address(sent)))
    clock.move_to(sent.document.expires_at)
    pages.append(client.get(address(sent)))
    assert [lint(page.text, language) for page in pages] == [[]] * 5


@pytest.mark.parametrize("way", ["email", "pickup"])
def test_the_page_of_the_appointment_says_where_the_document_stands(
    case: Any, english: Any, log_in: LogIn, way: str
) -> None:
    log_in(english, case.citizen)
    request = case.owed(way)
    page = f"/appointments/{request.appointment.key}"
    assert "The office is preparing your document" in english.get(page).text
    with transaction():
        lifecycle.withdraw(request, request.appointment.clerk)
    assert "does not issue a document after all" in english.get(page).text
    assert lint(english.get(page).text, "en") == []


def test_the_code_for_collection_stands_on_the_page_of_the_appointment(
    case: Any, english: Any, log_in: LogIn
) -> None:
    request = case.issued("pickup")
    case.work()
    log_in(english, case.citizen)
    page = english.get(f"/appointments/{request.appointment.key}").text
    assert request.deliveries[0].code in page
    assert request.appointment.office.opening.en in page
    assert lint(page, "en") == []
