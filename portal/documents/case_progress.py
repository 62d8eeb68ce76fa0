"""Where a case stands before a document is issued, in words for the citizen and for the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock
from portal.documents.models import AskedPaper, DocumentRequest
from portal.documents.papers.lifecycle import OPEN, OPEN_FOR_FILES, UNDECIDED, WAITING, is_full
from portal.i18n import short_date, wall_clock, weekday_date

CASE_STATES: dict[str, tuple[LazyString, str]] = {
    "to_issue": (_l("To be issued"), "yellow"),
    "needs_papers": (_l("Waiting for the citizen’s papers"), "blue"),
    "in_review": (_l("Papers to be looked at"), "yellow"),
    "to_approve": (_l("To be approved"), "yellow"),
    "to_seal": (_l("Being sealed"), "yellow"),
    "issued": (_l("Issued"), "green"),
    "completed": (_l("Received"), "green"),
    "refused": (_l("Refused"), "red"),
    "withdrawn": (_l("Withdrawn"), "grey"),
}
"""Name and colour of each state of a case, for the staff."""

PAPER_STATES: dict[str, tuple[LazyString, str]] = {
    "asked": (_l("Missing"), "yellow"),
    "sent": (_l("Sent, the office is looking at it"), "blue"),
    "accepted": (_l("Accepted"), "green"),
    "refused": (_l("Not accepted: send it again"), "red"),
    "waived": (_l("Not needed any more"), "grey"),
}


@dataclass(frozen=True)
class Step:
    """One entry of the timeline. ``state`` is ``done``, ``current``, ``ahead`` or ``problem``."""

    title: str
    state: str
    when: str = ""
    text: str = ""


def moment(instant: datetime, zone: str) -> str:
    """Day and hour on the office's wall clock."""
    return f"{short_date(instant, zone)}, {wall_clock(instant, zone)}"


def open_steps(request: DocumentRequest) -> list[Step]:
    """The way of a case that is not decided yet, or that ended without a document."""
    registered = Step(_("Your request is registered"), "done", _asked(request), request.protocol)
    if request.state == "withdrawn":
        return [registered, Step(_("The office does not issue a document after all"), "problem")]
    if request.state == "refused":
        when = moment(request.decided_at, _zone(request)) if request.decided_at else ""
        return [registered, Step(_("The office has refused the request"), "problem", when, request.reason)]
    return [registered, *_waiting_steps(request), Step(_("Document received"), "ahead")]


def _waiting_steps(request: DocumentRequest) -> list[Step]:
    decided = _("The office decides by %(day)s.", day=due_day(request))
    if request.state == "needs_papers":
        return [
            Step(
                _("Papers are missing"),
                "current",
                "",
                _("Send them below, and the office will continue."),
            ),
            Step(_("Document issued"), "ahead", "", decided),
        ]
    if request.state == "in_review":
        title, words = _("The office is looking at your papers"), _("You do not have to do anything now.")
        return [Step(title, "current", "", words), Step(_("Document issued"), "ahead", "", decided)]
    return [
        Step(_("The office is preparing your document"), "current", "", decided),
        Step(_("Document issued"), "ahead"),
    ]


def next_step(request: DocumentRequest) -> str:
    """What happens next, and who has to do it; empty where the page says so otherwise."""
    comes = _("It is the office’s turn. We will write to you as soon as the document is issued.")
    words = {
        "needs_papers": _("It is your turn: send the missing papers. We will write when we have them."),
        "in_review": _(
            "It is the office’s turn. We will write to you if something is missing, or when it is issued."
        ),
        "to_issue": comes,
        "to_approve": comes,
        "to_seal": comes,
        "refused": _("If you do not agree or have a question, call %(phone)s.", phone=_phone(request)),
        "withdrawn": _("If you need the document after all, book an appointment."),
    }
    return words.get(request.state, "")


def due_day(request: DocumentRequest) -> str:
    """The day by which the case is to be decided."""
    return weekday_date(request.due_on, _zone(request))


def is_overdue(request: DocumentRequest) -> bool:
    """The office should have decided by now."""
    return request.state in OPEN and request.due_on < _today(request)


def days_waiting(request: DocumentRequest) -> int:
    """How many days the case has been open."""
    return (_today(request) - request.created_at.astimezone(ZoneInfo(_zone(request))).date()).days


def takes_files(paper: AskedPaper) -> bool:
    """The citizen can send a file for this paper now."""
    return paper.request.state in WAITING and paper.state in OPEN_FOR_FILES and not is_full(paper)


def words() -> dict[str, object]:
    """What templates need of this module."""
    return {
        "case_states": CASE_STATES,
        "paper_states": PAPER_STATES,
        "due_day": due_day,
        "is_overdue": is_overdue,
        "days_waiting": days_waiting,
        "next_step": next_step,
        "takes_files": takes_files,
        "undecided": UNDECIDED,
        "open_cases": OPEN,
        "waiting_for_papers": WAITING,
    }


def _asked(request: DocumentRequest) -> str:
    return moment(request.created_at, _zone(request))


def _zone(request: DocumentRequest) -> str:
    return request.appointment.office.time_zone


def _phone(request: DocumentRequest) -> str:
    return request.appointment.office.phone


def _today(request: DocumentRequest) -> date:
    return clock.now().astimezone(ZoneInfo(_zone(request))).date()
