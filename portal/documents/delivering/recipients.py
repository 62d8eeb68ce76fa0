"""Who gets a document and by which ways: what the delivery names, with the contact of the booking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.appointments.models import Appointment
from portal.plugin_api import DeliveryProvider, PostalAddress, Recipient
from portal.providers import current_providers


def ways_to(appointment: Appointment) -> dict[str, DeliveryProvider]:
    """The ways that lead to this citizen: who has never logged in could not open what lies in the portal."""
    ways = current_providers().delivery
    return {name: way for name, way in ways.items() if appointment.citizen_id or not way.kept_in_portal}


def recipient_of(appointment: Appointment, told: Mapping[str, Any]) -> Recipient:
    """``told`` is by the names of `RecipientField`; contact that it leaves out is the one of the booking."""
    address = told.get("postal_address")
    return Recipient(
        name=appointment.citizen_name,
        language=appointment.language,
        email=told.get("email") or appointment.email or None,
        phone=told.get("phone") or appointment.phone or None,
        address=PostalAddress(**address) if address else None,
        pickup_point=told.get("pickup_point"),
        wants_attachment=bool(told.get("attachment_wish")),
    )
