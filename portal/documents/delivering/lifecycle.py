"""The life of a delivery: begun, given to its carrier, arrived or come back.

Runs inside the caller's `transaction()`. Each attempt to deliver is a row of its own: a parcel that
came back is followed by a new attempt, the old one stays as it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from portal import audit, clock, outbox
from portal.appointments.models import new_key
from portal.db import db
from portal.documents.models import Delivery, DocumentRequest, HandOver
from portal.documents.states import (
    DELIVERY_TRANSITIONS,
    NotPossible,
    call_back_outside,
    cancel_what_has_not_left,
    change_delivery,
    delivery_subject,
    lock,
    subject,
)
from portal.people.models import Person
from portal.plugin_api import Receipt

RECEIPT_EVENTS = {"prepared": "prepare", "sent": "send", "delivered": "arrive"}
"""How far a receipt says that the provider got, as an event of the delivery."""
GIVE_UP_AFTER = timedelta(days=5)


@dataclass(frozen=True)
class Way:
    """A way of delivery, and what it needs to know by the names of `RecipientField`."""

    provider: str
    recipient: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Proof:
    """What the clerk saw before he let the document out of his hands; no number of an identity paper."""

    paper: str
    authorised: str = field(default="", repr=False)
    """The name of the authorised person; empty when the citizen came himself."""
    authorisation: str = ""
    reference: str = field(default="", repr=False)


def current_delivery(request: DocumentRequest) -> Delivery | None:
    """The attempt that counts: the newest one; None while there is nothing to deliver."""
    if request.state not in ("issued", "completed") or not request.deliveries:
        return None
    return request.deliveries[-1]


def choose_other_way(request: DocumentRequest, way: Way, actor: Person) -> Delivery:
    """Begin a new attempt; one that has not left the office is called off."""
    lock(request)
    if request.state != "issued":
        raise NotPossible(request.state)
    cancel_what_has_not_left(request)
    return begin(request, way, actor)


def try_again(delivery: Delivery, actor: Person) -> None:
    """The same attempt once more, with the same key: what the provider did take stays one parcel.

    What a carrier had and did not bring needs a new attempt.
    """
    if delivery.request.state != "issued" or delivery.reference:
        raise NotPossible(delivery.request.state)
    change_delivery(delivery, "try_again")
    delivery.last_error, delivery.advice, delivery.kept_until = "", "", None
    audit.record(actor.id, "delivery tried again", subject(delivery.request), provider=delivery.provider)
    _post_sending(delivery)


def sending_begins(delivery: Delivery, known_since: datetime | None, kept_until: date | None = None) -> bool:
    """From now on the provider may have the parcel, whatever becomes of us.

    False if it was called off, or if another worker has begun since the parcel was looked up:
    ``known_since`` is what stood in ``sending_since`` then. ``kept_until`` is the day that the recipient
    may be told from now on.
    """
    lock(delivery.request, delivery)
    if delivery.state != "waiting" or delivery.sending_since != known_since:
        return False
    delivery.sending_since, delivery.kept_until = clock.now(), kept_until
    return True


def receipt_arrived(delivery: Delivery, receipt: Receipt) -> None:
    """The provider took the parcel. A receipt that is known already changes nothing.

    If the attempt was called off meanwhile, it stays so, and the parcel is called back. A worker that was
    late and looked the parcel up does not take away the number that another one was told.
    """
    lock(delivery.request, delivery)
    if not receipt.number_missing or not delivery.reference:
        keep_receipt(delivery, receipt)
    delivery.code, delivery.sending_since = receipt.code or "", None
    if delivery.state == "waiting":
        change_delivery(delivery, RECEIPT_EVENTS[receipt.state])
        audit.record(None, "delivery on its way", subject(delivery.request), provider=delivery.provider)
    elif delivery.state == "cancelled":
        call_back_outside(delivery)


def handed_over(delivery: Delivery, actor: Person, proof: Proof) -> None:
    """The citizen, or whom he has authorised, has the document in his hands."""
    change_delivery(delivery, "hand_over")
    delivery.by_hand_at = delivery.changed_at
    delivery.hand_over = HandOver(at=clock.now(), clerk_id=actor.id, **vars(proof))
    kind = proof.authorisation
    audit.record(actor.id, "document handed over", subject(delivery.request), authorisation=kind)


def handed_to_carrier(delivery: Delivery, actor: Person) -> None:
    """The parcel has left the office. What is handed over for a code goes with no carrier: NotPossible."""
    if delivery.code:
        raise NotPossible("it is handed over to whoever shows the code")
    change_delivery(delivery, "send")
    delivery.by_hand_at = delivery.changed_at
    audit.record(actor.id, "document given to the carrier", subject(delivery.request))


def arrived(delivery: Delivery, actor: Person) -> None:
    """The parcel has arrived, as staff read on the carrier's page or heard from the citizen."""
    change_delivery(delivery, "arrive")
    audit.record(actor.id, "document arrived", subject(delivery.request))


def came_back(delivery: Delivery, actor: Person) -> None:
    """The parcel, or the mail, came back; the staff choose another way."""
    change_delivery(delivery, "come_back")
    audit.record(actor.id, "document came back", subject(delivery.request))


def refused(delivery: Delivery, reason: str, advice: str = "") -> None:
    """The provider says clearly that it has no parcel of this attempt, and why."""
    failed(delivery, reason, advice)
    delivery.sending_since = None


def failed(delivery: Delivery, reason: str, advice: str = "") -> None:
    """This attempt did not work; the staff choose another way. ``advice`` is a sentence for the citizen."""
    lock(delivery.request, delivery)
    if (delivery.state, "fail") not in DELIVERY_TRANSITIONS:
        return
    change_delivery(delivery, "fail")
    delivery.last_error, delivery.advice = reason, advice
    audit.record(None, "delivery failed", subject(delivery.request), provider=delivery.provider)


def begin(request: DocumentRequest, way: Way, actor: Person) -> Delivery:
    delivery = Delivery(
        provider=way.provider,
        key=f"{request.key}-{new_key(8)}",
        recipient=dict(way.recipient),
        state="waiting",
    )
    request.deliveries.append(delivery)
    db.session.flush()
    audit.record(actor.id, "delivery begun", subject(request), provider=way.provider)
    _post_sending(delivery)
    return delivery


def _post_sending(delivery: Delivery) -> None:
    outbox.post(
        "delivery.send",
        delivery_subject(delivery),
        {"delivery_id": delivery.id},
        key=f"delivery-{delivery.key}-{delivery.changed_at:%Y%m%dT%H%M%S%f}",
        give_up_at=clock.now() + GIVE_UP_AFTER,
    )


def keep_receipt(delivery: Delivery, receipt: Receipt) -> None:
    """Write down by what the provider knows the parcel."""
    delivery.reference, delivery.number_missing = receipt.reference[:60], receipt.number_missing
    delivery.tracking_url, delivery.data = receipt.tracking_url or "", dict(receipt.data)
