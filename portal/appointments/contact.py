"""The citizen corrects how he is reached, after something did not reach him.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal import audit
from portal.appointments.models import Appointment
from portal.db import must_be_writing
from portal.people.lifecycle import keep_contact
from portal.people.models import Person


def correct(
    appointment: Appointment, email: str, phone: str, address: Mapping[str, str], actor: Person
) -> None:
    """Later messages and codes go to the new address; what is left empty stays as it was.

    What he lets us keep for his next visit is mended too, where it is the address that did not work.
    """
    must_be_writing()
    former = appointment.email
    if actor.contact_kept_at and email and actor.email == former:
        keep_contact(actor, email, actor.phone, actor.address)
    appointment.email, appointment.phone = email or former, phone or appointment.phone
    appointment.address = dict(address) or appointment.address
    for guest in appointment.participants:
        if guest.role == "citizen":
            guest.email = appointment.email
    if appointment.email != former:
        audit.record(actor.id, "address corrected", f"appointment:{appointment.id}")


def prefer(appointment: Appointment, way: str, recipient: Mapping[str, Any]) -> None:
    """From now on this is the way that the citizen chose."""
    must_be_writing()
    appointment.delivery, appointment.recipient = way, dict(recipient)
