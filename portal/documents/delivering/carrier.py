"""What is learnt of a parcel that a carrier has: its number, its label, its news.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from flask_babel import force_locale

from portal import audit
from portal.documents import states
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.models import Delivery
from portal.people.models import Person
from portal.plugin_api import LazyText, Receipt, Tracking

NEWS_EVENTS = {"sent": "send", "delivered": "arrive", "returned": "come_back", "failed": "fail"}
"""What the carrier says about a parcel, as an event of the delivery."""


def number_told(delivery: Delivery, receipt: Receipt, actor: Person) -> None:
    """Staff typed the carrier's number; a wrong one can be corrected while the parcel is on its way."""
    states.lock(delivery.request, delivery)
    if delivery.state not in ("prepared", "sent"):
        raise states.NotPossible(delivery.state)
    if receipt.reference != delivery.reference:
        delivery.label_file = ""  # it bears another number
    deliveries.keep_receipt(delivery, receipt)
    if delivery.state == "prepared" and receipt.state == "sent":
        states.change_delivery(delivery, "send")
    audit.record(actor.id, "number of the parcel told", states.subject(delivery.request))


def label_drawn(delivery: Delivery, stored_as: str) -> bool:
    """The label can be printed. False when there is nothing any more to stick it on."""
    states.lock(delivery.request, delivery)
    if delivery.state not in ("prepared", "sent"):
        return False
    delivery.label_file = stored_as
    return True


def news_arrived(delivery: Delivery, news: Tracking) -> None:
    """The carrier says where the parcel is. What it says twice, or too late, changes nothing."""
    states.lock(delivery.request, delivery)
    delivery.news = news.text[:200] or delivery.news
    event = NEWS_EVENTS.get(news.state or "", "")
    # What failed is on its way again only if the carrier says something that happened since.
    is_old = news.at is None or news.at <= delivery.changed_at
    if (delivery.state, event) not in states.DELIVERY_TRANSITIONS or (
        (delivery.state, event) == ("failed", "send") and is_old
    ):
        return
    states.change_delivery(delivery, event, news.at)
    delivery.last_error = _in_english(news.reason) or (news.text if event == "fail" else "")
    delivery.advice = news.for_citizen
    audit.record(None, "news of the carrier", states.subject(delivery.request), state=delivery.state)


def _in_english(reason: LazyText) -> str:
    """As all reasons are kept; pages translate those that the catalogue knows."""
    with force_locale("en"):
        return str(reason)


def forgotten(delivery: Delivery) -> None:
    """The document is gone, and with it whatever still carried the recipient's name outside of its row."""
    states.lock(delivery.request, delivery)
    delivery.label_file = delivery.news = ""
