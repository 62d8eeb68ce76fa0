"""Who gets a document and by which ways: what the delivery names, with the contact of the booking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.appointments.models import Appointment
from portal.plugin_api import DeliveryProvider, PickupPoint, PostalAddress, Recipient, RecipientField
from portal.points import lists
from portal.providers import current_providers


def ways_to_choose(appointment: Appointment) -> dict[str, DeliveryProvider]:
    """The ways that lead to this citizen: who has never logged in could not open what lies in the portal."""
    ways = current_providers().delivery
    return lists.offered(
        {name: way for name, way in ways.items() if appointment.citizen_id or not way.kept_in_portal}
    )


def ways_to(appointment: Appointment) -> dict[str, DeliveryProvider]:
    """Those of them for which nothing more must be asked where they lead: to a carrier's point only the one
    for which the citizen has chosen a point that is still there."""
    return {
        name: way
        for name, way in ways_to_choose(appointment).items()
        if not lists.needs_point(way) or has_point(appointment, name)
    }


def has_point(appointment: Appointment, way: str) -> bool:
    """The citizen has chosen a point of this way, and the carrier still has it."""
    told = appointment.recipient.get(RecipientField.PICKUP_POINT)
    if appointment.delivery != way or not told:
        return False
    return lists.find(way, told["code"]) is not None


def is_on_paper(recipient: Mapping[str, Any]) -> bool:
    """True for what travels on paper, to an address or to a point."""
    return RecipientField.POSTAL_ADDRESS in recipient or RecipientField.PICKUP_POINT in recipient


def recipient_of(appointment: Appointment, told: Mapping[str, Any]) -> Recipient:
    """``told`` is by the names of `RecipientField`; contact that it leaves out is the one of the booking."""
    address = told.get("postal_address")
    return Recipient(
        name=appointment.citizen_name,
        language=appointment.language,
        email=told.get("email") or appointment.email or None,
        phone=told.get("phone") or appointment.phone or None,
        address=PostalAddress(**address) if address else None,
        pickup_point=_point(told),
        wants_attachment=bool(told.get("attachment_wish")),
    )


def _point(told: Mapping[str, Any]) -> PickupPoint | None:
    point = told.get("pickup_point")
    return lists.restored(point) if point else None
