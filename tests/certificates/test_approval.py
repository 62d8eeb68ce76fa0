"""Prepared, approved, sent back, called back, sealed: on the pages and beneath them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import files
from portal.audit import AuditLine
from portal.certificates.verification import Verification
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.issuing import approval
from portal.documents.issuing.approval import Finished, Terms
from portal.documents.states import NotPossible
from portal.testing.page_lint import lint
from tests.certificates.conftest import codes_in, make_pdf, text_of

TERMS = Terms(days=30, check_days=365, sealed=False)
ANSWERS = {"until": "2026-11-01", "kind": "0", "deed": "issue"}
APPROVED = "no-debt-certificate"


def case_page(request: Any) -> str:
    return f"/staff/appointments/{request.appointment.key}"


def approve_page(request: Any) -> str:
    return f"/staff/documents/{request.key}/prepared"


def prepare(browser: Any, request: Any, **more: str) -> Any:
    page = f"{case_page(request)}/document/template"
    return browser.submit(page, {**ANSWERS, **more}, page=page)


def decide(browser: Any, request: Any, deed: str, **data: str) -> Any:
    given = {"prepared": request.prepared.key, **data} if request.prepared else data
    return browser.submit(f"/staff/documents/{request.key}/{deed}", given, page="/staff/deliveries")


def deeds() -> list[str]:
    return list(db.session.scalars(select(AuditLine.deed).order_by(AuditLine.id)))


def put_forward(request: Any, code: str = "") -> Any:
    finished = Finished(files.store_pdf("a.pdf", make_pdf()), code)
    with transaction():
        approval.put_forward(request, finished, request.appointment.clerk, TERMS, None)
    return request.prepared


def test_what_needs_approval_is_issued_only_after_it(
    owed: Any, at_desk: Callable[[Any], Any], with_codes: None
) -> None:
    request = owed.request(APPROVED)
    prepare(at_desk(request.appointment.clerk), request)
    assert (request.state, request.document, request.deliveries) == ("to_approve", None, [])
    second = owed.second(request)
    browser = at_desk(second)
    assert approve_page(request) in browser.get("/staff/deliveries").text
    page = browser.get(approve_page(request))
    assert not lint(page.text, "en")
    seen = browser.get(f"{approve_page(request)}/file").data
    decide(browser, request, "approve")
    assert (request.state, request.prepared) == ("issued", None)
    document = request.document
    assert (document.clerk, document.approver) == (request.appointment.clerk, second)
    assert files.open_document(document.stored_as).read() == seen
    assert document.verification.sha256 == document.sha256
    assert [d for d in deeds() if d.startswith("document ") or d.startswith("prepared")][-4:] == [
        "document prepared",
        "prepared document read",
        "document approved",
        "document issued",
    ]


def test_a_certificate_is_filled_from_the_case_and_the_clerks_answers(
    owed: Any, at_desk: Callable[[Any], Any], with_codes: None
) -> None:
    request = owed.request(APPROVED)
    prepare(at_desk(request.appointment.clerk), request)
    content = files.open_document(request.prepared.stored_as).read()
    text = text_of(content)
    for part in (
        "ΒΕΒΑΙΩΣΗ ΜΗ ΟΦΕΙΛΗΣ",
        "Ευάγγελος",
        "Χατζηγιάννης",
        "<&>",
        "1 Νοεμβρίου 2026",
        request.protocol,
    ):
        assert part in text, part
    assert "κάθε είδους οφειλή" in text.replace("\r\n", " ")
    (address,) = codes_in(content)
    assert address.startswith(f"{owed.app.config['PORTAL'].portal.base_url}/verify/")


def test_a_draft_is_looked_at_and_changes_nothing(
    owed: Any, at_desk: Callable[[Any], Any], with_codes: None
) -> None:
    request = owed.request(APPROVED)
    answer = prepare(at_desk(request.appointment.clerk), request, deed="preview")
    assert answer.mimetype == "application/pdf"
    assert "ΣΧΕΔΙΟ" in text_of(answer.data)
    assert (request.state, request.prepared) == ("to_issue", None)
    assert db.session.scalars(select(Verification)).all() == []


def test_what_is_missing_is_told_and_the_rest_stays(owed: Any, at_desk: Callable[[Any], Any]) -> None:
    request = owed.request(APPROVED)
    answer = prepare(at_desk(request.appointment.clerk), request, until="", kind="2")
    assert answer.status_code == 422
    assert "Fill in “Debts checked up to”" in answer.text and answer.text.count(" checked>") == 1
    assert not lint(answer.text, "en")


def test_who_may_approve_reads_on_the_day_what_waits_for_him(
    owed: Any, at_desk: Callable[[Any], Any]
) -> None:
    request = owed.request(APPROVED)
    clerk, second = request.appointment.clerk, owed.second(request)
    prepare(at_desk(clerk), request)
    assert "One document waits for your approval" in at_desk(second).get("/staff/").text
    assert "your approval" not in at_desk(clerk).get("/staff/").text
    assert "your approval" not in at_desk(owed.colleague(request)).get("/staff/").text


def test_nobody_approves_what_he_prepared(owed: Any, at_desk: Callable[[Any], Any]) -> None:
    request = owed.request(APPROVED)
    prepared = put_forward(request)
    clerk = request.appointment.clerk
    assert decide(at_desk(clerk), request, "approve").status_code == 404
    with pytest.raises(NotPossible), transaction():
        approval.approve(request, prepared.key, clerk, TERMS)
    assert request.state == "to_approve"


def test_a_colleague_without_the_right_does_not_approve(owed: Any, at_desk: Callable[[Any], Any]) -> None:
    request = owed.request(APPROVED)
    put_forward(request)
    browser = at_desk(owed.colleague(request))
    assert decide(browser, request, "approve").status_code == 404
    assert browser.get(f"{approve_page(request)}/file").status_code == 404
    assert request.state == "to_approve"


def test_it_goes_back_with_a_reason_and_its_code_is_worthless(
    owed: Any, at_desk: Callable[[Any], Any]
) -> None:
    request = owed.request(APPROVED)
    stored_as = put_forward(request, "7KQM-2XHD-9TRB-WZ4C").stored_as
    browser = at_desk(owed.second(request))
    assert decide(browser, request, "send-back", reason=" ").status_code == 422
    decide(browser, request, "send-back", reason="Λάθος ημερομηνία")
    assert (request.state, request.prepared, request.sent_back) == ("to_issue", None, "Λάθος ημερομηνία")
    assert db.session.scalars(select(Verification)).all() == []
    with pytest.raises(FileNotFoundError):
        files.open_document(stored_as)
    assert "Λάθος ημερομηνία" in at_desk(request.appointment.clerk).get(case_page(request)).text
    put_forward(request)
    assert request.sent_back == ""


def test_the_clerk_calls_it_back(owed: Any, at_desk: Callable[[Any], Any]) -> None:
    request = owed.request(APPROVED)
    put_forward(request)
    browser = at_desk(request.appointment.clerk)
    page = browser.get(case_page(request))
    assert "waiting for the approval" in page.text and not lint(page.text, "en")
    browser.submit(f"{case_page(request)}/document/call-back", {}, page=case_page(request))
    assert (request.state, request.prepared) == ("to_issue", None)


def test_only_the_file_that_was_looked_at_is_approved(owed: Any) -> None:
    request = owed.request(APPROVED)
    looked_at = put_forward(request).key
    with transaction():
        approval.call_back(request, request.appointment.clerk)
    newer = put_forward(request)
    with pytest.raises(NotPossible), transaction():
        approval.approve(request, looked_at, owed.second(request), TERMS)
    with transaction():
        approval.approve(request, newer.key, owed.second(request), TERMS)
    assert request.state == "issued"


def test_approval_cannot_be_passed_by(owed: Any) -> None:
    request = owed.request(APPROVED)
    stored = files.store_pdf("a.pdf", make_pdf())
    with pytest.raises(NotPossible), transaction():
        lifecycle.issue(request, stored, request.appointment.clerk, 30)
    assert request.state == "to_issue"


def test_an_upload_gets_a_page_with_its_code(
    owed: Any, at_desk: Callable[[Any], Any], with_codes: None
) -> None:
    request = owed.request()
    page = case_page(request)
    data = {"document": (BytesIO(make_pdf()), "a.pdf")}
    at_desk(request.appointment.clerk).submit(f"{page}/document", data, page=page)
    assert request.state == "issued"
    content = files.open_document(request.document.stored_as).read()
    (address,) = codes_in(content)
    assert "ΕΛΕΓΧΟΣ ΓΝΗΣΙΟΤΗΤΑΣ" in text_of(content)
    assert address.rsplit("/", 1)[1] in text_of(content)


def test_approve_and_call_back_at_once_lead_to_one_of_both(
    each_counter: Any, booked: Callable[..., Any]
) -> None:
    """Two browsers at the same moment, on both databases: one wins, the other is told."""
    from portal.appointments import call
    from portal.documents.models import DocumentRequest
    from portal.people.models import Person

    appointment = booked(each_counter)
    with transaction():
        second = Person(first_name="Δεύτερη")
        db.session.add(second)
        appointment.service.approval = True
        call.start(appointment, ["direct"], appointment.clerk)
        call.finish(appointment, "issue", appointment.clerk)
    request = lifecycle.request_of(appointment)
    for _ in range(5):
        key, request_id = put_forward(request).key, request.id
        clerk_id, second_id = appointment.clerk_id, second.id
        together, outcomes = threading.Barrier(2), []
        db.session.rollback()

        def attempt(deed: str, app: Flask = each_counter.app) -> None:
            with app.app_context():
                row = db.session.get_one(DocumentRequest, request_id)  # noqa: B023
                person = db.session.get_one(Person, second_id if deed == "approve" else clerk_id)  # noqa: B023
                together.wait(10)  # noqa: B023
                try:
                    with transaction():
                        if deed == "approve":
                            approval.approve(row, key, person, TERMS)  # noqa: B023
                        else:
                            approval.call_back(row, person)
                    outcomes.append(deed)  # noqa: B023
                except NotPossible:
                    outcomes.append("told")  # noqa: B023
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=attempt, args=(deed,)) for deed in ("approve", "call_back")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        db.session.rollback()
        assert sorted(outcomes)[-1] == "told" and len(outcomes) == 2
        assert (request.state, request.document is None) in [("issued", False), ("to_issue", True)]
        assert request.prepared is None
        if request.state == "issued":
            with transaction():
                lifecycle.take_back(request, appointment.clerk)
