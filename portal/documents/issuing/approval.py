"""A prepared document on its way to be issued: approved by a second person, sealed, or neither.

The table of states is the one of `portal.documents.lifecycle`. Whoever approves names the file that he looked
at; was it exchanged or called back meanwhile, nothing is issued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, select

from portal import audit, clock, outbox
from portal.appointments.models import Appointment
from portal.certificates import verification
from portal.db import db
from portal.documents import lifecycle, states
from portal.documents.delivering.lifecycle import Way
from portal.documents.models import Delivery, DocumentRequest, PreparedDocument
from portal.documents.states import NotPossible, change_request, subject
from portal.files import StoredFile
from portal.people import access
from portal.people.access import active_memberships
from portal.people.models import Person

OVERSEERS = ("supervisor", "administrator")
SEALING_GIVES_UP = timedelta(days=2)


@dataclass(frozen=True)
class Finished:
    """A stored file, and the code that was drawn into it; empty where there is none."""

    stored: StoredFile
    code: str = field(default="", repr=False)


@dataclass(frozen=True)
class Terms:
    """What the municipality's settings say about issuing."""

    days: int
    """So long the citizen can fetch the file."""
    check_days: int
    """So long anybody can check its code."""
    sealed: bool
    """Every document gets the electronic seal."""


def put_forward(
    request: DocumentRequest, finished: Finished, actor: Person, terms: Terms, instead: Way | None
) -> None:
    """The clerk has finished the document: it is approved or sealed next, or issued at once."""
    approval = request.appointment.service.approval
    prepared = _prepared(request, finished, actor, instead)
    if approval:
        change_request(request, "prepare")
    elif terms.sealed:
        _order_seal(request, prepared)
    else:
        _issue(prepared, finished.stored, actor, terms, "issue")
    request.sent_back = ""
    if approval:
        audit.record(actor.id, "document prepared", subject(request), sha256=prepared.sha256)


def approve(request: DocumentRequest, key: str, actor: Person, terms: Terms) -> None:
    """The second person has looked at the file with this key and issues it."""
    prepared = _looked_at(request, key)
    if prepared.prepared_by == actor.id:
        raise NotPossible("nobody approves what he prepared himself")
    prepared.approved_by = actor.id
    audit.record(actor.id, "document approved", subject(request), sha256=prepared.sha256)
    if terms.sealed:
        _order_seal(request, prepared)
    else:
        _issue(prepared, _stored(prepared), actor, terms, "approve")


def send_back(request: DocumentRequest, key: str, actor: Person, reason: str) -> str:
    """The second person does not approve. The answer names the file to erase after the commit."""
    prepared = _looked_at(request, key)
    change_request(request, "send_back")
    request.sent_back = reason
    audit.record(actor.id, "document sent back", subject(request), sha256=prepared.sha256)
    return _discard(prepared)


def call_back(request: DocumentRequest, actor: Person) -> str:
    """The clerk wants to change something. The answer names the file, as with `send_back`."""
    change_request(request, "call_back")
    prepared = request.prepared
    if prepared is None:
        raise NotPossible(request.state)
    outbox.cancel(_seal_subject(prepared))
    audit.record(actor.id, "document called back", subject(request), sha256=prepared.sha256)
    return _discard(prepared)


def sealed(request: DocumentRequest, key: str, stored: StoredFile, terms: Terms) -> str:
    """The file with the seal is issued; the answer is the name of the one without."""
    prepared = _looked_at(request, key)
    former, clerk = prepared.stored_as, prepared.clerk
    _issue(prepared, stored, prepared.approver or clerk, terms, "seal")
    return former


def waiting_for(person: Person) -> int:
    """How many documents wait for this person to approve them."""
    if not any(post.approves or post.role in OVERSEERS for post in active_memberships(person)):
        return 0
    waiting = (
        select(Appointment.office_id, func.count())
        .join(DocumentRequest.appointment)
        .join(DocumentRequest.prepared)
        .where(DocumentRequest.state == "to_approve", PreparedDocument.prepared_by != person.id)
        .group_by(Appointment.office_id)
    )
    counts = db.session.execute(waiting)
    return sum(count for office_id, count in counts if access.may_approve(person, office_id, 0))


def _prepared(
    request: DocumentRequest, finished: Finished, actor: Person, instead: Way | None
) -> PreparedDocument:
    states.lock(request)
    if request.state != "to_issue" or request.prepared is not None:
        raise NotPossible(request.state)
    prepared = PreparedDocument(
        filename=finished.stored.filename,
        media_type=finished.stored.media_type,
        size=finished.stored.size,
        sha256=finished.stored.sha256,
        stored_as=finished.stored.stored_as,
        way=instead.provider if instead else "",
        recipient=dict(instead.recipient) if instead else {},
        clerk=actor,
        verification=_verification(request, finished.code),
    )
    request.prepared = prepared
    db.session.flush()
    return prepared


def _verification(request: DocumentRequest, code: str) -> verification.Verification | None:
    if not code:
        return None
    service, office = request.appointment.service, request.appointment.office
    return verification.begin(code, service.name, office.name, office.time_zone)


def _looked_at(request: DocumentRequest, key: str) -> PreparedDocument:
    """The prepared file with this key, and no newer one."""
    states.lock(request)
    db.session.expire(request, ["prepared"])
    if request.prepared is None or request.prepared.key != key:
        raise NotPossible(request.state)
    return request.prepared


def _order_seal(request: DocumentRequest, prepared: PreparedDocument) -> None:
    change_request(request, "order_seal")
    outbox.post(
        "document.seal",
        _seal_subject(prepared),
        {"request_id": request.id, "prepared_key": prepared.key},
        key=f"seal-{prepared.key}",
        give_up_at=clock.now() + SEALING_GIVES_UP,
    )


def _issue(
    prepared: PreparedDocument, stored: StoredFile, actor: Person, terms: Terms, event: str
) -> Delivery:
    request, record = prepared.request, prepared.verification
    way = Way(prepared.way, prepared.recipient) if prepared.way else None
    delivery = lifecycle.issue(request, stored, actor, terms.days, way, event)
    document = request.document
    assert document is not None
    document.clerk, document.approver, document.verification = prepared.clerk, prepared.approver, record
    if record:
        verification.confirm(record, stored.sha256, terms.check_days)
    _remove(prepared)
    return delivery


def _discard(prepared: PreparedDocument) -> str:
    stored_as, record = prepared.stored_as, prepared.verification
    _remove(prepared)
    if record:
        verification.drop(record)
        db.session.flush()
    return stored_as


def _remove(prepared: PreparedDocument) -> None:
    request = prepared.request
    db.session.delete(prepared)
    db.session.flush()
    db.session.expire(request, ["prepared"])


def _stored(prepared: PreparedDocument) -> StoredFile:
    names = ("filename", "media_type", "size", "sha256", "stored_as")
    return StoredFile(**{name: getattr(prepared, name) for name in names})


def _seal_subject(prepared: PreparedDocument) -> str:
    return f"prepared:{prepared.key}"
