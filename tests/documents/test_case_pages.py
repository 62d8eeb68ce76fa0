"""The pages of a case: the citizen sends papers and withdraws, the clerk asks, looks, accepts and refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import event, select
from time_machine import Traveller

from portal.audit import AuditLine
from portal.db import Bilingual, db, transaction
from portal.documents.lifecycle import request_of
from portal.documents.papers import lifecycle as papers
from portal.testing.page_lint import lint

LogIn = Callable[..., None]
BIRTH = Bilingual("Ληξιαρχική πράξη", "Birth act")


def picture() -> bytes:
    whole = BytesIO()
    Image.new("RGB", (60, 40), "white").save(whole, "PNG")
    return whole.getvalue()


@pytest.fixture
def asked(case: Any) -> Any:
    request = case.owed()
    with transaction():
        papers.ask_for(request, [BIRTH], request.appointment.clerk)
    return request


@pytest.fixture
def as_citizen(client: Any, log_in: LogIn, case: Any) -> Callable[..., Any]:
    def enter(person: Any = None) -> Any:
        client.get("/manual?lang=en")
        log_in(client, person or case.citizen)
        return client

    return enter


@pytest.fixture
def at_desk(client: Any, log_in: LogIn) -> Callable[[Any], Any]:
    def enter(person: Any) -> Any:
        client.get("/manual?lang=en")
        log_in(client, person, door="staff")
        return client

    return enter


def own_page(request: Any) -> str:
    return f"/appointments/{request.appointment.key}"


def case_page(request: Any) -> str:
    return f"/staff/appointments/{request.appointment.key}"


def question(request: Any) -> str:
    return f"/papers/{request.papers[0].key}"


def send(browser: Any, request: Any, content: bytes, name: str = "IMG 1.heic") -> Any:
    return browser.submit(question(request), {"file": (BytesIO(content), name)}, page=question(request))


def test_the_citizen_reads_what_is_missing_and_what_happens_next(asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    page = browser.get(own_page(asked)).text
    assert lint(page, "en") == []
    for words in (asked.protocol, "Papers are missing", "Birth act", "It is your turn", "Send this paper"):
        assert words in page
    assert "Papers are missing" in browser.get("/appointments").text


def test_the_citizen_sends_a_photo(case: Any, asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    assert lint(browser.get(question(asked)).text, "en") == []
    answer = send(browser, asked, picture())
    assert answer.status_code == 302
    assert asked.state == "in_review"
    file = asked.papers[0].files[0]
    assert (file.filename, file.media_type, file.sent_by) == ("IMG 1.png", "image/png", case.citizen.id)
    page = browser.get(own_page(asked)).text
    assert lint(page, "en") == []
    assert "The office is looking at your papers" in page
    assert "IMG 1.png" in page


def test_a_refused_file_comes_back_with_the_reason_and_the_question_stays(
    asked: Any, as_citizen: Any
) -> None:
    answer = send(as_citizen(), asked, b"PK\x03\x04 a text document", "letter.pdf")
    assert answer.status_code == 422
    assert lint(answer.text, "en") == []
    assert "This file is something else" in answer.text
    assert "Birth act" in answer.text
    assert not asked.papers[0].files


def test_nothing_chosen_is_told(asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    answer = browser.submit(question(asked), {}, page=question(asked))
    assert "Choose a photo or a PDF" in answer.text


def test_a_file_whose_case_moved_on_leaves_nothing_behind(case: Any, asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    browser.get(question(asked))
    with transaction():
        papers.go_on(asked, asked.appointment.clerk)
    assert (
        browser.submit(question(asked), {"file": (BytesIO(picture()), "a.png")}, page="/manual").status_code
        == 302
    )
    assert not (case.app.config["PORTAL"].instance / "documents").exists()


def test_the_citizen_takes_a_file_back(case: Any, asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    send(browser, asked, picture())
    key = asked.papers[0].files[0].key
    browser.submit(f"/papers/files/{key}/take-back", page=own_page(asked))
    assert (asked.state, asked.papers[0].files) == ("needs_papers", [])
    assert not list((case.app.config["PORTAL"].instance / "documents").iterdir())


def test_the_citizen_withdraws_the_request(asked: Any, as_citizen: Any) -> None:
    browser = as_citizen()
    address = f"{own_page(asked)}/request/withdraw"
    assert lint(browser.get(address).text, "en") == []
    browser.submit(address, page=address)
    assert asked.state == "withdrawn"
    page = browser.get(own_page(asked)).text
    assert "Send this paper" not in page
    assert "If you need the document after all" in page


def test_a_stranger_finds_nothing(case: Any, asked: Any, as_citizen: Any) -> None:
    browser = as_citizen(case.stranger)
    assert browser.get(question(asked)).status_code == 404
    assert browser.get(f"{own_page(asked)}/request/withdraw").status_code == 404


def test_the_clerk_asks_for_papers_of_the_list_and_others(case: Any, at_desk: Any) -> None:
    request = case.owed()
    listed = request.appointment.service.papers
    browser = at_desk(request.appointment.clerk)
    assert lint(browser.get(case_page(request)).text, "en") == []
    data = {"missing": "0", "more_missing": "Lease\n\n  Last   bill "}
    browser.submit(f"{case_page(request)}/papers", data, page=case_page(request))
    assert request.state == "needs_papers"
    assert [paper.title.en for paper in request.papers] == [listed[0]["en"], "Lease", "Last bill"]


def in_its_call(case: Any) -> Any:
    """An appointment in its call, with the citizen identified."""
    from portal.appointments import availability, call, lifecycle
    from portal.offices.models import Service

    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    booking = case.app.config["PORTAL"].booking
    details = lifecycle.Details(case.citizen.name, "maria@citizens.example", "+306900000000", "el", "id_card")
    starts_at = availability.offer(service, booking).starts[0]
    with transaction():
        row = lifecycle.hold(service, booking, None, starts_at, case.citizen, "el")
        lifecycle.confirm(row, booking, case.citizen, details, case.citizen, notify=False)
        call.start(row, ["direct"], row.clerk)
        call.record_identity(row, call.IdentityRecord("id_card", True, True, True), row.clerk)
    return row


def test_papers_can_be_asked_for_at_the_end_of_the_call(case: Any, at_desk: Any) -> None:
    row = in_its_call(case)
    browser = at_desk(row.clerk)
    panel, finish = (f"/staff/appointments/{row.key}/{end}" for end in ("call", "finish"))
    assert lint(browser.get(panel).text, "en") == []
    missing = {"missing": "0", "more_missing": "Lease"}
    refused = browser.submit(finish, {"outcome": "nothing", **missing}, page=panel)
    assert "Papers are asked for when a document will be issued" in refused.text
    assert row.state == "in_call"
    browser.submit(finish, {"outcome": "issue", **missing}, page=panel)
    request = request_of(row)
    assert (request.state, len(request.papers)) == ("needs_papers", 2)


def test_a_case_is_opened_after_the_call(case: Any, at_desk: Any) -> None:
    row = in_its_call(case)
    browser = at_desk(row.clerk)
    page = f"/staff/appointments/{row.key}"
    browser.submit(f"{page}/finish", {"outcome": "follow_up"}, page=f"{page}/call")
    shown = browser.get(page).text
    assert lint(shown, "en") == []
    assert "Open a case" in shown
    browser.submit(f"{page}/case", page=page)
    assert request_of(row).state == "to_issue"
    assert "Open a case" not in browser.get(page).text


def test_to_ask_for_nothing_is_told(case: Any, at_desk: Any) -> None:
    request = case.owed()
    browser = at_desk(request.appointment.clerk)
    browser.submit(f"{case_page(request)}/papers", {}, page=case_page(request))
    assert "Choose or write at least one paper" in browser.get(case_page(request)).text
    assert request.state == "to_issue"


def sent_in(asked: Any, case: Any) -> Any:
    from portal import files

    stored = files.store("φωτο.png", picture(), "image/png")
    with transaction():
        papers.receive(asked.papers[0], stored, case.citizen)
    return asked.papers[0].files[0]


def test_a_paper_leaves_the_portal_as_a_file_that_cannot_act(case: Any, asked: Any, at_desk: Any) -> None:
    file = sent_in(asked, case)
    browser = at_desk(asked.appointment.clerk)
    answer = browser.get(f"/staff/papers/{file.key}")
    assert answer.data == picture()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "'self'" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    deeds = db.session.scalars(select(AuditLine.deed).filter_by(actor_id=asked.appointment.clerk_id))
    assert "paper read" in set(deeds)
    assert "sandbox" not in browser.get(case_page(asked)).headers["Content-Security-Policy"]


def test_colleagues_who_do_not_serve_the_case_find_no_paper(case: Any, asked: Any, at_desk: Any) -> None:
    file = sent_in(asked, case)
    office = asked.appointment.office_id
    others = [p for p in case.staff("clerk", office) if p.id != asked.appointment.clerk_id]
    for person in [others[0], *case.staff("clerk", office, elsewhere=True)[:1]]:
        assert at_desk(person).get(f"/staff/papers/{file.key}").status_code == 404


def test_a_paper_is_refused_with_a_reason_or_not_at_all(case: Any, asked: Any, at_desk: Any) -> None:
    sent_in(asked, case)
    key = asked.papers[0].key
    browser = at_desk(asked.appointment.clerk)
    review = f"{case_page(asked)}/papers/review"
    browser.submit(review, {f"verdict-{key}": "refuse", f"reason-{key}": " "}, page=case_page(asked))
    assert "Write why for each paper" in browser.get(case_page(asked)).text
    assert asked.state == "in_review"
    browser.submit(review, {f"verdict-{key}": "refuse", f"reason-{key}": "Blurred"}, page=case_page(asked))
    assert (asked.state, asked.papers[0].reason) == ("needs_papers", "Blurred")


def test_an_accepted_paper_brings_the_case_back_to_the_clerk(case: Any, asked: Any, at_desk: Any) -> None:
    sent_in(asked, case)
    browser = at_desk(asked.appointment.clerk)
    page = browser.get(case_page(asked)).text
    assert lint(page, "en") == []
    assert "φωτο.png" in page
    data = {f"verdict-{asked.papers[0].key}": "accept"}
    browser.submit(f"{case_page(asked)}/papers/review", data, page=case_page(asked))
    assert asked.state == "to_issue"


def test_the_request_is_refused_with_a_reason_that_the_citizen_reads(
    case: Any, asked: Any, at_desk: Any, log_in: LogIn
) -> None:
    browser = at_desk(asked.appointment.clerk)
    refuse = f"{case_page(asked)}/document/refuse"
    browser.submit(refuse, {"reason": ""}, page=case_page(asked))
    assert "Write the reason" in browser.get(case_page(asked)).text
    browser.submit(refuse, {"reason": "You are registered elsewhere."}, page=case_page(asked))
    assert asked.state == "refused"
    log_in(browser, case.citizen)
    assert "You are registered elsewhere." in browser.get(own_page(asked)).text


def test_the_desk_shows_what_waits_and_what_is_overdue(
    case: Any, asked: Any, at_desk: Any, clock: Traveller
) -> None:
    with transaction():
        asked.appointment.service.due_days = 20
    late = case.owed()
    clock.shift(timedelta(days=21))
    page = at_desk(asked.appointment.clerk).get("/staff/deliveries").text
    assert lint(page, "en") == []
    assert "Waiting for the citizen’s papers" in page
    assert page.count("Overdue") == 1
    assert page.index(late.protocol) < page.index("Overdue") < page.index(asked.protocol)
    assert "21 days ago" in page


def statements_of(browser: Any, address: str) -> int:
    asked = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert browser.get(address).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(asked)


@pytest.mark.parametrize("staff", [True, False])
def test_more_papers_cost_no_more_questions(case: Any, at_desk: Any, as_citizen: Any, staff: bool) -> None:
    one, many = case.owed(), case.owed()
    for request, count in ((one, 1), (many, 5)):
        with transaction():
            titles = [Bilingual(f"Έγγραφο {n}", f"Paper {n}") for n in range(count)]
            papers.ask_for(request, titles, request.appointment.clerk)
        sent_in(request, case)
    browser = at_desk(one.appointment.clerk) if staff else as_citizen()
    address = case_page if staff else own_page
    statements_of(browser, address(one))
    assert statements_of(browser, address(one)) == statements_of(browser, address(many))


@pytest.mark.parametrize("page", ["/staff/deliveries", "/appointments"])
def test_more_cases_cost_no_more_questions(
    case: Any, asked: Any, at_desk: Any, as_citizen: Any, page: str
) -> None:
    browser = at_desk(asked.appointment.clerk) if "staff" in page else as_citizen()
    statements_of(browser, page)
    few = statements_of(browser, page)
    for _ in range(3):
        request = case.owed()
        with transaction():
            papers.ask_for(request, [BIRTH], request.appointment.clerk)
    assert statements_of(browser, page) == few
