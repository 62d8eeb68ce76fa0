"""The life of a document and of each attempt to deliver it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal import outbox
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle, states
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Way
from portal.documents.models import Delivery
from portal.documents.states import NotPossible
from portal.plugin_api import Receipt

PICKUP = Way("pickup", {})


def arrived(delivery: Delivery, state: str = "sent", **more: Any) -> None:
    with transaction():
        deliveries.receipt_arrived(delivery, Receipt(reference=delivery.key, state=state, **more))  # type: ignore[arg-type]


def do(change: Callable[..., Any], *about: Any) -> Any:
    with transaction():
        return change(*about)


def waiting_rows(kind: str) -> list[outbox.OutboxRow]:
    return list(db.session.scalars(select(outbox.OutboxRow).filter_by(kind=kind, state="waiting")))


def deeds() -> list[str]:
    return list(db.session.scalars(select(AuditLine.deed).order_by(AuditLine.id)))


def test_a_call_that_ends_with_a_document_leaves_the_office_in_debt(case: Any) -> None:
    request = case.owed()
    assert request.state == "to_issue"
    assert lifecycle.request_of(request.appointment) is request
    assert deliveries.current_delivery(request) is None


def test_issuing_begins_the_delivery_that_the_citizen_chose(case: Any) -> None:
    request = case.issued("email", attachment_wish=True)
    delivery = request.deliveries[0]
    assert (request.state, delivery.state, delivery.provider) == ("issued", "waiting", "email")
    assert delivery.recipient == {"email": "maria@citizens.example", "attachment_wish": True}
    assert len(delivery.key) <= 30
    assert [row.payload for row in waiting_rows("delivery.send")] == [{"delivery_id": delivery.id}]
    assert waiting_rows("document.forget")[0].due_at == request.document.expires_at
    assert "document issued" in deeds()


def test_a_document_is_issued_once(case: Any) -> None:
    request = case.issued()
    stored = request.document
    with pytest.raises(NotPossible):
        do(lifecycle.issue, request, stored, request.appointment.clerk, 30)
    assert len(request.deliveries) == 1


def test_the_recipient_stays_as_it_was_when_the_document_was_issued(case: Any) -> None:
    request = case.issued()
    with transaction():
        request.appointment.recipient = {"email": "other@citizens.example"}
    assert request.deliveries[0].recipient["email"] == "maria@citizens.example"


def test_a_mail_has_arrived_when_the_citizen_opens_the_document(case: Any) -> None:
    request = case.issued()
    arrived(request.deliveries[0])
    assert (request.state, request.deliveries[0].state) == ("issued", "sent")
    do(lifecycle.opened, request, case.citizen)
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")


def test_a_document_to_be_collected_still_waits_when_the_citizen_reads_it_at_home(case: Any) -> None:
    request = case.issued("pickup")
    arrived(request.deliveries[0], "prepared", code="AK7M4X")
    do(lifecycle.opened, request, case.citizen)
    assert (request.state, request.deliveries[0].state) == ("issued", "prepared")


def test_handing_over_completes_the_request(case: Any) -> None:
    request = case.issued("pickup")
    arrived(request.deliveries[0], "prepared", code="AK7M4X")
    do(deliveries.handed_over, request.deliveries[0], request.appointment.clerk, deliveries.Proof("id_card"))
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")
    with pytest.raises(NotPossible):
        do(
            deliveries.handed_over,
            request.deliveries[0],
            request.appointment.clerk,
            deliveries.Proof("id_card"),
        )


def test_a_parcel_given_to_the_carrier_is_sent_and_may_come_back(case: Any) -> None:
    request = case.issued()
    delivery, clerk = request.deliveries[0], request.appointment.clerk
    arrived(delivery, "prepared")
    do(deliveries.handed_to_carrier, delivery, clerk)
    assert delivery.state == "sent"
    do(deliveries.came_back, delivery, clerk)
    assert (request.state, delivery.state) == ("issued", "returned")


def test_a_receipt_that_comes_twice_changes_nothing(case: Any) -> None:
    request = case.issued()
    arrived(request.deliveries[0], "delivered")
    arrived(request.deliveries[0], "sent")
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")


def test_another_way_is_another_attempt_and_calls_off_the_one_that_waits(case: Any) -> None:
    request = case.issued()
    do(deliveries.choose_other_way, request, PICKUP, request.appointment.clerk)
    first, second = request.deliveries
    assert (first.state, second.state, second.provider) == ("cancelled", "waiting", "pickup")
    assert first.key != second.key
    assert [row.payload["delivery_id"] for row in waiting_rows("delivery.send")] == [second.id]


def test_a_receipt_for_a_called_off_attempt_is_kept_but_does_not_revive_it(case: Any) -> None:
    request = case.issued()
    do(deliveries.choose_other_way, request, PICKUP, request.appointment.clerk)
    arrived(request.deliveries[0])
    assert (request.deliveries[0].state, bool(request.deliveries[0].reference)) == ("cancelled", True)


def test_a_mail_opened_after_all_ends_the_waiting_at_the_counter(case: Any) -> None:
    request = case.issued()
    arrived(request.deliveries[0])
    do(deliveries.choose_other_way, request, PICKUP, request.appointment.clerk)
    arrived(request.deliveries[1], "prepared", code="AK7M4X")
    do(lifecycle.opened, request, case.citizen)
    assert request.state == "completed"
    assert [one.state for one in request.deliveries] == ["delivered", "cancelled"]


def test_a_failed_attempt_can_be_tried_again_with_the_same_key(case: Any, clock: Traveller) -> None:
    request = case.issued()
    delivery = request.deliveries[0]
    key = delivery.key
    do(deliveries.failed, delivery, "the mail server refuses the recipient (550)")
    assert (delivery.state, waiting_rows("delivery.send")[0].attempts) == ("failed", 0)
    clock.shift(60)
    do(deliveries.try_again, delivery, request.appointment.clerk)
    assert (delivery.state, delivery.key, delivery.last_error) == ("waiting", key, "")
    assert len(waiting_rows("delivery.send")) == 2


def test_a_completed_request_takes_no_other_way(case: Any) -> None:
    request = case.issued()
    arrived(request.deliveries[0], "delivered")
    with pytest.raises(NotPossible):
        do(deliveries.choose_other_way, request, PICKUP, request.appointment.clerk)


def test_a_wrong_document_is_taken_back_and_the_right_one_issued(
    case: Any, make_pdf: Callable[..., bytes], clock: Traveller
) -> None:
    from portal import files

    request = case.issued()
    arrived(request.deliveries[0])
    wrong = request.document.stored_as
    assert do(lifecycle.take_back, request, request.appointment.clerk) == wrong
    assert (request.state, request.document, request.deliveries[0].state) == ("to_issue", None, "cancelled")
    assert waiting_rows("document.forget") == []
    clock.shift(60)
    right = files.store_pdf("right.pdf", make_pdf())
    do(lifecycle.issue, request, right, request.appointment.clerk, 30)
    assert request.document.stored_as == right.stored_as
    assert [one.state for one in request.deliveries] == ["cancelled", "waiting"]
    assert len(waiting_rows("document.forget")) == 1


def test_nothing_is_issued_after_withdrawing(case: Any) -> None:
    request = case.owed()
    do(lifecycle.withdraw, request, request.appointment.clerk)
    assert request.state == "withdrawn"
    with pytest.raises(NotPossible):
        do(lifecycle.take_back, request, request.appointment.clerk)


@pytest.mark.parametrize("table", [states.REQUEST_TRANSITIONS, states.DELIVERY_TRANSITIONS])
def test_every_state_can_be_reached(table: dict[tuple[str, str], str]) -> None:
    first = next(iter(table))[0]
    reached, before = {first}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in table.items() if state in reached}
    assert reached == {state for state, _ in table} | set(table.values())


def test_changes_outside_of_a_transaction_are_refused(case: Any) -> None:
    request = case.issued()
    with pytest.raises(RuntimeError):
        lifecycle.withdraw(request, request.appointment.clerk)
