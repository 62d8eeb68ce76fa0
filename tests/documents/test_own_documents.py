"""My documents: what lies in the portal until its owner opens it, and what he can do with all he has."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from time_machine import Traveller

from portal import files, outbox
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering import own_documents_pages
from portal.documents.models import IssuedDocument
from portal.testing.browser import Browser
from portal.testing.fakes import choose
from portal.testing.page_lint import lint

LogIn = Callable[..., None]
DAY = timedelta(days=1)


def at_desk(case: Any, request: Any, log_in: LogIn) -> Any:
    """The clerk's own browser, in English."""
    browser = Browser(case.app, case.app.response_class)
    browser.get("/manual?lang=en")
    log_in(browser, request.appointment.clerk, door="staff")
    return browser


def download(browser: Any, request: Any) -> Any:
    return browser.get(f"/documents/{request.key}/file")


def do(browser: Any, request: Any, deed: str, page: str = "/my-documents") -> Any:
    return browser.submit(f"/my-documents/{request.key}/{deed}", page=page)


def delete(browser: Any, request: Any) -> Any:
    return browser.submit(f"/my-documents/{request.key}/delete")


def deeds(deed: str) -> int:
    return db.session.scalar(select(func.count()).select_from(AuditLine).filter_by(deed=deed)) or 0


def is_on_disk(case: Any, document: IssuedDocument) -> bool:
    return (Path(case.app.config["PORTAL"].instance) / "documents" / document.stored_as).exists()


def main_of(page: Any) -> str:
    return re.findall(r"<main.*</main>", page.text, re.DOTALL)[0]


def days(case: Any, clock: Traveller, count: int) -> None:
    for _day in range(count):
        clock.shift(DAY)
        case.work()


# --- Told, opened, reminded, overdue ---------------------------------------------------------------------


def test_it_waits_unopened_until_its_owner_opens_it(case: Any, waiting: Any, owner: Any) -> None:
    [letter] = case.letters()
    assert f"/documents/{waiting.key}" in letter.text
    page = owner.get("/my-documents")
    assert "Not opened yet" in page.text and "Copy of a birth record" in page.text
    assert (waiting.state, waiting.deliveries[0].state) == ("issued", "sent")
    assert download(owner, waiting).data.startswith(b"%PDF-")
    assert (waiting.state, waiting.deliveries[0].state) == ("completed", "delivered")
    assert re.search(r"You opened it: .*30.*08:00<", owner.get("/my-documents").text)


def test_every_opening_is_on_record_and_the_first_one_is_told(
    case: Any, waiting: Any, owner: Any, clock: Traveller
) -> None:
    download(owner, waiting)
    first = waiting.document.opened_at
    clock.shift(timedelta(hours=1))
    download(owner, waiting)
    assert deeds("document opened") == 2
    assert waiting.document.opened_at == first


def test_opened_before_the_notice_went_out_it_has_arrived_and_nobody_is_told(case: Any, owner: Any) -> None:
    request = case.issued("mailbox")
    download(owner, request)
    case.work()
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")
    assert case.letters() == []


def test_the_citizen_is_reminded_once_and_never_again(case: Any, waiting: Any, clock: Traveller) -> None:
    days(case, clock, 2)
    assert len(case.letters()) == 1
    days(case, clock, 10)
    assert len(case.letters()) == 2
    assert "not opened it yet" in case.letters()[0].text or "Δεν το έχετε ανοίξει" in case.letters()[0].text
    assert deeds("citizen reminded") == 1


def test_who_has_opened_it_is_not_reminded(case: Any, waiting: Any, owner: Any, clock: Traveller) -> None:
    download(owner, waiting)
    days(case, clock, 5)
    assert len(case.letters()) == 1


def test_who_gets_it_another_way_by_now_is_not_reminded(case: Any, waiting: Any, clock: Traveller) -> None:
    with transaction():
        deliveries.choose_other_way(
            waiting, deliveries.Way("email", {"email": "maria@citizens.example"}), waiting.appointment.clerk
        )
    days(case, clock, 6)
    assert deeds("citizen reminded") == 0


