"""A clerk chooses another way of delivery, with the data that the citizen tells him, on the phone say.

Whoever says on the phone that he is the citizen may be somebody else. So the address that was known before is
told of the change. Changes run inside the caller's `transaction()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app

from portal import audit, clock, mail, outbox
from portal.appointments import contact
from portal.appointments.contact import Contact
from portal.appointments.papers import CONTACTS
from portal.db import db
from portal.documents import states
from portal.documents.delivering import lifecycle
from portal.documents.delivering.correcting import takes_mail
from portal.documents.delivering.lifecycle import Way
from portal.documents.models import DocumentRequest
from portal.documents.papers.lifecycle import UNDECIDED
from portal.encryption import read_text, sealed_text
from portal.people.models import Person
from portal.providers import current_providers

TOLD_FOR = timedelta(days=1)
POSSIBLE = (*UNDECIDED, "issued")
"""In these states of a case a clerk can choose the way; in the others it is settled, or there is nothing to
deliver.
"""


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


def redirect(request: DocumentRequest, way: Way, typed: Contact, actor: Person) -> None:
    """Begin another attempt; before the document is issued, settle how it will go. Raises NotPossible."""
    states.lock(request)
    if request.state not in POSSIBLE:
        raise states.NotPossible(request.state)
    appointment = request.appointment
    former = appointment.email
    changed = contact.correct(appointment, typed, actor)
    if request.state == "issued":
        lifecycle.choose_other_way(request, way, actor)
    else:
        audit.record(actor.id, "way chosen", states.subject(request), provider=way.provider)
    if changed or request.state != "issued":
        contact.prefer(appointment, way.provider, way.recipient)
    if changed:
        _tell(request, former, way, changed)
    # A document that goes to the new address by mail tells of itself.
    if "email" in changed and request.state != "issued":
        _tell(request, appointment.email, way, changed)


@outbox.job("delivery.redirected", queue="mail")
def send(request_id: int, to: str, way: str, changed: Sequence[str], key: str) -> None:
    """Tell one address that something else is known now, unless mail to it has gone in vain."""
    request = db.session.get_one(DocumentRequest, request_id)
    address, appointment = read_text(to), request.appointment
    if not takes_mail(request, address):
        return
    provider = current_providers().delivery.get(way)
    values = {
        "document_request": request,
        "way": provider.title if provider else way,
        "changed": [CONTACTS[kind] for kind in changed],
        "service": appointment.service,
        "office": appointment.office,
        "municipality": current_app.config["PORTAL"].municipality,
    }
    mail.send(key, address, appointment.language, "notices/redirected", values)


def _tell(request: DocumentRequest, address: str, way: Way, changed: Sequence[str]) -> None:
    if not address:
        return
    now = clock.now()
    whose = "new" if address == request.appointment.email and "email" in changed else "former"
    key = f"redirected-{request.key}-{now:%Y%m%dT%H%M%S%f}-{whose}"
    outbox.post(
        "delivery.redirected",
        f"case:{request.id}",
        # The former address stands nowhere else any more; work carries no personal data in the clear.
        {
            "request_id": request.id,
            "to": sealed_text(address),
            "way": way.provider,
            "changed": list(changed),
            "key": key,
        },
        key=key,
        give_up_at=now + TOLD_FOR,
    )
