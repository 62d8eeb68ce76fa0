"""What a clerk recorded by mistake can be undone for a short time: given to the carrier, handed over.

Runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from datetime import timedelta

from portal import audit, clock
from portal.documents import states
from portal.documents.delivering import collecting, following
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.models import Delivery
from portal.people.models import Person

UNDO_FOR = timedelta(minutes=15)

STATE_OF_THE_CASE = {"sent": "issued", "delivered": "completed"}
"""In which state the case must still be for each state that can be undone."""


def can_be_undone(delivery: Delivery) -> bool:
    """A clerk's own deed of the last minutes, since which nothing has happened."""
    at = delivery.by_hand_at
    return (
        at is not None
        and at == delivery.changed_at
        and clock.now() - at < UNDO_FOR
        and STATE_OF_THE_CASE.get(delivery.state) == delivery.request.state
        and current_delivery(delivery.request) is delivery
    )


def undo(delivery: Delivery, actor: Person) -> None:
    """It still lies at the counter. The record keeps both: what was written down, and that it was undone."""
    states.lock(delivery.request, delivery)
    if not can_be_undone(delivery):
        raise states.NotPossible(delivery.state)
    if delivery.state == "delivered":
        states.change_request(delivery.request, "undo")
    states.change_delivery(delivery, "undo")
    delivery.by_hand_at = delivery.hand_over = None
    audit.record(actor.id, "hand-over undone", states.subject(delivery.request))
    collecting.post_end(delivery)
    following.post_label(delivery)