def test_nobody_is_reminded_of_a_document_that_was_taken_back_or_erased(case: Any, clock: Traveller) -> None:
    taken, short = case.issued("mailbox"), case.owed("mailbox")
    stored = files.store_pdf("a.pdf", files.open_document(taken.document.stored_as).read())
    with transaction():
        lifecycle.issue(short, stored, short.appointment.clerk, 2)
    case.work()
    with transaction():
        lifecycle.take_back(taken, taken.appointment.clerk)
    days(case, clock, 6)
    assert len(case.letters()) == 2
    assert [row.kind for row in outbox.buried_rows() if row.kind.startswith("delivery.")] == []


def test_unopened_for_too_long_it_is_shown_to_staff(
    case: Any, waiting: Any, clock: Traveller, log_in: LogIn
) -> None:
    days(case, clock, 13)
    assert waiting.deliveries[0].state == "sent"
    days(case, clock, 2)
    assert waiting.deliveries[0].state == "failed"
    assert waiting.deliveries[0].last_error.startswith("not opened in its time")
    page = at_desk(case, waiting, log_in).get("/staff/deliveries").text
    assert "Not opened" in page and f"/staff/deliveries/other-way/{waiting.key}" in page


def test_it_is_overdue_when_it_is_erased_at_the_latest(case: Any, clock: Traveller) -> None:
    request = case.owed("mailbox")
    stored = files.store_pdf("a.pdf", files.open_document(case.issued().document.stored_as).read())
    with transaction():
        lifecycle.issue(request, stored, request.appointment.clerk, 5)
    case.work()
    days(case, clock, 4)
    assert request.deliveries[0].state == "sent"
    days(case, clock, 1)
    assert request.deliveries[0].state == "failed"


def test_opened_after_all_it_has_arrived_and_the_other_way_is_called_off(
    case: Any, waiting: Any, owner: Any, clock: Traveller
) -> None:
    days(case, clock, 15)
    with transaction():
        deliveries.choose_other_way(waiting, deliveries.Way("pickup", {}), waiting.appointment.clerk)
    case.work()
    assert [one.state for one in waiting.deliveries] == ["failed", "prepared"]
    download(owner, waiting)
    assert waiting.state == "completed"
    assert [one.state for one in waiting.deliveries] == ["delivered", "cancelled"]


# --- The list --------------------------------------------------------------------------------------------


def test_documents_that_came_otherwise_stand_beside_it(case: Any, waiting: Any, owner: Any) -> None:
    case.issued("email")
    case.issued("pickup")
    case.work()
    page = main_of(owner.get("/my-documents"))
    assert page.count("In the portal, under “My documents”") == 1
    assert page.count("By e-mail") == page.count("Collect it at the office") == 1
    assert "Ready to be handed over" in page


def test_an_erased_document_says_so_and_offers_nothing_to_open(
    case: Any, waiting: Any, owner: Any, clock: Traveller, log_in: LogIn
) -> None:
    clock.move_to(waiting.document.expires_at)
    case.work()
    log_in(owner, case.citizen)
    page = main_of(owner.get("/my-documents"))
    assert "No longer kept here" in page and "Erased on Wednesday" in page and "30 December" in page
    assert f"/documents/{waiting.key}" not in page.replace("/my-documents", "")


def lots(case: Any, count: int) -> None:
    """So many more documents of the citizen."""
    for _one in range(count):
        case.issued("mailbox")


