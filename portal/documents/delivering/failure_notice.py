"""The message that tells the citizen that his document did not reach him, and what he can do.

It is posted by the change of state itself, once for each attempt. Nothing is mailed to an address that has
just failed: then the citizen's page says it, and the clerk calls.
"""

from __future__ import annotations

from flask import current_app

from portal import mail, outbox
from portal.appointments.links import page_address
from portal.db import db
from portal.documents.delivering.correcting import can_be_corrected, is_deaf
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.models import Delivery


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


@outbox.job("delivery.notice", queue="mail")
def send(delivery_id: int) -> None:
    """Tell it, unless somebody has found another way meanwhile or there is no address that works."""
    delivery = db.session.get_one(Delivery, delivery_id)
    request = delivery.request
    if current_delivery(request) is not delivery or not can_be_corrected(request) or is_deaf(request):
        return
    appointment = request.appointment
    values = {
        "document_request": request,
        "advice": delivery.advice,
        "service": appointment.service,
        "office": appointment.office,
        "has_page": appointment.citizen_id is not None,
        "page_url": page_address("correcting.show", key=appointment.key),
        "municipality": current_app.config["PORTAL"].municipality,
    }
    mail.send(
        f"failed-{delivery.key}", appointment.email, appointment.language, "notices/delivery_failed", values
    )
