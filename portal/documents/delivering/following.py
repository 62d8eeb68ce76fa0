"""What happens to a parcel after it was given to a provider: label, news, a reminder, its time limit.

Done by workers. Each kind of work is an outbox row; news are asked for again and again, a new row each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal import audit, clock, files, outbox
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import carrier
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.parcels import parcel_of
from portal.documents.models import Delivery
from portal.documents.states import delivery_subject, subject
from portal.plugin_api import DeliveryProvider, PermanentFailure, Receipt
from portal.providers import current_providers

PATIENCE = timedelta(days=5)
"""For so long a carrier that does not answer is asked again."""
FOLLOWED = ("prepared", "sent", "failed")
"""A parcel that a carrier could not bring may still arrive: most carriers try twice."""
NOT_OPENED = _l("not opened in its time; call the citizen or choose another way")
NOT_ARRIVED = _l("nothing is known of its arrival in its time; ask the carrier")


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


def begin(delivery: Delivery) -> None:
    """Post the work that follows from a receipt. Inside the transaction that keeps it."""
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or delivery.state not in FOLLOWED:
        return
    post_label(delivery)
    _post_news(delivery, provider)
    _post_reminder(delivery, provider)
    _post_limit(delivery, provider)


def post_label(delivery: Delivery) -> None:
    """Have the label drawn, where there is one. Called anew when a missing number was typed, or when the
    parcel is back at the office."""
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or not provider.has_labels or delivery.number_missing:
        return
    which = f"{delivery.reference}-{delivery.changed_at:%Y%m%dT%H%M%S}"
    _post("label", delivery, which, clock.now(), PATIENCE)


def receipt_of(delivery: Delivery) -> Receipt:
    """The receipt as the provider once gave it."""
    state = delivery.state if delivery.state in ("prepared", "sent", "delivered") else "sent"
    return Receipt(
        reference=delivery.reference,
        state=state,  # type: ignore[arg-type]
        code=delivery.code or None,
        tracking_url=delivery.tracking_url or None,
        data=dict(delivery.data),
        number_missing=delivery.number_missing,
    )


@outbox.job("delivery.label", queue="delivery")
def draw_label(delivery_id: int) -> None:
    """Fetch the label and keep it, encrypted, until it is not needed any more."""
    delivery, provider = _followed(delivery_id)
    if provider is None or delivery.label_file:
        return
    label = provider.label(receipt_of(delivery))
    if label is None:
        return
    try:
        stored = files.store_pdf("label.pdf", label.content)
    except files.NotAcceptable as reason:
        raise PermanentFailure(f"the carrier's label cannot be printed: {reason}") from None
    with transaction():
        kept = carrier.label_drawn(db.session.get_one(Delivery, delivery_id), stored.stored_as)
    if not kept:
        files.let_go(stored.stored_as)


@outbox.job("delivery.news", queue="delivery")
def ask_for_news(delivery_id: int) -> None:
    """Ask the carrier where the parcel is, write that down, and ask again later while it is under way."""
    delivery, provider = _followed(delivery_id)
    if provider is None:
        return
    receipt = receipt_of(delivery)
    with force_locale(delivery.request.appointment.language):
        news = provider.track(receipt)
    with transaction():
        delivery = db.session.get_one(Delivery, delivery_id)
        carrier.news_arrived(delivery, news)
        if delivery.state in FOLLOWED:
            _post_news(delivery, provider)


@outbox.job("delivery.limit", queue="delivery")
def look_at_limit(delivery_id: int) -> None:
    """What has not arrived in its time needs somebody's attention."""
    delivery, provider = _followed(delivery_id)
    if provider is None or provider.overdue_after is None or delivery.state == "failed":
        return
    with transaction():
        delivery = db.session.get_one(Delivery, delivery_id)
        if _limit(delivery, provider.overdue_after) > clock.now():
            _post_limit(delivery, provider)
            return
        deliveries.failed(delivery, _overdue(provider))


@outbox.job("delivery.remind", queue="delivery")
def remind(delivery_id: int) -> None:
    """Have the citizen reminded, once, of what has not arrived; not where it goes another way by now."""
    delivery, provider = _followed(delivery_id)
    request, document = delivery.request, delivery.request.document
    if provider is None or delivery.state != "sent" or document is None or not document.is_kept:
        return
    if deliveries.current_delivery(request) is not delivery:
        return
    parcel = parcel_of(delivery, provider)
    with force_locale(parcel.recipient.language):
        provider.remind(parcel)
    with transaction():
        delivery = db.session.get_one(Delivery, delivery_id)
        audit.record(None, "citizen reminded", subject(delivery.request), provider=delivery.provider)


def _followed(delivery_id: int) -> tuple[Delivery, DeliveryProvider | None]:
    """The attempt, and its provider while it makes sense to ask that."""
    delivery = db.session.get_one(Delivery, delivery_id)
    wanted = delivery.state in FOLLOWED and delivery.reference
    return delivery, current_providers().delivery.get(delivery.provider) if wanted else None


def _post_news(delivery: Delivery, provider: DeliveryProvider) -> None:
    if provider.news_every is None or _too_old(delivery, provider):
        return
    due_at = clock.now() + provider.news_every
    _post("news", delivery, f"{due_at:%Y%m%dT%H%M%S}", due_at, PATIENCE)


def _too_old(delivery: Delivery, provider: DeliveryProvider) -> bool:
    """After some time even a lost parcel is not asked about any more."""
    twice = provider.overdue_after * 2 if provider.overdue_after else None
    longest = provider.news_for or twice
    return longest is not None and delivery.created_at + longest < clock.now()


def _post_limit(delivery: Delivery, provider: DeliveryProvider) -> None:
    if provider.overdue_after is not None:
        due_at = _limit(delivery, provider.overdue_after)
        _post("limit", delivery, f"{due_at:%Y%m%dT%H%M%S}", due_at, lifecycle.FORGET_UNTIL)


def _limit(delivery: Delivery, overdue_after: timedelta) -> datetime:
    """When it should have arrived: what lies in the portal before it is erased there, at the latest."""
    limit = delivery.changed_at + overdue_after
    document = delivery.request.document
    if document is not None and current_providers().keeps(delivery.provider):
        return min(limit, document.expires_at)
    return limit


def _overdue(provider: DeliveryProvider) -> str:
    """What the staff read about a parcel that is late; kept in English, as all reasons."""
    with force_locale("en"):
        return str(NOT_OPENED if provider.kept_in_portal else NOT_ARRIVED)


def _post_reminder(delivery: Delivery, provider: DeliveryProvider) -> None:
    """There is one row for each parcel, and so one reminder. Of what lies ready for some days tells
    `collecting`."""
    if provider.remind_after is not None and provider.kept_for is None and delivery.state == "sent":
        due_at = delivery.changed_at + provider.remind_after
        _post("remind", delivery, "once", due_at, PATIENCE)


def _post(what: str, delivery: Delivery, which: str, due_at: datetime, patience: timedelta) -> None:
    outbox.post(
        f"delivery.{what}",
        delivery_subject(delivery),
        {"delivery_id": delivery.id},
        key=f"{what}-{delivery.key}-{which}",
        due_at=due_at,
        give_up_at=due_at + patience,
    )
