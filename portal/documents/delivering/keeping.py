"""What a citizen does with a document that he has: archive it, bring it back, delete it for good.

Runs inside the caller's `transaction()`. He can delete it once it has reached him: until then the office
may still need the file, to send it once more or to print it.
"""

from __future__ import annotations

from portal import audit, clock
from portal.db import db
from portal.documents import lifecycle
from portal.documents.delivering.recipients import is_on_paper
from portal.documents.models import DocumentRequest, IssuedDocument
from portal.documents.states import NotPossible, cancel, lock, subject
from portal.people.models import Person


def may_be_deleted(document: IssuedDocument) -> bool:
    """True when the citizen has it, by whichever way, and no other way needs the file any more."""
    return document.deleted_at is None and document.request.state == "completed"


def archive(request: DocumentRequest, actor: Person) -> None:
    """It does not stand among his present documents any more. Done twice, it changes nothing."""
    document = _document(request)
    if document.archived_at is None:
        document.archived_at = clock.now()
        audit.record(actor.id, "document archived", subject(request))


def bring_back(request: DocumentRequest, actor: Person) -> None:
    """It stands among his present documents again."""
    document = _document(request)
    if document.archived_at is not None:
        document.archived_at = None
        audit.record(actor.id, "document brought back", subject(request))


def delete(request: DocumentRequest, actor: Person) -> None:
    """Nobody can fetch it any more, and a worker erases the file. That it was issued stays on record."""
    document = _document(request)
    if not may_be_deleted(document):
        raise NotPossible(request.state)
    document.deleted_at = clock.now()
    for delivery in request.deliveries:
        if delivery.state == "sent" and not is_on_paper(delivery.recipient):
            cancel(delivery)  # its link, or its place in the portal, leads to nothing now
    audit.record(actor.id, "document deleted", subject(request))
    lifecycle.erase_now(document)


def _document(request: DocumentRequest) -> IssuedDocument:
    """The document as it is now; the office may have taken it back a moment ago."""
    lock(request)
    db.session.expire(request, ["document"])
    if request.document is None or request.document.deleted_at is not None:
        raise NotPossible(request.state)
    return request.document
