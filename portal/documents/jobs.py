"""Work that follows from documents, done in a worker: send, tell the code, forget."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import select

from portal import files, mail, outbox
from portal.appointments.links import page_address
from portal.db import db, transaction
from portal.documents import access_codes, lifecycle
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.plugin_api import Document, Parcel, PermanentFailure, PostalAddress, Recipient
from portal.providers import current_providers


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


@outbox.job("delivery.send", queue="delivery")
def send(delivery_id: int) -> None:
    """Hand one document to the provider of its delivery.

    Before a repeat the provider is asked for the parcel by our key: a worker may have been killed
    between the provider's answer and our commit.
    """
    delivery = db.session.get(Delivery, delivery_id)
    if delivery is None or delivery.state != "waiting":
        return
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None:
        raise PermanentFailure(f"the way of delivery {delivery.provider} is not enabled any more")
    parcel = parcel_of(delivery)
    db.session.rollback()  # no connection is held while the provider takes its time
    receipt = provider.find(parcel.key) or provider.send(parcel)
    with transaction():
        lifecycle.receipt_arrived(db.session.get_one(Delivery, delivery_id), receipt)


@outbox.when_buried("delivery.send")
def sending_given_up(delivery_id: int, reason: str) -> None:
    """The staff see the failed delivery and choose another way."""
    with transaction():
        lifecycle.failed(db.session.get_one(Delivery, delivery_id), reason)


@outbox.job("document.code", queue="mail")
def send_code(request_id: int, number: int) -> None:
    """Make a one-time code and mail it to the address of the appointment, never to another one."""
    with transaction():
        request = db.session.get_one(DocumentRequest, request_id)
        code = access_codes.make(request)
    appointment = request.appointment
    minutes = int(access_codes.LIFETIME.total_seconds() // 60)
    mail.send(
        f"code-{request.key}-{number}",
        appointment.email,
        appointment.language,
        "notices/document_code",
        {"code": code, "minutes": minutes},
    )


@outbox.job("document.forget", queue="events")
def forget(document_id: int) -> None:
    """Erase the file when its time is over, and sweep what nobody names."""
    document = db.session.get(IssuedDocument, document_id)
    if document is not None:
        files.forget(document.stored_as)
    files.sweep(set(db.session.scalars(select(IssuedDocument.stored_as))))


def parcel_of(delivery: Delivery) -> Parcel:
    """What the provider gets: values only, and a way to read the file."""
    request = delivery.request
    appointment, issued = request.appointment, request.document
    if issued is None:
        raise PermanentFailure("there is no document to deliver")
    stored_as = issued.stored_as
    with force_locale(appointment.language):
        return Parcel(
            key=delivery.key,
            title=appointment.service.name.in_language(appointment.language),
            office=appointment.office.name.in_language(appointment.language),
            recipient=_recipient(delivery),
            document=Document(
                issued.filename,
                issued.media_type,
                issued.size,
                issued.sha256,
                open=lambda: files.read(stored_as),
            ),
            page_url=page_address("documents.show", key=request.key),
            expires_at=issued.expires_at,
        )


def _recipient(delivery: Delivery) -> Recipient:
    appointment = delivery.request.appointment
    told: dict[str, Any] = delivery.recipient
    address = told.get("postal_address")
    return Recipient(
        name=appointment.citizen_name,
        language=appointment.language,
        email=told.get("email") or appointment.email,
        phone=told.get("phone") or appointment.phone,
        address=PostalAddress(**address) if address else None,
        pickup_point=told.get("pickup_point"),
        wants_attachment=bool(told.get("attachment_wish")),
    )


def days_kept() -> int:
    """How long an issued document can be fetched."""
    days: int = current_app.config["PORTAL"].portal.document_days
    return days
