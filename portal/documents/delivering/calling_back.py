"""Calling a parcel back: a worker asks the carrier, and what it answers is kept.

Staff ask for it, or it follows when an attempt is called off of which the carrier has something. Only the
carrier's yes calls an attempt off that is under way; after a no the staff read what they can do.
"""

from __future__ import annotations

from portal import audit, outbox
from portal.db import db, transaction
from portal.documents import states
from portal.documents.delivering import following
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.models import Delivery
from portal.people.models import Person
from portal.plugin_api import DeliveryProvider, Receipt
from portal.providers import current_providers


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


def can_be_asked(delivery: Delivery) -> bool:
    """True while the carrier has the parcel, takes such wishes, and is not being asked already."""
    provider = current_providers().delivery.get(delivery.provider)
    under_way = delivery.state in ("prepared", "sent") and delivery.call_back != "asked"
    return provider is not None and provider.can_call_back and under_way


def ask(delivery: Delivery, actor: Person) -> None:
    """The parcel shall not arrive. Inside the caller's `transaction()`."""
    states.lock(delivery.request, delivery)
    if not can_be_asked(delivery):
        raise states.NotPossible(delivery.state)
    states.call_back_outside(delivery)
    audit.record(actor.id, "parcel to be called back", states.subject(delivery.request))


@outbox.job("delivery.cancel", queue="delivery")
def call_back(delivery_id: int) -> None:
    """Ask the carrier. Asked again after a crash it answers the same, for the parcel is called back then."""
    delivery = db.session.get_one(Delivery, delivery_id)
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or delivery.call_back not in ("asked", "refused"):
        return
    receipt = _known_receipt(delivery, provider)
    worked = receipt is None or provider.cancel(receipt)
    with transaction():
        _answered(_delivery(delivery_id), receipt, worked)


@outbox.when_buried("delivery.cancel")
def given_up(delivery_id: int, reason: str) -> None:
    """Staff have the row on their list; the case says the same as after a no of the carrier."""
    with transaction():
        _answered(_delivery(delivery_id), None, worked=False)


def _known_receipt(delivery: Delivery, provider: DeliveryProvider) -> Receipt | None:
    """By what the carrier knows the parcel; None when the order never reached it."""
    if delivery.reference:
        return following.receipt_of(delivery)
    return provider.find(delivery.key)


def _answered(delivery: Delivery, receipt: Receipt | None, worked: bool) -> None:
    states.lock(delivery.request, delivery)
    if delivery.call_back not in ("asked", "refused"):
        return
    if receipt is not None and not delivery.reference:
        deliveries.keep_receipt(delivery, receipt)
    delivery.call_back, delivery.sending_since = ("done" if worked else "refused"), None
    if worked and (delivery.state, "cancel") in states.DELIVERY_TRANSITIONS:
        states.change_delivery(delivery, "cancel")
        outbox.cancel(states.delivery_subject(delivery))
    subject = states.subject(delivery.request)
    if worked:
        audit.record(None, "parcel called back", subject)
    else:
        audit.record(None, "parcel not called back", subject)


def _delivery(delivery_id: int) -> Delivery:
    return db.session.get_one(Delivery, delivery_id)
