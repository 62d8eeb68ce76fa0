"""The life of a case: begun, issued or refused or withdrawn, taken back, read by the citizen.

Runs inside the caller's `transaction()`, as all lifecycles do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from portal import audit, clock, events, outbox
from portal.appointments.models import Appointment, new_key
from portal.certificates import verification
from portal.db import db, must_be_writing
from portal.documents import case_notices, protocol
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Way
from portal.documents.delivering.recipients import is_on_paper
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.documents.states import (
    DELIVERY_TRANSITIONS,
    NotPossible,
    cancel,
    change_delivery,
    change_request,
    subject,
)
from portal.files import StoredFile
from portal.people.models import Person
from portal.plugin_api import DocumentIssued, RecipientField
from portal.providers import current_providers

FORGET_UNTIL = timedelta(days=365)
"""Erasing is tried for so long: a store that is away must not leave a document behind."""
LIES_IN_PORTAL = ("waiting", "sent", "failed")
"""So stands a delivery whose document its owner can open in the portal and has not opened."""


def request_of(appointment: Appointment) -> DocumentRequest | None:
    """The document that the office owes for this appointment, if any."""
    return db.session.scalar(select(DocumentRequest).filter_by(appointment_id=appointment.id))


def ask(appointment: Appointment) -> DocumentRequest:
    """The call ended with a document to be issued."""
    must_be_writing()
    request = DocumentRequest(key=new_key(), appointment=appointment, state="to_issue")
    with db.session.no_autoflush:
        protocol.enter(request)
    db.session.add(request)
    audit.record(None, "document asked", subject(request), protocol=request.protocol)
    db.session.flush()
    case_notices.tell(request, "case_opened")
    return request


def withdraw(request: DocumentRequest, actor: Person) -> None:
    """Nothing is issued after all: so says the citizen, or the office because he needs it no more."""
    change_request(request, "withdraw")
    audit.record(actor.id, "document withdrawn", subject(request))
    case_notices.tell(request, "case_withdrawn")


def issue(
    request: DocumentRequest,
    stored: StoredFile,
    actor: Person,
    days: int,
    instead: Way | None = None,
    event: str = "issue",
) -> Delivery:
    """Add the issued file and send it the way the citizen chose, or ``instead`` of it another way.

    It can be fetched for ``days``. ``event`` is how it came here: alone, by approval, or from the seal.
    """
    if event == "issue" and request.appointment.service.approval:
        raise NotPossible("a second person must approve")
    change_request(request, event)
    document = IssuedDocument(
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        stored_as=stored.stored_as,
        added_by=actor.id,
        expires_at=clock.now() + timedelta(days=days),
    )
    request.document = document
    db.session.flush()
    audit.record(actor.id, "document issued", subject(request), sha256=stored.sha256)
    appointment = request.appointment
    way = instead or Way(appointment.delivery, appointment.recipient)
    delivery = deliveries.begin(request, way, actor)
    _post_forgetting(document, document.expires_at)
    events.publish(DocumentIssued(at=clock.now(), appointment=appointment.key, method=way.provider))
    return delivery


def take_back(request: DocumentRequest, actor: Person) -> str:
    """The file was the wrong one: nobody can fetch it any more, and the right one can be added.

    The answer is the name of the file in the store, for the caller to erase after the commit.
    """
    change_request(request, "take_back")
    document = request.document
    if document is None:
        raise NotPossible(request.state)
    for delivery in request.deliveries:
        if (delivery.state, "cancel") in DELIVERY_TRANSITIONS:
            cancel(delivery)
    outbox.cancel(_file_subject(document))
    stored_as, sha256 = document.stored_as, document.sha256
    if document.verification:
        verification.revoke(document.verification)
    db.session.delete(document)
    db.session.flush()
    db.session.expire(request, ["document"])
    audit.record(actor.id, "document taken back", subject(request), sha256=sha256)
    return stored_as


def opened(request: DocumentRequest, person: Person | None) -> None:
    """The citizen fetched the document by himself (``person`` None: with a one-time code).

    What was sent to him has arrived, even if the mail with the link came back, and what lies for him in the
    portal, even if he was not told of it or came late. What waits to be collected, or travels, on paper
    still does.
    """
    must_be_writing()
    if request.document is not None and request.document.opened_at is None:
        request.document.opened_at = clock.now()
    audit.record(person.id if person else None, "document opened", subject(request))
    for delivery in request.deliveries:
        if _arrives_by_opening(delivery):
            change_delivery(delivery, "arrive")


def erase_now(document: IssuedDocument) -> None:
    """Have the file erased before its time."""
    outbox.cancel(_file_subject(document))
    _post_forgetting(document, clock.now(), "-now")


def _arrives_by_opening(delivery: Delivery) -> bool:
    if current_providers().keeps(delivery.provider):
        return delivery.state in LIES_IN_PORTAL
    came_by_mail = delivery.state == "failed" and RecipientField.EMAIL in delivery.recipient
    return came_by_mail or (delivery.state == "sent" and not is_on_paper(delivery.recipient))


def _post_forgetting(document: IssuedDocument, due_at: datetime, when: str = "") -> None:
    outbox.post(
        "document.forget",
        _file_subject(document),
        {"document_id": document.id},
        key=f"forget-{document.stored_as}{when}",
        due_at=due_at,
        give_up_at=due_at + FORGET_UNTIL,
    )


def _file_subject(document: IssuedDocument) -> str:
    return f"file:{document.stored_as}"
