"""The life of a document: owed, issued, delivered. A state changes here and nowhere else.

Runs inside the caller's `transaction()`, as all lifecycles do. Each attempt to deliver is a row of its
own; a document that came back is sent again with a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from portal import audit, clock, events, outbox
from portal.appointments.models import Appointment, new_key
from portal.db import db, must_be_writing
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.files import StoredFile
from portal.people.models import Person
from portal.plugin_api import DocumentIssued, Receipt

REQUEST_TRANSITIONS = {
    ("to_issue", "issue"): "issued",
    ("to_issue", "withdraw"): "withdrawn",
    ("issued", "complete"): "completed",
}
DELIVERY_TRANSITIONS = {
    ("waiting", "prepared"): "prepared",
    ("waiting", "sent"): "sent",
    ("waiting", "delivered"): "delivered",
    ("waiting", "failed"): "failed",
    ("waiting", "cancelled"): "cancelled",
    ("prepared", "sent"): "sent",
    ("prepared", "delivered"): "delivered",
    ("prepared", "failed"): "failed",
    ("prepared", "cancelled"): "cancelled",
    ("sent", "delivered"): "delivered",
    ("sent", "returned"): "returned",
    ("sent", "failed"): "failed",
}
GIVE_UP_AFTER = timedelta(days=5)


class NotPossible(Exception):
    """The document or its delivery is in a state from which this cannot be done."""


def request_of(appointment: Appointment) -> DocumentRequest | None:
    """The document that the office owes for this appointment, if any."""
    return db.session.scalar(select(DocumentRequest).filter_by(appointment_id=appointment.id))


def ask(appointment: Appointment) -> DocumentRequest:
    """The call ended with a document to be issued."""
    must_be_writing()
    request = DocumentRequest(key=new_key(), appointment=appointment, state="to_issue")
    db.session.add(request)
    return request


def withdraw(request: DocumentRequest, actor: Person) -> None:
    """Nothing is issued after all."""
    _change_request(request, "withdraw")
    audit.record(actor.id, "document withdrawn", _subject(request))


def issue(request: DocumentRequest, stored: StoredFile, actor: Person, days: int) -> Delivery:
    """Add the issued file and send it on the way the citizen chose. It can be fetched for ``days``."""
    _change_request(request, "issue")
    expires_at = clock.now() + timedelta(days=days)
    request.document = IssuedDocument(
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        stored_as=stored.stored_as,
        added_by=actor.id,
        expires_at=expires_at,
    )
    db.session.flush()
    audit.record(actor.id, "document issued", _subject(request), sha256=stored.sha256)
    appointment = request.appointment
    delivery = deliver(request, appointment.delivery, appointment.recipient, actor)
    outbox.post(
        "document.forget",
        _subject(request),
        {"document_id": request.document.id},
        key=f"forget-{request.key}",
        due_at=expires_at,
        give_up_at=expires_at + timedelta(days=365),
    )
    events.publish(DocumentIssued(at=clock.now(), appointment=appointment.key, method=appointment.delivery))
    return delivery


def deliver(request: DocumentRequest, provider: str, recipient: Mapping[str, Any], actor: Person) -> Delivery:
    """Begin a new attempt with ``provider``; an open one before it is called off."""
    must_be_writing()
    if request.state != "issued":
        raise NotPossible(request.state)
    for earlier in request.deliveries:
        if (earlier.state, "cancelled") in DELIVERY_TRANSITIONS:
            _change_delivery(earlier, "cancelled")
    delivery = Delivery(
        provider=provider, key=f"{request.key}-{new_key(8)}", recipient=dict(recipient), state="waiting"
    )
    request.deliveries.append(delivery)
    db.session.flush()
    audit.record(actor.id, "delivery begun", _subject(request), provider=provider)
    outbox.post(
        "delivery.send",
        f"delivery:{delivery.id}",
        {"delivery_id": delivery.id},
        key=f"delivery-{delivery.key}",
        give_up_at=clock.now() + GIVE_UP_AFTER,
    )
    return delivery


def receipt_arrived(delivery: Delivery, receipt: Receipt) -> None:
    """The provider took the parcel. A receipt that is known already changes nothing."""
    must_be_writing()
    if delivery.state != "waiting":
        return
    _change_delivery(delivery, receipt.state)
    delivery.reference, delivery.code = receipt.reference[:60], receipt.code or ""
    delivery.tracking_url, delivery.data = receipt.tracking_url or "", dict(receipt.data)


def handed_over(delivery: Delivery, actor: Person) -> None:
    """The recipient has the document in his hands."""
    _change_delivery(delivery, "delivered")
    audit.record(actor.id, "document handed over", _subject(delivery.request))


def opened(request: DocumentRequest, person: Person | None) -> None:
    """The citizen fetched the document by himself: whatever was sent has arrived."""
    must_be_writing()
    audit.record(person.id if person else None, "document opened", _subject(request))
    for delivery in request.deliveries:
        if delivery.state == "sent":
            _change_delivery(delivery, "delivered")


def failed(delivery: Delivery, reason: str) -> None:
    """This attempt did not work; the staff choose another way."""
    must_be_writing()
    if (delivery.state, "failed") not in DELIVERY_TRANSITIONS:
        return
    _change_delivery(delivery, "failed")
    delivery.last_error = reason
    audit.record(None, "delivery failed", _subject(delivery.request), provider=delivery.provider)


def current_delivery(request: DocumentRequest) -> Delivery | None:
    """The attempt that counts: the newest one."""
    return request.deliveries[-1] if request.deliveries else None


def _change_request(request: DocumentRequest, event: str) -> None:
    must_be_writing()
    db.session.refresh(request, with_for_update=True)
    following = REQUEST_TRANSITIONS.get((request.state, event))
    if following is None:
        raise NotPossible(request.state)
    request.state = following


def _change_delivery(delivery: Delivery, state: str) -> None:
    must_be_writing()
    if (delivery.state, state) not in DELIVERY_TRANSITIONS:
        raise NotPossible(delivery.state)
    delivery.state, delivery.changed_at = state, clock.now()
    if state == "delivered" and delivery.request.state == "issued":
        delivery.request.state = "completed"


def _subject(request: DocumentRequest) -> str:
    return f"appointment:{request.appointment_id}"
