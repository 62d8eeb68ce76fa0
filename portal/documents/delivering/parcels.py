"""What a provider gets of a delivery: values only, and a way to read the file."""

from __future__ import annotations

from portal import files
from portal.appointments.links import page_address
from portal.documents.delivering.recipients import recipient_of
from portal.documents.models import Delivery
from portal.plugin_api import Document, Parcel, PermanentFailure


def parcel_of(delivery: Delivery) -> Parcel:
    """The parcel of this attempt. Raises PermanentFailure when there is no document any more."""
    request = delivery.request
    appointment, issued = request.appointment, request.document
    if issued is None or not issued.is_kept:
        raise PermanentFailure("the document has expired, or was taken back or deleted")
    stored_as, language = issued.stored_as, appointment.language
    return Parcel(
        key=delivery.key,
        title=appointment.service.name.in_language(language),
        office=appointment.office.name.in_language(language),
        recipient=recipient_of(appointment, delivery.recipient),
        document=Document(
            filename=issued.filename,
            media_type=issued.media_type,
            size=issued.size,
            sha256=issued.sha256,
            open=lambda: files.open_document(stored_as),
        ),
        page_url=page_address("documents.show", key=request.key),
        expires_at=issued.expires_at,
    )
