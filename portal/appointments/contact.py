"""How the citizen is reached is corrected, by himself or by a clerk whom he told it.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from portal import audit
from portal.appointments.models import Appointment
from portal.db import must_be_writing
from portal.people.lifecycle import keep_contact
from portal.people.models import Person


@dataclass(frozen=True)
class Contact:
    """What somebody typed of how the citizen is reached; what he was not asked for is empty."""

    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: Mapping[str, str] = field(default_factory=dict, repr=False)


def correct(appointment: Appointment, typed: Contact, actor: Person) -> list[str]:
    """Later messages and codes go to the new address; what is left empty stays as it was.

    What the citizen lets us keep for his next visit is mended too, where he himself corrects the address that
    did not work. The answer names what has changed by the fields of `Contact`, as the record does.
    """
    must_be_writing()
    former = Contact(appointment.email, appointment.phone, dict(appointment.address))
    if actor.id == appointment.citizen_id:
        _mend_what_is_kept(actor, former.email, typed.email)
    appointment.email = typed.email or former.email
    appointment.phone = typed.phone or former.phone
    appointment.address = dict(typed.address or former.address)
    for guest in appointment.participants:
        if guest.role == "citizen":
            guest.email = appointment.email
    changed = [kind for kind, value in asdict(typed).items() if value and value != getattr(former, kind)]
    if changed:
        audit.record(actor.id, "address corrected", f"appointment:{appointment.id}", kinds=changed)
    return changed


def prefer(appointment: Appointment, way: str, recipient: Mapping[str, Any]) -> None:
    """From now on this is the way that the citizen chose."""
    must_be_writing()
    appointment.delivery, appointment.recipient = way, dict(recipient)


def _mend_what_is_kept(citizen: Person, former: str, email: str) -> None:
    if citizen.contact_kept_at and email and citizen.email == former:
        keep_contact(citizen, email, citizen.phone, citizen.address)
