"""The life of a case: its number, its papers, its decision, and what the citizen is told at each step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal import clock as portal_clock
from portal import files
from portal.audit import AuditLine
from portal.db import Bilingual, db, transaction
from portal.documents import lifecycle
from portal.documents.models import SentPaper
from portal.documents.papers import kept_papers
from portal.documents.papers import lifecycle as papers
from portal.documents.papers.lifecycle import TooManyFiles, Verdict
from portal.documents.states import NotPossible

BIRTH = Bilingual("Ληξιαρχική πράξη", "Birth act")
RENT = Bilingual("Μισθωτήριο", "Lease")


def do(change: Callable[..., Any], *about: Any) -> Any:
    with transaction():
        return change(*about)


def clerk_of(request: Any) -> Any:
    return request.appointment.clerk


@pytest.fixture
def asked(case: Any) -> Any:
    """A case for which two papers are missing."""
    request = case.owed()
    do(papers.ask_for, request, [BIRTH, RENT], clerk_of(request))
    return request


def send(case: Any, paper: Any, name: str = "photo.png") -> SentPaper:
    return do(papers.receive, paper, files.store(name, b"a picture", "image/png"), case.citizen)


def send_all(case: Any, request: Any) -> list[SentPaper]:
    return [send(case, paper) for paper in request.papers]


def states(request: Any) -> list[str]:
    return [paper.state for paper in request.papers]


def deeds() -> list[str]:
    return list(db.session.scalars(select(AuditLine.deed).order_by(AuditLine.id)))


def subjects(case: Any) -> list[str]:
    """Subjects of the mails about cases, newest first."""
    return [letter.subject for letter in case.letters()]


def kept(case: Any) -> set[str]:
    folder = case.app.config["PORTAL"].instance / "documents"
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


# --- Number and due date ---------------------------------------------------------------------------------


def test_cases_of_an_office_are_numbered_one_after_the_other(case: Any) -> None:
    first, second = case.owed(), case.owed()
    assert first.appointment.office_id == second.appointment.office_id
    assert [first.number, second.number] == [1, 2]
    assert first.protocol == f"{first.series} 1/2026"


def test_the_series_is_that_of_the_office_or_its_key(case: Any) -> None:
    office = case.owed().appointment.office
    with transaction():
        office.protocol_series = "ΚΕΠ-Δ"
    assert case.owed().protocol == "ΚΕΠ-Δ 1/2026"
    with transaction():
        office.protocol_series = ""
    assert case.owed().series == office.key.upper()


def test_a_case_that_was_not_written_leaves_no_hole(case: Any) -> None:
    first = case.owed()
    appointment = case.owed().appointment
    with transaction():
        db.session.delete(lifecycle.request_of(appointment))
    with pytest.raises(ZeroDivisionError), transaction():
        assert lifecycle.ask(appointment).number == 3
        raise ZeroDivisionError
    assert do(lifecycle.ask, appointment).number == 3
    assert first.number == 1


def test_the_year_is_that_of_the_offices_clock(case: Any, clock: Traveller) -> None:
    appointment = case.owed().appointment
    with transaction():
        db.session.delete(lifecycle.request_of(appointment))
    clock.move_to(datetime(2026, 12, 31, 21, 59, tzinfo=UTC))
    with transaction():
        old = lifecycle.ask(appointment)
        assert (old.year, old.number) == (2026, 2)
        db.session.delete(old)
    clock.move_to(datetime(2026, 12, 31, 22, 1, tzinfo=UTC))
    new = do(lifecycle.ask, appointment)
    assert (new.year, new.number) == (2027, 1), "in Athens it is New Year"
    assert new.due_on == date(2027, 2, 20)


def test_the_number_stays_when_the_document_is_taken_back(case: Any) -> None:
    request = case.issued()
    before = request.protocol
    do(lifecycle.take_back, request, clerk_of(request))
    assert (request.protocol, request.decision, request.decided_at) == (before, "", None)


def test_a_service_may_have_a_time_limit_of_its_own(case: Any) -> None:
    request = case.owed()
    opened = request.created_at.date()
    assert request.due_on - opened == timedelta(days=50)
    with transaction():
        request.appointment.service.due_days = 10
    assert case.owed().due_on - opened == timedelta(days=10)


# --- Papers ----------------------------------------------------------------------------------------------


def test_a_case_goes_round_by_its_papers(case: Any, asked: Any) -> None:
    assert (asked.state, states(asked)) == ("needs_papers", ["asked", "asked"])
    send(case, asked.papers[0])
    assert (asked.state, states(asked)) == ("needs_papers", ["sent", "asked"])
    send(case, asked.papers[1])
    assert asked.state == "in_review"
    first, second = asked.papers
    do(
        papers.review,
        asked,
        {first.id: Verdict(True), second.id: Verdict(False, "Unsigned")},
        clerk_of(asked),
    )
    assert (asked.state, states(asked)) == ("needs_papers", ["accepted", "refused"])
    assert (second.reason, second.files[0].state) == ("Unsigned", "refused")
    send(case, second)
    do(papers.review, asked, {second.id: Verdict(True)}, clerk_of(asked))
    assert (asked.state, states(asked)) == ("to_issue", ["accepted", "accepted"])
    assert [file.state for file in second.files] == ["refused", "accepted"]
    told = set(deeds())
    assert {"papers asked", "paper sent", "papers complete", "paper refused", "paper accepted"} <= told


def test_each_step_is_told_once(case: Any, asked: Any) -> None:
    case.work()
    assert subjects(case) == [f"Η υπηρεσία χρειάζεται δικαιολογητικά από εσάς: {asked.protocol}"], (
        "the rest is overtaken"
    )
    send_all(case, asked)
    case.work()
    assert len(subjects(case)) == 2
    do(papers.refuse, asked, "Δεν είστε δημότης.", clerk_of(asked))
    case.work()
    case.work()
    assert len(subjects(case)) == 3
    assert "Δεν είστε δημότης." in case.letters()[0].text


def test_a_new_case_is_told_with_its_number(case: Any) -> None:
    request = case.owed()
    case.work()
    assert [request.protocol in subject for subject in subjects(case)] == [True]


def test_the_letter_names_the_papers_and_why_one_was_refused(case: Any, asked: Any) -> None:
    send_all(case, asked)
    first, second = asked.papers
    do(
        papers.review,
        asked,
        {first.id: Verdict(True), second.id: Verdict(False, "Λείπει η υπογραφή")},
        clerk_of(asked),
    )
    case.work()
    letter = case.letters()[0].text
    assert "Μισθωτήριο" in letter
    assert "Λείπει η υπογραφή" in letter
    assert "Ληξιαρχική" not in letter


def test_the_same_paper_is_not_asked_for_twice(asked: Any) -> None:
    do(papers.ask_for, asked, [BIRTH], clerk_of(asked))
    assert states(asked) == ["asked", "asked"]


def test_the_office_may_go_on_without_the_rest(case: Any, asked: Any) -> None:
    send(case, asked.papers[0])
    do(papers.go_on, asked, clerk_of(asked))
    assert (asked.state, states(asked)) == ("to_issue", ["accepted", "waived"])


def test_a_file_can_be_taken_back_until_it_is_accepted(case: Any, asked: Any) -> None:
    sent = send_all(case, asked)
    files.forget(do(papers.take_back, sent[0], case.citizen))
    assert (asked.state, states(asked)) == ("needs_papers", ["asked", "sent"])
    assert kept(case) == {sent[1].stored_as}
    do(papers.review, asked, {asked.papers[1].id: Verdict(True)}, clerk_of(asked))
    with pytest.raises(NotPossible):
        do(papers.take_back, sent[1], case.citizen)


def test_pages_can_be_added_while_nobody_has_decided(case: Any, asked: Any) -> None:
    send_all(case, asked)
    send(case, asked.papers[0])
    assert asked.state == "in_review"
    assert len(asked.papers[0].files) == 2


def test_a_paper_takes_a_limited_number_of_files(case: Any, asked: Any) -> None:
    for _ in range(papers.MOST_FILES):
        send(case, asked.papers[0])
    with pytest.raises(TooManyFiles):
        send(case, asked.papers[0])


def test_nothing_can_be_sent_when_nothing_is_asked_for(case: Any, asked: Any) -> None:
    send_all(case, asked)
    do(papers.go_on, asked, clerk_of(asked))
    with pytest.raises(NotPossible):
        send(case, asked.papers[0])


def test_a_paper_that_nobody_has_sent_cannot_be_judged(asked: Any) -> None:
    with pytest.raises(NotPossible):
        do(papers.review, asked, {asked.papers[0].id: Verdict(True)}, clerk_of(asked))


# --- The end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["refuse", "withdraw"])
@pytest.mark.parametrize("state", ["to_issue", "needs_papers", "in_review"])
def test_a_case_can_end_without_a_document_until_it_is_issued(case: Any, state: str, end: str) -> None:
    request = case.owed()
    if state != "to_issue":
        do(papers.ask_for, request, [BIRTH], clerk_of(request))
    if state == "in_review":
        send_all(case, request)
    assert request.state == state
    if end == "refuse":
        do(papers.refuse, request, "No right to it", clerk_of(request))
        assert (request.state, request.decision, request.reason) == ("refused", "refused", "No right to it")
        assert request.decided_at == portal_clock.now()
    else:
        do(lifecycle.withdraw, request, case.citizen)
        assert (request.state, request.decision) == ("withdrawn", "")
    with pytest.raises(NotPossible):
        do(papers.ask_for, request, [BIRTH], clerk_of(request))


def test_a_refusal_can_be_taken_back_and_the_citizen_reads_it(
    case: Any, asked: Any, clock: Traveller
) -> None:
    send_all(case, asked)
    do(papers.refuse, asked, "Not your own act", clerk_of(asked))
    case.work()
    do(papers.reopen, asked, clerk_of(asked))
    assert (asked.state, asked.decision, asked.decided_at, asked.reason) == ("to_issue", "", None, "")
    case.work()
    assert subjects(case)[0].startswith("Το αίτημά σας επανεξετάζεται")
    assert {"request refused", "refusal taken back"} <= set(deeds())
    clock.shift(timedelta(days=31))
    case.work()
    assert len(kept(case)) == 2, "the papers are needed again"
    with pytest.raises(NotPossible):
        do(papers.reopen, asked, clerk_of(asked))


def test_an_issued_document_is_a_decision(case: Any) -> None:
    request = case.issued()
    assert (request.decision, request.decided_at) == ("granted", portal_clock.now())
    with pytest.raises(NotPossible):
        do(papers.refuse, request, "Too late", clerk_of(request))


def test_papers_of_a_withdrawn_request_go_at_once(case: Any, asked: Any) -> None:
    send_all(case, asked)
    do(lifecycle.withdraw, asked, case.citizen)
    case.work()
    assert kept(case) == set()
    assert all(file.erased_at and not file.filename for paper in asked.papers for file in paper.files)
    assert "papers erased" in deeds()


def test_papers_of_a_refused_request_stay_for_their_time(case: Any, asked: Any, clock: Traveller) -> None:
    send_all(case, asked)
    do(papers.refuse, asked, "No", clerk_of(asked))
    case.work()
    clock.shift(timedelta(days=29))
    case.work()
    assert len(kept(case)) == 2
    clock.shift(timedelta(days=1, seconds=1))
    case.work()
    assert kept(case) == set()


def test_a_document_that_is_taken_back_keeps_the_papers(
    case: Any, asked: Any, clock: Traveller, make_pdf: Any
) -> None:
    send_all(case, asked)
    do(papers.go_on, asked, clerk_of(asked))
    stored = files.store_pdf("a.pdf", make_pdf())
    do(lifecycle.issue, asked, stored, clerk_of(asked), 30)
    files.forget(do(lifecycle.take_back, asked, clerk_of(asked)))
    clock.shift(timedelta(days=60))
    case.work()
    kept_papers.sweep()
    assert len(kept(case)) == 2


def test_the_sweep_spares_papers_and_takes_what_nobody_names(case: Any, asked: Any, clock: Traveller) -> None:
    send_all(case, asked)
    orphan = files.store("left.png", b"a picture", "image/png").stored_as
    clock.shift(timedelta(days=40))
    kept_papers.sweep()
    assert len(kept(case)) == 2
    assert orphan not in kept(case)


def test_a_case_can_be_opened_after_the_call_for_who_was_identified(case: Any) -> None:
    appointment = case.owed().appointment
    with transaction():
        db.session.delete(lifecycle.request_of(appointment))
    with pytest.raises(NotPossible):
        do(papers.open_case, appointment, appointment.clerk)
    from portal.appointments.models import IdentityCheck

    with transaction():
        appointment.identity_check = IdentityCheck(
            whom="citizen",
            paper="id_card",
            paper_shown=True,
            face_matches=True,
            name_matches=True,
            identified=True,
            clerk_id=appointment.clerk_id,
            checked_at=portal_clock.now(),
        )
    request = do(papers.open_case, appointment, appointment.clerk)
    assert request.state == "to_issue"
    with pytest.raises(NotPossible):
        do(papers.open_case, appointment, appointment.clerk)
