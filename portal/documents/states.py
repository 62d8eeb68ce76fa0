"""In which states a case and its deliveries are, and what leads from one to the next.

The tables, the two functions that follow them, and the lock under which they do. Everything else of
the documents asks these; all of it runs inside the caller's `transaction()`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from portal import clock, outbox
from portal.db import db, must_be_writing
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers import kept_papers
from portal.providers import current_providers

REQUEST_TRANSITIONS = {
    ("to_issue", "ask_papers"): "needs_papers",
    ("to_issue", "issue"): "issued",
    ("to_issue", "refuse"): "refused",
    ("to_issue", "withdraw"): "withdrawn",
    ("needs_papers", "ask_papers"): "needs_papers",
    ("needs_papers", "papers_in"): "in_review",
    ("needs_papers", "go_on"): "to_issue",
    ("needs_papers", "refuse"): "refused",
    ("needs_papers", "withdraw"): "withdrawn",
    ("in_review", "ask_papers"): "needs_papers",
    ("in_review", "take_paper_back"): "needs_papers",
    ("in_review", "go_on"): "to_issue",
    ("in_review", "refuse"): "refused",
    ("in_review", "withdraw"): "withdrawn",
    ("to_issue", "prepare"): "to_approve",
    ("to_issue", "order_seal"): "to_seal",
    ("to_approve", "approve"): "issued",
    ("to_approve", "order_seal"): "to_seal",
    ("to_approve", "send_back"): "to_issue",
    ("to_approve", "call_back"): "to_issue",
    ("to_seal", "seal"): "issued",
    ("to_seal", "call_back"): "to_issue",
    ("refused", "reopen"): "to_issue",
    ("issued", "complete"): "completed",
    ("issued", "take_back"): "to_issue",
    ("completed", "take_back"): "to_issue",
    ("completed", "undo"): "issued",
}
DECISIONS = {
    "issue": "granted",
    "approve": "granted",
    "seal": "granted",
    "refuse": "refused",
    "take_back": "",
    "reopen": "",
}
"""What an event decides; what is taken back, a document or a refusal, leaves the case undecided."""
DELIVERY_TRANSITIONS = {
    ("waiting", "prepare"): "prepared",
    ("waiting", "send"): "sent",
    ("waiting", "arrive"): "delivered",
    ("waiting", "fail"): "failed",
    ("waiting", "cancel"): "cancelled",
    ("prepared", "hand_over"): "delivered",
    ("prepared", "send"): "sent",
    ("prepared", "arrive"): "delivered",
    ("prepared", "come_back"): "returned",
    ("prepared", "fail"): "failed",
    ("prepared", "run_out"): "uncollected",
    ("prepared", "cancel"): "cancelled",
    ("uncollected", "extend"): "prepared",
    ("uncollected", "hand_over"): "delivered",
    ("uncollected", "cancel"): "cancelled",
    ("sent", "arrive"): "delivered",
    ("sent", "come_back"): "returned",
    ("sent", "fail"): "failed",
    ("sent", "cancel"): "cancelled",
    ("sent", "undo"): "prepared",
    ("delivered", "undo"): "prepared",
    ("failed", "try_again"): "waiting",
    ("failed", "send"): "sent",
    ("failed", "arrive"): "delivered",
    ("failed", "come_back"): "returned",
}
CALLING_BACK_GIVES_UP = timedelta(days=2)
FAILURES = ("returned", "failed")
"""The attempt did not bring the document; the change itself has the citizen told."""
PROBLEMS = ("uncollected", *FAILURES)
"""Somebody has to find another way, or give more time."""
TOLD_FOR = timedelta(days=1)
"""For so long it is tried to tell the citizen."""
NOT_ON_ITS_WAY = ("waiting", "prepared", "uncollected")
"""The document has not left the office; another way replaces such an attempt."""


class NotPossible(Exception):
    """The document or its delivery is in a state from which this cannot be done."""


def change_request(request: DocumentRequest, event: str) -> None:
    """Move the case to its next state. Raises NotPossible where the table has none."""
    lock(request)
    following = REQUEST_TRANSITIONS.get((request.state, event))
    if following is None:
        raise NotPossible(request.state)
    request.state, request.version = following, request.version + 1
    if event in DECISIONS:
        request.decision = DECISIONS[event]
        request.decided_at = clock.now() if request.decision else None
    kept_papers.follow(request)


def change_delivery(delivery: Delivery, event: str, at: datetime | None = None) -> None:
    """Move the attempt to its next state; the first one that arrives completes the request.

    ``at`` is when it happened, if a carrier told that.
    """
    lock(delivery.request, delivery)
    following = DELIVERY_TRANSITIONS.get((delivery.state, event))
    if following is None:
        raise NotPossible(delivery.state)
    now = clock.now()
    delivery.state, delivery.changed_at = following, min(max(at or now, delivery.created_at), now)
    if following not in ("prepared", "sent"):
        delivery.label_file = ""  # nobody needs it any more; the store is swept
    if following in FAILURES:
        _post_notice(delivery)
    if following == "delivered" and delivery.request.state == "issued":
        change_request(delivery.request, "complete")
        cancel_what_has_not_left(delivery.request)


def _post_notice(delivery: Delivery) -> None:
    """The citizen is told; once for each attempt, however often it fails."""
    outbox.post(
        "delivery.notice",
        delivery_subject(delivery),
        {"delivery_id": delivery.id},
        key=f"failed-{delivery.key}",
        give_up_at=clock.now() + TOLD_FOR,
    )


def cancel_what_has_not_left(request: DocumentRequest) -> None:
    for delivery in request.deliveries:
        if delivery.state in NOT_ON_ITS_WAY:
            cancel(delivery)


def cancel(delivery: Delivery) -> None:
    """Call the attempt off. What its carrier has of it, or may have, is called back."""
    change_delivery(delivery, "cancel")
    outbox.cancel(delivery_subject(delivery))
    if delivery.reference or delivery.sending_since:
        call_back_outside(delivery)


def call_back_outside(delivery: Delivery) -> None:
    """Have a worker ask the carrier to call the parcel back, if it can; once that has settled."""
    provider = current_providers().delivery.get(delivery.provider)
    if provider is None or not provider.can_call_back or delivery.call_back == "asked":
        return
    now = clock.now()
    unclear_until = delivery.sending_since + provider.settles_after if delivery.sending_since else now
    delivery.call_back = "asked"
    outbox.post(
        "delivery.cancel",
        f"{delivery_subject(delivery)}:call-back",
        {"delivery_id": delivery.id},
        key=f"cancel-{delivery.key}-{now:%Y%m%dT%H%M%S%f}",
        due_at=max(now, unclear_until),
        give_up_at=max(now, unclear_until) + CALLING_BACK_GIVES_UP,
    )


def lock(*rows: DocumentRequest | Delivery) -> None:
    """Of two clicks at the same moment the second sees the state that the first has made.

    The request is always locked before its attempts, so that two changes never wait for each other.
    """
    must_be_writing()
    db.session.flush()  # reading again would drop what was changed in this transaction already
    for row in rows:
        db.session.refresh(row, with_for_update=True)


def subject(request: DocumentRequest) -> str:
    """The record of a case stands in the record of its appointment."""
    return f"appointment:{request.appointment.id}"


def delivery_subject(delivery: Delivery) -> str:
    return f"delivery:{delivery.id}"
