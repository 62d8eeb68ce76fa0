"""The desk: issuing, handing over, other ways, and what needs attention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal import clock as portal_clock
from portal import outbox
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.plugin_api import PermanentFailure, RecipientField
from portal.testing.fakes import FakeDelivery, choose
from portal.testing.page_lint import lint

LogIn = Callable[..., None]


def case_page(request: Any) -> str:
    return f"/staff/appointments/{request.appointment.key}"


def upload(browser: Any, request: Any, content: bytes, name: str = "a.pdf", **more: str) -> Any:
    data = {"document": (BytesIO(content), name), **more}
    browser.submit(f"{case_page(request)}/document", data, page=case_page(request))
    return browser.get(case_page(request)).text


def hand_over(browser: Any, request: Any, code: str) -> Any:
    """Type the code, look at the papers, record it; the answer to whatever came last."""
    address = f"/staff/deliveries/{request.deliveries[-1].key}"
    shown = browser.submit(f"{address}/code", {"code": code}, page=f"{address}/hand-over")
    if shown.status_code != 302:
        return shown
    papers = {"taker": "citizen", "paper": "id_card", "paper_seen": "y"}
    return browser.submit(f"{address}/handed-over", papers, page=f"{address}/hand-over")


def go_another_way(browser: Any, request: Any, way: str) -> None:
    choice = f"/staff/deliveries/other-way/{request.key}"
    browser.submit(f"/staff/documents/{request.key}/other-way", {"delivery": way}, page=choice)


def failed_by_mail(case: Any, folder: Path) -> Any:
    """A document that the provider refused."""
    carrier = FakeDelivery(folder, "email")
    carrier.failures = [PermanentFailure("the mailbox does not exist")]
    choose(case.app, delivery=(carrier, case.app.extensions["portal.providers"].delivery["pickup"]))
    request = case.issued("email")
    case.work()
    return request


def test_the_clerk_issues_the_document(case: Any, at_desk: Any, make_pdf: Any) -> None:
    request = case.owed()
    page = upload(at_desk(request.appointment.clerk), request, make_pdf(), "Πιστοποιητικό.pdf")
    assert "on its way to the citizen" in page
    assert (request.state, request.document.filename) == ("issued", "Πιστοποιητικό.pdf")
    assert request.document.expires_at - portal_clock.now() == timedelta(days=30)
    case.work()
    assert f"/documents/{request.key}" in case.letters()[0].text


def test_a_refused_file_comes_back_with_the_reason(case: Any, at_desk: Any) -> None:
    request = case.owed()
    page = upload(at_desk(request.appointment.clerk), request, b"PK not a pdf", "letter.docx")
    assert "This is not a PDF" in page
    assert request.state == "to_issue"


def test_two_clerks_issue_one_document(case: Any, at_desk: Any, make_pdf: Any) -> None:
    request = case.issued()
    browser = at_desk(request.appointment.clerk)
    assert "the document has moved on" in upload(browser, request, make_pdf())
    kept = {file.name for file in (case.app.config["PORTAL"].instance / "documents").iterdir()}
    assert kept == {request.document.stored_as}


def test_where_the_citizen_chose_no_way_the_clerk_does(case: Any, at_desk: Any, make_pdf: Any) -> None:
    request = case.owed()
    with transaction():
        request.appointment.delivery = ""
    upload(at_desk(request.appointment.clerk), request, make_pdf(), way="pickup")
    assert request.deliveries[0].provider == "pickup"


def become(person: Any, role: str) -> None:
    with transaction():
        for post in person.memberships:
            post.role = role


@pytest.mark.parametrize(("role", "elsewhere"), [("clerk", False), ("clerk", True), ("supervisor", True)])
def test_whoever_may_not_serve_the_case_finds_no_document(
    case: Any, at_desk: Any, make_pdf: Any, role: str, elsewhere: bool
) -> None:
    request = case.owed()
    others = case.staff("clerk", request.appointment.office_id, elsewhere=elsewhere)
    other = next(person for person in others if person.id != request.appointment.clerk_id)
    become(other, role)
    data = {"document": (BytesIO(make_pdf()), "a.pdf")}
    answer = at_desk(other).submit(f"{case_page(request)}/document", data, page="/staff/deliveries")
    assert answer.status_code == 404
    assert request.state == "to_issue"


def test_citizens_do_not_come_to_the_desk(case: Any, client: Any, log_in: LogIn) -> None:
    log_in(client, case.citizen)
    assert client.get("/staff/deliveries").status_code in (302, 403)
    log_in(client, case.citizen, door="staff")
    assert client.get("/staff/deliveries").status_code == 403


def test_a_clerk_sees_the_documents_of_his_office_only(case: Any, at_desk: Any) -> None:
    request = case.owed()
    office = request.appointment.office_id
    foreign = case.staff("clerk", office, elsewhere=True)[0]
    assert (
        request.appointment.citizen_name in at_desk(request.appointment.clerk).get("/staff/deliveries").text
    )
    assert request.appointment.citizen_name not in at_desk(foreign).get("/staff/deliveries").text


def test_the_right_code_hands_the_document_over(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    hand_over(at_desk(request.appointment.clerk), request, request.deliveries[0].code)
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")


def test_the_code_may_be_typed_in_greek_and_small_letters(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    with transaction():
        request.deliveries[0].code = "AHKM47"
    hand_over(at_desk(request.appointment.clerk), request, " αηκ μ47 ")
    assert request.state == "completed"


@pytest.mark.parametrize("code", ["", "WRONG1"])
def test_a_wrong_code_hands_nothing_over(case: Any, at_desk: Any, code: str) -> None:
    request = case.issued("pickup")
    case.work()
    browser = at_desk(request.appointment.clerk)
    assert "This is not the code" in hand_over(browser, request, code).text
    assert request.deliveries[0].state == "prepared"


def test_the_desk_does_not_show_the_code_that_the_citizen_must_say(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    browser = at_desk(request.appointment.clerk)
    pages = browser.get("/staff/deliveries").text + browser.get(case_page(request)).text
    assert request.deliveries[0].code not in pages


def test_a_colleague_of_the_office_hands_over_too(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    office, clerk = request.appointment.office_id, request.appointment.clerk_id
    colleague = next(person for person in case.staff("clerk", office) if person.id != clerk)
    answer = hand_over(at_desk(colleague), request, request.deliveries[0].code)
    assert answer.location == f"/staff/deliveries/{request.deliveries[-1].key}/receipt"
    assert request.state == "completed"


def test_a_failed_delivery_is_shown_and_goes_another_way(case: Any, at_desk: Any, tmp_path: Path) -> None:
    request = failed_by_mail(case, tmp_path)
    browser = at_desk(request.appointment.clerk)
    assert "the mailbox does not exist" in browser.get(case_page(request)).text
    go_another_way(browser, request, "pickup")
    case.work()
    assert [one.state for one in request.deliveries] == ["failed", "prepared"]


def test_a_failed_delivery_is_tried_once_more(
    case: Any, at_desk: Any, tmp_path: Path, clock: Traveller
) -> None:
    request = failed_by_mail(case, tmp_path)
    clock.shift(60)
    address = f"/staff/deliveries/{request.deliveries[0].key}/try-again"
    at_desk(request.appointment.clerk).submit(address, page=case_page(request))
    case.work()
    assert [one.state for one in request.deliveries] == ["sent"]


def test_a_way_that_needs_what_nobody_told_is_refused(case: Any, at_desk: Any, tmp_path: Path) -> None:
    request = failed_by_mail(case, tmp_path)
    post = FakeDelivery(tmp_path, "post")
    post.needs = frozenset({RecipientField.POSTAL_ADDRESS})
    choose(case.app, delivery=(post,))
    browser = at_desk(request.appointment.clerk)
    answer = browser.submit(
        f"/staff/documents/{request.key}/other-way",
        {"delivery": "post"},
        page="/staff/deliveries/other-way/" + request.key,
    )
    assert "Write the postal code." in answer.text
    assert len(request.deliveries) == 1


def test_a_mail_that_came_back_waits_for_another_way(case: Any, at_desk: Any) -> None:
    request = case.issued("email")
    case.work()
    browser = at_desk(request.appointment.clerk)
    address = f"/staff/deliveries/{request.deliveries[0].key}/came-back"
    browser.submit(address, page=case_page(request))
    assert request.deliveries[0].state == "returned"
    assert "Choose another way" in browser.get("/staff/deliveries").text


def test_a_wrong_document_is_taken_back_and_erased_at_once(case: Any, at_desk: Any, make_pdf: Any) -> None:
    request = case.issued("email")
    case.work()
    browser = at_desk(request.appointment.clerk)
    browser.submit(f"{case_page(request)}/document/take-back", page=case_page(request))
    assert (request.state, request.document) == ("to_issue", None)
    assert list((case.app.config["PORTAL"].instance / "documents").iterdir()) == []
    upload(browser, request, make_pdf(), "right.pdf")
    assert request.document.filename == "right.pdf"


def test_the_clerk_looks_at_what_was_issued_and_it_is_recorded(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    answer = at_desk(request.appointment.clerk).get(f"{case_page(request)}/document")
    assert answer.data.startswith(b"%PDF-")
    assert request.deliveries[0].state == "waiting"
    line = db.session.scalars(select(AuditLine).filter_by(deed="document read")).one()
    assert line.actor_id == request.appointment.clerk_id


def test_nothing_is_issued_when_the_clerk_says_so(case: Any, at_desk: Any) -> None:
    request = case.owed()
    browser = at_desk(request.appointment.clerk)
    browser.submit(f"{case_page(request)}/document/withdraw", page=case_page(request))
    assert request.state == "withdrawn"
    assert "No document is issued" in browser.get(case_page(request)).text


def give_up_work() -> int:
    """Bury one piece of work, as the outbox does when all attempts have failed."""
    with transaction():
        outbox.post("document.forget", "file:x", {"document_id": 0}, key="x", give_up_at=portal_clock.now())
        row_id = db.session.scalars(select(outbox.OutboxRow.id).filter_by(key="x")).one()
    outbox.run(row_id)
    return row_id


def state_of(row_id: int) -> str:
    db.session.rollback()
    return db.session.get_one(outbox.OutboxRow, row_id).state


@pytest.mark.parametrize(("deed", "after"), [("retry", "waiting"), ("close", "cancelled")])
def test_given_up_work_is_tried_again_or_closed(case: Any, at_desk: Any, deed: str, after: str) -> None:
    row_id = give_up_work()
    administrator = case.staff("administrator")[0]
    browser = at_desk(administrator)
    assert "An expired document could not be erased" in browser.get("/staff/attention").text
    browser.submit(f"/staff/attention/{row_id}/{deed}", page="/staff/attention")
    assert state_of(row_id) == after
    assert "An expired document could not be erased" not in browser.get("/staff/attention").text
    line = db.session.scalars(select(AuditLine).filter_by(deed=f"work: {deed}")).one()
    assert line.actor_id == administrator.id


def test_what_needs_attention_is_for_supervisors(case: Any, at_desk: Any) -> None:
    request = case.owed()
    assert at_desk(request.appointment.clerk).get("/staff/attention").status_code == 403


@pytest.mark.parametrize("language", ["el", "en"])
def test_the_pages_are_in_order(case: Any, at_desk: Any, tmp_path: Path, language: str) -> None:
    requests = [case.owed(), case.issued("pickup"), case.issued("email")]
    case.work()
    requests += [failed_by_mail(case, tmp_path), case.issued("pickup")]
    give_up_work()
    supervisor = case.staff("supervisor", requests[0].appointment.office_id)[0]
    browser = at_desk(supervisor)
    browser.get(f"/manual?lang={language}")
    addresses = ["/staff/deliveries", "/staff/attention", f"/staff/deliveries/other-way/{requests[3].key}"]
    addresses += [
        case_page(request)
        for request in requests
        if request.appointment.office_id == requests[0].appointment.office_id
    ]
    answers = {address: browser.get(address) for address in addresses}
    assert {address: answer.status_code for address, answer in answers.items()} == dict.fromkeys(
        addresses, 200
    )
    problems = {address: lint(answer.text, language) for address, answer in answers.items()}
    assert {address: found for address, found in problems.items() if found} == {}
