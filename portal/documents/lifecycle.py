"""The life of a document: owed, issued, delivered. A state changes here and nowhere else.

Runs inside the caller's `transaction()`, as all lifecycles do. Each attempt to deliver is a row of its
own: a parcel that came back is followed by a new attempt, the old one stays as it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal import audit, clock, events, outbox
from portal.appointments.models import Appointment, new_key
from portal.certificates import verification
from portal.db import db, must_be_writing
from portal.documents import case_notices, protocol
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.documents.papers import kept_papers
from portal.files import StoredFile
from portal.people.models import Person
from portal.plugin_api import DocumentIssued, Receipt, RecipientField

REQUEST_TRANSITIONS = {
    ("to_issue", "ask_papers"): "needs_papers",
    ("to_issue", "issue"): "issued",
    ("to_issue", "refuse"): "refused",
    ("to_issue", "withdraw"): "withdrawn",
    ("needs_papers", "ask_papers"): "needs_papers",
    ("needs_papers", "papers_in"): "in_review",
    ("needs_papers", "go_on"): "to_issue",
    ("needs_papers", "refuse"): "refused",
    ("needs_papers", "withdraw"): "withdrawn",
    ("in_review", "ask_papers"): "needs_papers",
    ("in_review", "take_paper_back"): "needs_papers",
    ("in_review", "go_on"): "to_issue",
    ("in_review", "refuse"): "refused",
    ("in_review", "withdraw"): "withdrawn",
    ("to_issue", "prepare"): "to_approve",
    ("to_issue", "order_seal"): "to_seal",
    ("to_approve", "approve"): "issued",
    ("to_approve", "order_seal"): "to_seal",
    ("to_approve", "send_back"): "to_issue",
    ("to_approve", "call_back"): "to_issue",
    ("to_seal", "seal"): "issued",
    ("to_seal", "call_back"): "to_issue",
    ("issued", "complete"): "completed",
    ("issued", "take_back"): "to_issue",
    ("completed", "take_back"): "to_issue",
}
DECISIONS = {
    "issue": "granted",
    "approve": "granted",
    "seal": "granted",
    "refuse": "refused",
    "take_back": "",
}
"""What an event decides; a document that was taken back leaves the case undecided again."""
DELIVERY_TRANSITIONS = {
    ("waiting", "prepare"): "prepared",
    ("waiting", "send"): "sent",
    ("waiting", "arrive"): "delivered",
    ("waiting", "fail"): "failed",
    ("waiting", "cancel"): "cancelled",
    ("prepared", "hand_over"): "delivered",
    ("prepared", "send"): "sent",
    ("prepared", "arrive"): "delivered",
    ("prepared", "come_back"): "returned",
    ("prepared", "fail"): "failed",
    ("prepared", "cancel"): "cancelled",
    ("sent", "arrive"): "delivered",
    ("sent", "come_back"): "returned",
    ("sent", "fail"): "failed",
    ("sent", "cancel"): "cancelled",
    ("failed", "try_again"): "waiting",
    ("failed", "send"): "sent",
    ("failed", "arrive"): "delivered",
    ("failed", "come_back"): "returned",
}
RECEIPT_EVENTS = {"prepared": "prepare", "sent": "send", "delivered": "arrive"}
"""How far a receipt says that the provider got, as an event of the delivery."""


NOT_ON_ITS_WAY = ("waiting", "prepared")
"""The document has not left the office; another way replaces such an attempt."""
GIVE_UP_AFTER = timedelta(days=5)
FORGET_UNTIL = timedelta(days=365)
"""Erasing is tried for so long: a store that is away must not leave a document behind."""


@dataclass(frozen=True)
class Way:
    """A way of delivery, and what it needs to know by the names of `RecipientField`."""

    provider: str
    recipient: Mapping[str, Any] = field(repr=False)


class NotPossible(Exception):
    """The document or its delivery is in a state from which this cannot be done."""


def request_of(appointment: Appointment) -> DocumentRequest | None:
    """The document that the office owes for this appointment, if any."""
    return db.session.scalar(select(DocumentRequest).filter_by(appointment_id=appointment.id))


def current_delivery(request: DocumentRequest) -> Delivery | None:
    """The attempt that counts: the newest one; None while there is nothing to deliver."""
    if request.state not in ("issued", "completed") or not request.deliveries:
        return None
    return request.deliveries[-1]


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
    delivery = _begin(request, way, actor)
    _post_forgetting(document)
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
            _cancel(delivery)
    outbox.cancel(_file_subject(document))
    stored_as, sha256 = document.stored_as, document.sha256
    if document.verification:
        verification.revoke(document.verification)
    db.session.delete(document)
    db.session.flush()
    db.session.expire(request, ["document"])
    audit.record(actor.id, "document taken back", subject(request), sha256=sha256)
    return stored_as


def choose_other_way(request: DocumentRequest, way: Way, actor: Person) -> Delivery:
    """Begin a new attempt; one that has not left the office is called off."""
    lock(request)
    if request.state != "issued":
        raise NotPossible(request.state)
    _cancel_what_has_not_left(request)
    return _begin(request, way, actor)


def try_again(delivery: Delivery, actor: Person) -> None:
    """The same attempt once more, with the same key: what the provider did take stays one parcel.

    What a carrier had and did not bring needs a new attempt.
    """
    if delivery.request.state != "issued" or delivery.reference:
        raise NotPossible(delivery.request.state)
    change_delivery(delivery, "try_again")
    delivery.last_error = delivery.advice = ""
    audit.record(actor.id, "delivery tried again", subject(delivery.request), provider=delivery.provider)
    _post_sending(delivery)


def sending_begins(delivery: Delivery) -> bool:
    """From now on the provider may have the parcel, whatever becomes of us. False if it was called off."""
    lock(delivery.request, delivery)
    if delivery.state != "waiting":
        return False
    delivery.sending_since = clock.now()
    return True


def receipt_arrived(delivery: Delivery, receipt: Receipt) -> None:
    """The provider took the parcel. A receipt that is known already changes nothing.

    If the attempt was called off meanwhile, it stays so; what the provider said is kept all the same.
    """
    lock(delivery.request, delivery)
    keep_receipt(delivery, receipt)
    delivery.code, delivery.sending_since = receipt.code or "", None
    if delivery.state == "waiting":
        change_delivery(delivery, RECEIPT_EVENTS[receipt.state])
        audit.record(None, "delivery on its way", subject(delivery.request), provider=delivery.provider)


def handed_over(delivery: Delivery, actor: Person) -> None:
    """The recipient has the document in his hands."""
    change_delivery(delivery, "hand_over")
    audit.record(actor.id, "document handed over", subject(delivery.request))


def handed_to_carrier(delivery: Delivery, actor: Person) -> None:
    """The parcel has left the office."""
    change_delivery(delivery, "send")
    audit.record(actor.id, "document given to the carrier", subject(delivery.request))


def arrived(delivery: Delivery, actor: Person) -> None:
    """The parcel has arrived, as staff read on the carrier's page or heard from the citizen."""
    change_delivery(delivery, "arrive")
    audit.record(actor.id, "document arrived", subject(delivery.request))


