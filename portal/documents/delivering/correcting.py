"""The citizen himself mends a delivery that did not work: another address, or another way.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from portal import audit
from portal.appointments import contact
from portal.appointments.contact import Contact
from portal.db import db
from portal.documents.delivering import lifecycle
from portal.documents.delivering.lifecycle import Way, current_delivery
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.states import FAILURES, PROBLEMS, NotPossible, lock, subject
from portal.people.models import Person
from portal.plugin_api import RecipientField


def can_be_corrected(request: DocumentRequest) -> bool:
    """True while the last attempt did not bring the document, nobody has begun another one, and there is
    still a file to send."""
    delivery, document = current_delivery(request), request.document
    is_there = request.state == "issued" and document is not None and document.is_kept
    return is_there and delivery is not None and delivery.state in PROBLEMS


def correct(request: DocumentRequest, way: Way, typed: Contact, actor: Person) -> Delivery:
    """Begin another attempt. Of two presses, or of citizen and clerk at once, the second is refused."""
    lock(request)
    # The other one may have begun an attempt since this request was read.
    db.session.expire(request, ["deliveries"])
    lock(request, *request.deliveries)
    if not can_be_corrected(request):
        raise NotPossible(request.state)
    audit.record(actor.id, "delivery corrected", subject(request), provider=way.provider)
    contact.correct(request.appointment, typed, actor)
    contact.prefer(request.appointment, way.provider, way.recipient)
    return lifecycle.choose_other_way(request, way, actor)


def is_deaf(request: DocumentRequest) -> bool:
    """The citizen cannot be told by e-mail: he has none, or a mail to this very address did not arrive."""
    return not takes_mail(request, request.appointment.email)


def takes_mail(request: DocumentRequest, email: str) -> bool:
    """True for an address to which no mail of this case has gone in vain; False where there is none."""
    return bool(email) and not any(_went_in_vain(delivery, email) for delivery in request.deliveries)


def _went_in_vain(delivery: Delivery, email: str) -> bool:
    by_mail = RecipientField.EMAIL in delivery.recipient
    address = delivery.recipient.get(RecipientField.EMAIL) or email
    return by_mail and delivery.state in FAILURES and address.casefold() == email.casefold()
