"""What a provider is told of a parcel: values only, and a way to read the file."""

from __future__ import annotations

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal import files
from portal.appointments.links import page_address
from portal.documents.delivering import collecting
from portal.documents.delivering.recipients import recipient_of
from portal.documents.models import Delivery, IssuedDocument
from portal.plugin_api import Counter, DeliveryProvider, Document, Parcel, PermanentFailure


def parcel_of(delivery: Delivery, provider: DeliveryProvider) -> Parcel:
    """The parcel of one attempt. Raises PermanentFailure when there is no file any more."""
    request = delivery.request
    appointment, issued = request.appointment, request.document
    if issued is None or not issued.is_kept:
        raise PermanentFailure(_l("the document has expired, or was taken back or deleted"))
    language = appointment.language
    return Parcel(
        key=delivery.key,
        title=appointment.service.name.in_language(language),
        office=appointment.office.name.in_language(language),
        recipient=recipient_of(appointment, delivery.recipient),
        document=_document(issued),
        page_url=page_address("documents.show", key=request.key),
        expires_at=issued.expires_at,
        counter=_counter(delivery, provider),
        kept_until=collecting.last_day(delivery, provider),
    )


def _document(issued: IssuedDocument) -> Document:
    stored_as = issued.stored_as
    return Document(
        filename=issued.filename,
        media_type=issued.media_type,
        size=issued.size,
        sha256=issued.sha256,
        open=lambda: files.open_document(stored_as),
    )


def _counter(delivery: Delivery, provider: DeliveryProvider) -> Counter:
    appointment = delivery.request.appointment
    office, language = appointment.office, appointment.language
    with force_locale(language):
        closed = collecting.closed_in_days(delivery, collecting.last_day(delivery, provider))
    return Counter(
        address=office.address.in_language(language),
        opening=office.opening.in_language(language),
        phone=office.phone,
        closed=tuple(closed),
    )