def statements_of(browser: Any, path: str) -> int:
    asked: list[str] = []

    def note(*details: Any) -> None:
        asked.append(details[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert browser.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(asked)


def test_a_page_shows_twenty_and_costs_the_same_however_many_there_are(
    case: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_documents_pages, "SHOWN", 3)
    lots(case, 1)
    few = statements_of(owner, "/my-documents")
    lots(case, 6)
    assert statements_of(owner, "/my-documents") == few
    pages = [main_of(owner.get(f"/my-documents?page={page}")) for page in (1, 2, 3)]
    assert [page.count('class="box stack"') for page in pages] == [3, 3, 1]
    assert ['rel="next"' in page for page in pages] == [True, True, False]
    assert ['rel="prev"' in page for page in pages] == [False, True, True]
    assert owner.get("/my-documents?page=4").location == "/my-documents"
    assert owner.get("/my-documents?page=-7").status_code == owner.get("/my-documents?page=x").status_code


# --- Who gets to it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["archive", "bring-back", "delete"])
def test_somebody_elses_document_is_not_found(
    case: Any, waiting: Any, owner: Any, log_in: LogIn, deed: str
) -> None:
    download(owner, waiting)
    log_in(owner, case.stranger)
    assert waiting.protocol not in owner.get("/my-documents").text
    answer = owner.submit(f"/my-documents/{waiting.key}/{deed}", page="/my-details")
    assert answer.status_code == 404
    assert (waiting.document.archived_at, waiting.document.deleted_at) == (None, None)


def test_no_code_opens_what_lies_behind_the_login(case: Any, waiting: Any, client: Any) -> None:
    page = client.get(f"/documents/{waiting.key}")
    assert page.status_code == 200 and f"/documents/{waiting.key}/code" not in page.text
    assert client.get(f"/documents/{waiting.key}/code").location == f"/documents/{waiting.key}"
    sent = case.issued("email")
    case.work()
    assert f"/documents/{sent.key}/code" in client.get(f"/documents/{sent.key}").text


def test_a_code_typed_before_does_not_open_what_lies_behind_the_login_since(
    case: Any, client: Any, clock: Traveller
) -> None:
    request = case.issued("email")
    case.work()
    client.submit(f"/documents/{request.key}/code", page=f"/documents/{request.key}")
    case.work()
    code = re.search(r"^\s*(\d{6})\s*$", case.letters()[0].text, re.MULTILINE)
    assert code
    page = f"/documents/{request.key}/code"
    client.submit(f"/documents/{request.key}/open", {"code": code[1]}, page=page)
    with transaction():
        deliveries.choose_other_way(request, deliveries.Way("mailbox", {}), request.appointment.clerk)
    assert download(client, request).location == f"/documents/{request.key}"


def test_who_has_never_logged_in_is_not_offered_it(case: Any, log_in: LogIn) -> None:
    request = case.issued("pickup")
    with transaction():
        request.appointment.citizen_id = None
    case.work()
    clerk = at_desk(case, request, log_in)
    choice = clerk.get(f"/staff/deliveries/other-way/{request.key}").text
    assert 'value="email"' in choice and 'value="mailbox"' not in choice
    address = f"/staff/documents/{request.key}/other-way"
    answer = clerk.submit(address, {"delivery": "mailbox"}, page=f"/staff/deliveries/other-way/{request.key}")
    assert answer.status_code == 422
    assert [one.provider for one in request.deliveries] == ["pickup"]


def test_a_way_that_is_not_enabled_any_more_leaves_the_document_in_the_list(
    case: Any, waiting: Any, owner: Any
) -> None:
    ways = dict(case.app.extensions["portal.providers"].delivery)
    choose(case.app, delivery=(ways["email"], ways["pickup"]))
    assert waiting.protocol in owner.get("/my-documents").text
    download(owner, waiting)
    assert waiting.state == "completed"


# --- Words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["el", "en"])
def test_the_pages_are_in_order_and_never_pass_for_the_states(
    case: Any, waiting: Any, client: Any, log_in: LogIn, language: str
) -> None:
    client.get(f"/manual?lang={language}")
    log_in(client, case.citizen)
    looked_at = [client.get("/my-documents/archive"), client.get(f"/documents/{waiting.key}")]
    download(client, waiting)
    looked_at += [client.get(f"/my-documents{part}") for part in ("", f"/{waiting.key}/delete")]
    delete(client, waiting)
    looked_at += [client.get("/my-documents"), client.get(f"/documents/{waiting.key}")]
    assert [lint(page.text, language) for page in looked_at] == [[]] * 6
    told = " ".join(main_of(page) for page in looked_at).lower()
    assert [word for word in ("θυρίδα", "gov.gr", "thyrida") if word in told] == []


def test_the_page_of_the_appointment_says_that_it_waits(case: Any, waiting: Any, owner: Any) -> None:
    page = f"/appointments/{waiting.appointment.key}"
    assert "The document waits for you under “My documents”" in owner.get(page).text
    download(owner, waiting)
    assert "Document received" in owner.get(page).text
    assert "waits for you" not in owner.get(page).text
