"""Work that follows from documents, done in a worker: send, tell the code, forget."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import clock, files, mail, outbox
from portal.certificates import seal
from portal.db import db, transaction
from portal.documents import case_notices, lifecycle, states
from portal.documents.delivering import (
    access_codes,
    calling_back,
    carrier,
    collecting,
    failure_notice,
    following,
    redirecting,
)
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.parcels import parcel_of
from portal.documents.issuing import approval, finishing
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument, PreparedDocument
from portal.documents.papers import kept_papers
from portal.plugin_api import (
    DeliveryProvider,
    Parcel,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
)
from portal.points import lists, words
from portal.providers import current_providers


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""
    case_notices.register()
    failure_notice.register()
    kept_papers.register()
    calling_back.register()
    collecting.register()
    redirecting.register()


@outbox.job("delivery.send", queue="delivery")
def send(delivery_id: int) -> None:
    """Hand one document to the provider of its delivery.

    The provider is asked for our key first: a worker may have been killed between the provider's
    answer and our commit. What cannot work is recorded as failed, for the staff to choose another way.
    """
    delivery = db.session.get(Delivery, delivery_id)
    if delivery is None or delivery.state != "waiting":
        return
    try:
        receipt = _hand_to_provider(delivery)
    except PermanentFailure as failure:
        with transaction():
            deliveries.refused(_delivery(delivery_id), str(failure), failure.for_citizen)
        return
    if receipt is None:
        return
    with transaction():
        taken = _delivery(delivery_id)
        deliveries.receipt_arrived(taken, receipt)
        following.begin(taken)
        collecting.begin(taken)


@outbox.when_buried("delivery.send")
def sending_given_up(delivery_id: int, reason: str) -> None:
    """The staff see the failed delivery; the row need not stand on their list a second time."""
    with transaction():
        deliveries.failed(_delivery(delivery_id), reason)
        for row in outbox.buried_rows():
            if row.kind == "delivery.send" and row.payload["delivery_id"] == delivery_id:
                outbox.close(row.id)


@outbox.job("delivery.forget", queue="delivery")
def forget_delivery(delivery_id: int) -> None:
    """Let the provider erase what it keeps outside about a parcel."""
    delivery = db.session.get(Delivery, delivery_id)
    provider = current_providers().delivery.get(delivery.provider) if delivery else None
    if delivery is None or not delivery.reference:
        return
    if provider is not None:
        provider.forget(following.receipt_of(delivery))
    with transaction():
        carrier.forgotten(_delivery(delivery_id))


@outbox.job("document.code", queue="mail")
def send_code(request_id: int) -> None:
    """Make a one-time code and mail it to the address of the appointment, never to another one.

    If the mail has to be tried again, a new code is made: the code itself is kept nowhere.
    """
    with transaction():
        request = db.session.get_one(DocumentRequest, request_id)
        if request.document is None:
            return
        code, message_key = access_codes.make(request)
    appointment = request.appointment
    minutes = int(access_codes.LIFETIME.total_seconds() // 60)
    values = {"code": code, "minutes": minutes, "office": appointment.office}
    mail.send(message_key, appointment.email, appointment.language, "notices/document_code", values)


@outbox.job("document.seal", queue="delivery")
def seal_document(request_id: int, prepared_key: str) -> None:
    """Put the seal on a prepared file and issue it. Was it called back meanwhile, nothing comes of it."""
    prepared = _to_seal(request_id, prepared_key)
    if prepared is None:
        return
    filename, content = prepared.filename, files.open_document(prepared.stored_as).read()
    reason = prepared.request.appointment.service.name.el
    db.session.rollback()  # no connection is held while a time stamp is fetched
    config = current_app.config["PORTAL"]
    stored = files.store_pdf(filename, seal.put_on(seal.open_now(config), content, reason))
    try:
        with transaction():
            former = approval.sealed(_request(request_id), prepared_key, stored, finishing.terms())
    except states.NotPossible:
        former = stored.stored_as
    files.let_go(former)


@outbox.job("document.forget", queue="events")
def forget(document_id: int) -> None:
    """Erase a file that is not kept any more, have the providers forget it, and sweep what nobody names."""
    document = db.session.get(IssuedDocument, document_id)
    if document is not None and not document.is_kept:
        files.forget(document.stored_as)
        with transaction():
            _post_forgetting(document)
    kept_papers.sweep()


def _post_forgetting(document: IssuedDocument) -> None:
    for delivery in document.request.deliveries:
        outbox.post(
            "delivery.forget",
            f"delivery:{delivery.id}",
            {"delivery_id": delivery.id},
            key=f"forget-{delivery.key}",
            give_up_at=clock.now() + lifecycle.FORGET_UNTIL,
        )


def _to_seal(request_id: int, prepared_key: str) -> PreparedDocument | None:
    prepared = _request(request_id).prepared
    waits = prepared is not None and prepared.key == prepared_key and prepared.request.state == "to_seal"
    return prepared if waits else None


def _request(request_id: int) -> DocumentRequest:
    return db.session.get_one(DocumentRequest, request_id)


def _hand_to_provider(delivery: Delivery) -> Receipt | None:
    """What the provider says; None when the attempt was called off just before, or begun by somebody else."""
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None:
        raise PermanentFailure(_l("this way of delivery is not offered any more"))
    _let_settle(delivery, provider)
    number, known_since = delivery.id, delivery.sending_since
    parcel = _with_content(parcel_of(delivery, provider))
    db.session.rollback()  # no connection is held while the provider takes its time
    with force_locale(parcel.recipient.language):
        known = provider.find(parcel.key)
        if known is not None:
            return known
        _expect_point(provider, parcel)
        with transaction():
            begun = deliveries.sending_begins(_delivery(number), known_since, parcel.kept_until)
        return provider.send(parcel) if begun else None


def _expect_point(provider: DeliveryProvider, parcel: Parcel) -> None:
    """A point that is closed since it was chosen must not get a parcel that nobody could collect."""
    point = parcel.recipient.pickup_point
    if point is None or not lists.needs_point(provider) or lists.find(provider.name, point.code):
        return
    raise PermanentFailure(
        _l("the carrier does not have the chosen point any more"),
        _(
            "The point that you chose is not offered any more: %(point)s. "
            "Choose another point, or another way.",
            point=", ".join(words.lines(point)),
        ),
    )


def _with_content(parcel: Parcel) -> Parcel:
    """The file is read before the provider is called: a store that is away is no failure of the carrier."""
    try:
        content = parcel.document.open().read()
    except FileNotFoundError:
        raise TemporaryFailure("the document was taken back just now, or its file is not there") from None
    return replace(parcel, document=replace(parcel.document, open=lambda: BytesIO(content)))


def _let_settle(delivery: Delivery, provider: DeliveryProvider) -> None:
    """Stay away while an earlier call may still have its effect: looking it up now could find nothing."""
    if delivery.sending_since is None:
        return
    left = delivery.sending_since + provider.settles_after - clock.now()
    if left > timedelta():
        raise TemporaryFailure("the last call ended unclearly; it is looked up when it has settled", left)


def _delivery(delivery_id: int) -> Delivery:
    return db.session.get_one(Delivery, delivery_id)
