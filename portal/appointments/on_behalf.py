"""Somebody acts for another: who is served, whether he takes part himself, and who can be identified.

`portal.appointments.lifecycle` and `call` call it. The one who acts stays the citizen of the appointment: he
gets the messages, moves and cancels. The person served may take part by a link of his own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from portal import clock
from portal.appointments.models import Appointment, Participant, ServedParty
from portal.appointments.papers import CHILD
from portal.db import db, must_be_writing
from portal.encryption import read_text, sealed_text


@dataclass(frozen=True)
class Served:
    """Whom the citizen books for, as he told it; the fields are those of `ServedParty`."""

    kind: str
    relation: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    """Where the person gets a link and messages of his own; empty when he has none."""
    phone: str = ""
    business_name: str = ""
    tax_number: str = field(default="", repr=False)
    declared: bool = False
    """The citizen declared that he may act for the person."""

    def facts(self) -> dict[str, str]:
        """What the record says of it; no personal data."""
        return {"served": self.kind, "relation": self.relation}


def seat(appointment: Appointment, served: Served) -> Participant | None:
    """Write down who is served; the answer is his seat in the call, if he can be sent a link."""
    must_be_writing()
    party = ServedParty(
        kind=served.kind,
        relation=served.relation,
        first_name=served.first_name,
        last_name=served.last_name,
        email=served.email,
        phone=served.phone,
        business_name=served.business_name,
        tax_number_encrypted=sealed_text(served.tax_number),
        declared_at=clock.now() if served.declared else None,
    )
    appointment.served = party
    # At one address both read the same mail: a second one with everything in it would only confuse them.
    if not served.email or served.email.casefold() == appointment.email.casefold():
        return None
    guest = Participant(role="served", name=party.name, email=party.email, language=appointment.language)
    appointment.participants.append(guest)
    db.session.flush()
    return guest


def guest_of(appointment: Appointment) -> Participant | None:
    """The person served, if he takes part with a link of his own."""
    return next((p for p in appointment.participants if p.role == "served" and not p.revoked_at), None)


def may_be_identified(appointment: Appointment) -> dict[str, str]:
    """Whose paper the clerk may record, the likely one first, with their names.

    For a business and for a child under age it is the one who acts. A grown-up who is served can be
    identified himself, and is expected to be where he takes part with a link of his own.
    """
    citizen = {"citizen": appointment.citizen_name}
    party = appointment.served
    if party is None or party.kind == "business" or party.relation == CHILD:
        return citizen
    served = {"served": party.name}
    return served | citizen if guest_of(appointment) else citizen | served


def tax_number_of(party: ServedParty) -> str:
    """The business's tax number, for the staff who serve it; empty for a person."""
    return read_text(party.tax_number_encrypted)


def record_of(served: Served | None, asked: str) -> dict[str, Any]:
    """For the audit line of a booking: for whom, and how the citizen asked the staff to book."""
    return (served.facts() if served else {}) | ({"asked": asked} if asked else {})