def came_back(delivery: Delivery, actor: Person) -> None:
    """The parcel, or the mail, came back; the staff choose another way."""
    change_delivery(delivery, "come_back")
    audit.record(actor.id, "document came back", subject(delivery.request))


def opened(request: DocumentRequest, person: Person | None) -> None:
    """The citizen fetched the document by himself (``person`` None: with a one-time code).

    What was sent to him has arrived. What waits to be collected, or travels, on paper still does.
    """
    must_be_writing()
    audit.record(person.id if person else None, "document opened", subject(request))
    for delivery in request.deliveries:
        if delivery.state == "sent" and RecipientField.POSTAL_ADDRESS not in delivery.recipient:
            change_delivery(delivery, "arrive")


def refused(delivery: Delivery, reason: str, advice: str = "") -> None:
    """The provider says clearly that it has no parcel of this attempt, and why."""
    failed(delivery, reason, advice)
    delivery.sending_since = None


def failed(delivery: Delivery, reason: str, advice: str = "") -> None:
    """This attempt did not work; the staff choose another way. ``advice`` is a sentence for the citizen."""
    lock(delivery.request, delivery)
    if (delivery.state, "fail") not in DELIVERY_TRANSITIONS:
        return
    change_delivery(delivery, "fail")
    delivery.last_error, delivery.advice = reason, advice
    audit.record(None, "delivery failed", subject(delivery.request), provider=delivery.provider)


