"""Messages about a case: what follows from each step that matters to the citizen, once for each step.

A message tells of one version of the case. If the case has moved on before it is sent, it is not sent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from portal import clock, mail, outbox
from portal.appointments.links import page_address
from portal.db import db, must_be_writing
from portal.documents.models import DocumentRequest

GIVE_UP_AFTER = timedelta(days=1)

TITLES = {
    "case_opened": _l("Your request has been registered"),
    "papers_asked": _l("The office needs papers from you"),
    "papers_received": _l("We have your papers"),
    "case_refused": _l("Your request has been refused"),
    "case_reopened": _l("Your request is looked at again"),
    "case_withdrawn": _l("Your request has been withdrawn"),
}
OPENINGS = {
    "case_opened": _l("The office is preparing your document. You get a message as soon as it is ready."),
    "papers_asked": _l("Your document cannot be issued yet. Please send the office these papers:"),
    "papers_received": _l("It is the office’s turn now: a clerk looks at them. You need not do anything."),
    "case_refused": _l("The office cannot issue the document. The reason:"),
    "case_reopened": _l("The office has taken its refusal back. You get a message as soon as there is news."),
    "case_withdrawn": _l("No document is issued, and the papers that you sent are erased."),
}
"""The first sentence of each message."""


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


def tell(request: DocumentRequest, notice: str) -> None:
    """Post a message about the present version of the case, if there is an address."""
    must_be_writing()
    if not request.appointment.email:
        return
    outbox.post(
        "case.notice",
        f"case:{request.id}",
        {"request_id": request.id, "notice": notice, "version": request.version},
        key=f"{notice}-{request.key}-v{request.version}",
        give_up_at=clock.now() + GIVE_UP_AFTER,
    )


@outbox.job("case.notice", queue="mail")
def send(request_id: int, notice: str, version: int) -> None:
    """Send one message, if the case still stands where the message says."""
    request = db.session.get(DocumentRequest, request_id)
    if request is None or request.version != version:
        return
    appointment = request.appointment
    key = f"{notice}-{request.key}-v{version}"
    mail.send(key, appointment.email, appointment.language, "notices/case", _values(request, notice))


def _values(request: DocumentRequest, notice: str) -> dict[str, Any]:
    appointment = request.appointment
    return {
        "document_request": request,
        "notice": notice,
        "title": TITLES[notice],
        "opening": OPENINGS[notice],
        "wanted": [paper for paper in request.papers if paper.state in ("asked", "refused")],
        "appointment": appointment,
        "service": appointment.service,
        "office": appointment.office,
        "has_page": appointment.citizen_id is not None,
        "page_url": page_address("citizen.appointment", key=appointment.key),
        "municipality": current_app.config["PORTAL"].municipality,
    }
