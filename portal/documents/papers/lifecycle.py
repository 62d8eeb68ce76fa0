"""The papers of a case: asked for, sent, looked at; and the decision that there is no document.

Runs inside the caller's `transaction()`. The states of the case itself change in `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal import audit
from portal.appointments.models import Appointment
from portal.db import Bilingual, db, must_be_writing
from portal.documents import case_notices, lifecycle, states
from portal.documents.models import AskedPaper, DocumentRequest, SentPaper
from portal.documents.states import NotPossible, subject
from portal.files import StoredFile
from portal.people.models import Person

MOST_PAPERS = 30
MOST_FILES = 10
"""So many files can be sent for one paper: its pages, photographed one by one."""
WANTED = ("asked", "refused")
"""The citizen must send such a paper, or send it anew."""
OPEN_FOR_FILES = (*WANTED, "sent")
WAITING = ("needs_papers", "in_review")
"""States of a case in which the citizen can add papers and take them back."""
UNDECIDED = ("to_issue", *WAITING)
OPEN = (*UNDECIDED, "to_approve", "to_seal")
"""The office owes something; in the last two a finished document waits for a colleague or the seal."""


class TooManyFiles(Exception):
    """There are as many files for this paper as there may be."""


@dataclass(frozen=True)
class Verdict:
    """What the clerk says of one paper; the reason is for the citizen."""

    accepted: bool
    reason: str = ""


def open_case(appointment: Appointment, actor: Person) -> DocumentRequest:
    """After the call it turned out that a document is to be issued, for somebody who was identified."""
    must_be_writing()
    db.session.refresh(appointment, with_for_update=True)
    if not may_open_case(appointment):
        raise NotPossible(appointment.state)
    request = lifecycle.ask(appointment)
    audit.record(actor.id, "case opened", subject(request))
    return request


def may_open_case(appointment: Appointment) -> bool:
    """The call is over, somebody was identified, the service issues something, and there is no case yet."""
    check = appointment.identity_check
    return (
        appointment.state == "done"
        and check is not None
        and check.identified
        and bool(appointment.service.deliveries)
        and lifecycle.request_of(appointment) is None
    )


def ask_for(request: DocumentRequest, titles: Sequence[Bilingual], actor: Person) -> None:
    """Ask the citizen for these papers, beside those that he was asked for before."""
    states.change_request(request, "ask_papers")
    wanted = {(paper.title.el, paper.title.en) for paper in request.papers if paper.state in WANTED}
    new = [title for title in titles if (title.el, title.en) not in wanted]
    if len(request.papers) + len(new) > MOST_PAPERS or not titles:
        raise NotPossible(request.state)
    request.papers += [AskedPaper(title=title) for title in new]
    audit.record(actor.id, "papers asked", subject(request), papers=len(titles))
    db.session.flush()
    case_notices.tell(request, "papers_asked")


def receive(paper: AskedPaper, stored: StoredFile, actor: Person) -> SentPaper:
    """The citizen has sent a file. When the last paper is there, it is the office's turn."""
    _expect(paper, OPEN_FOR_FILES)
    if is_full(paper):
        raise TooManyFiles
    file = SentPaper(
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        stored_as=stored.stored_as,
        sent_by=actor.id,
    )
    paper.files.append(file)
    paper.state = "sent"
    audit.record(actor.id, "paper sent", subject(paper.request), paper=paper.id)
    db.session.flush()
    _papers_in(paper.request)
    return file


def is_full(paper: AskedPaper) -> bool:
    """Nothing can be added; files that were refused do not count."""
    return sum(file.state == "sent" for file in paper.files) >= MOST_FILES


def take_back(file: SentPaper, actor: Person) -> str:
    """Take a file back that was not accepted. The answer is its name in the store, to be erased."""
    paper = file.paper
    _expect(paper, OPEN_FOR_FILES)
    if file.state == "accepted" or file.erased_at:
        raise NotPossible(paper.request.state)
    stored_as = file.stored_as
    paper.files.remove(file)
    db.session.delete(file)
    audit.record(actor.id, "paper taken back", subject(paper.request), paper=paper.id)
    if paper.state == "sent" and not any(left.state == "sent" for left in paper.files):
        paper.state = "refused" if paper.reason else "asked"
        if paper.request.state == "in_review":
            states.change_request(paper.request, "take_paper_back")
    return stored_as


def review(request: DocumentRequest, verdicts: Mapping[int, Verdict], actor: Person) -> None:
    """Keep what the clerk says of papers that were sent. One that is refused is asked for anew."""
    _lock(request)
    if request.state not in WAITING:
        raise NotPossible(request.state)
    judged = [paper for paper in request.papers if paper.id in verdicts]
    if any(paper.state != "sent" for paper in judged):
        raise NotPossible(request.state)
    for paper in judged:
        _judge(paper, verdicts[paper.id], actor)
    db.session.flush()
    if any(paper.state == "refused" for paper in judged):
        states.change_request(request, "ask_papers")
        case_notices.tell(request, "papers_asked")
    elif all(paper.state in ("accepted", "waived") for paper in request.papers):
        states.change_request(request, "go_on")


def go_on(request: DocumentRequest, actor: Person) -> None:
    """What is there is enough: the office does not wait for the rest."""
    states.change_request(request, "go_on")
    for paper in request.papers:
        if paper.state == "sent":
            _judge(paper, Verdict(accepted=True), actor)
        elif paper.state in WANTED:
            paper.state = "waived"
    audit.record(actor.id, "papers not needed", subject(request))


def refuse(request: DocumentRequest, reason: str, actor: Person) -> None:
    """The office decides that there is no document, and says why."""
    states.change_request(request, "refuse")
    request.reason = reason
    audit.record(actor.id, "request refused", subject(request))
    case_notices.tell(request, "case_refused")


def reopen(request: DocumentRequest, actor: Person) -> None:
    """The refusal was a mistake, or the citizen's objection was right: the case is undecided again."""
    states.change_request(request, "reopen")
    request.reason = ""
    audit.record(actor.id, "refusal taken back", subject(request))
    case_notices.tell(request, "case_reopened")


def read(file: SentPaper, actor: Person) -> None:
    """A clerk opened the file."""
    must_be_writing()
    audit.record(actor.id, "paper read", subject(file.paper.request), paper=file.paper_id)


def _papers_in(request: DocumentRequest) -> None:
    if request.state == "needs_papers" and not any(paper.state in WANTED for paper in request.papers):
        states.change_request(request, "papers_in")
        audit.record(None, "papers complete", subject(request))
        case_notices.tell(request, "papers_received")


def _judge(paper: AskedPaper, verdict: Verdict, actor: Person) -> None:
    paper.state = "accepted" if verdict.accepted else "refused"
    paper.reason = "" if verdict.accepted else verdict.reason
    for file in paper.files:
        if file.state == "sent":
            file.state = paper.state
    if verdict.accepted:
        audit.record(actor.id, "paper accepted", subject(paper.request), paper=paper.id)
    else:
        audit.record(actor.id, "paper refused", subject(paper.request), paper=paper.id)


def _expect(paper: AskedPaper, states: Sequence[str]) -> None:
    """The case waits for papers, and this one is in one of ``states``."""
    _lock(paper.request)
    db.session.refresh(paper)
    if paper.request.state not in WAITING or paper.state not in states:
        raise NotPossible(paper.request.state)


def _lock(request: DocumentRequest) -> None:
    """Of two deeds at the same moment the second sees what the first has made."""
    must_be_writing()
    db.session.flush()
    db.session.refresh(request, with_for_update=True)
    db.session.expire(request, ["papers"])