def _begin(request: DocumentRequest, way: Way, actor: Person) -> Delivery:
    delivery = Delivery(
        provider=way.provider,
        key=f"{request.key}-{new_key(8)}",
        recipient=dict(way.recipient),
        state="waiting",
    )
    request.deliveries.append(delivery)
    db.session.flush()
    audit.record(actor.id, "delivery begun", subject(request), provider=way.provider)
    _post_sending(delivery)
    return delivery


def _post_sending(delivery: Delivery) -> None:
    outbox.post(
        "delivery.send",
        _delivery_subject(delivery),
        {"delivery_id": delivery.id},
        key=f"delivery-{delivery.key}-{delivery.changed_at:%Y%m%dT%H%M%S%f}",
        give_up_at=clock.now() + GIVE_UP_AFTER,
    )


def _post_forgetting(document: IssuedDocument) -> None:
    outbox.post(
        "document.forget",
        _file_subject(document),
        {"document_id": document.id},
        key=f"forget-{document.stored_as}",
        due_at=document.expires_at,
        give_up_at=document.expires_at + FORGET_UNTIL,
    )


def change_request(request: DocumentRequest, event: str) -> None:
    """Move the case to its next state. Raises NotPossible where the table has none."""
    lock(request)
    following = REQUEST_TRANSITIONS.get((request.state, event))
    if following is None:
        raise NotPossible(request.state)
    request.state, request.version = following, request.version + 1
    if event in DECISIONS:
        request.decision = DECISIONS[event]
        request.decided_at = clock.now() if request.decision else None
    kept_papers.follow(request)


def keep_receipt(delivery: Delivery, receipt: Receipt) -> None:
    """Write down by what the provider knows the parcel."""
    delivery.reference, delivery.number_missing = receipt.reference[:60], receipt.number_missing
    delivery.tracking_url, delivery.data = receipt.tracking_url or "", dict(receipt.data)


def change_delivery(delivery: Delivery, event: str, at: datetime | None = None) -> None:
    """Move the attempt to its next state; the first one that arrives completes the request.

    ``at`` is when it happened, if a carrier told that.
    """
    lock(delivery.request, delivery)
    following = DELIVERY_TRANSITIONS.get((delivery.state, event))
    if following is None:
        raise NotPossible(delivery.state)
    now = clock.now()
    delivery.state, delivery.changed_at = following, min(max(at or now, delivery.created_at), now)
    if following not in ("prepared", "sent"):
        delivery.label_file = ""  # nobody needs it any more; the store is swept
    if following == "delivered" and delivery.request.state == "issued":
        change_request(delivery.request, "complete")
        _cancel_what_has_not_left(delivery.request)


def lock(*rows: DocumentRequest | Delivery) -> None:
    """Of two clicks at the same moment the second sees the state that the first has made.

    The request is always locked before its attempts, so that two changes never wait for each other.
    """
    must_be_writing()
    db.session.flush()  # reading again would drop what was changed in this transaction already
    for row in rows:
        db.session.refresh(row, with_for_update=True)


def _cancel_what_has_not_left(request: DocumentRequest) -> None:
    for delivery in request.deliveries:
        if delivery.state in NOT_ON_ITS_WAY:
            _cancel(delivery)


def _cancel(delivery: Delivery) -> None:
    change_delivery(delivery, "cancel")
    outbox.cancel(_delivery_subject(delivery))


def subject(request: DocumentRequest) -> str:
    """The record of a case stands in the record of its appointment."""
    return f"appointment:{request.appointment.id}"


def _delivery_subject(delivery: Delivery) -> str:
    return f"delivery:{delivery.id}"


def _file_subject(document: IssuedDocument) -> str:
    return f"file:{document.stored_as}"
