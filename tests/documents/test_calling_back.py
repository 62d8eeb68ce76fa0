"""Parcels that are called back: only the carrier's yes counts, and who dies is followed by another.

The carrier is a fake whose parcels are files, so that they outlive a killed worker.
"""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from time_machine import Traveller

from portal import outbox
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import calling_back
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.models import Delivery
from portal.documents.states import NotPossible
from portal.plugin_api import TemporaryFailure
from portal.providers import current_providers
from portal.testing.fakes import FakeDelivery, choose
from portal.testing.page_lint import lint
from tests.documents.steps import LATER, Steps, Worker


@pytest.fixture
def carrier(case: Any, tmp_path: Path) -> FakeDelivery:
    """A carrier that can call back, in the place of e-mail; collecting is the other way."""
    folder = tmp_path / "carrier"
    folder.mkdir()
    fake = FakeDelivery(folder, "email")
    choose(case.app, delivery=(fake, current_providers().delivery["pickup"]))
    return fake


def sent(case: Any) -> Any:
    request = case.issued("email")
    case.work()
    return request.deliveries[0]


def ask(delivery: Any) -> None:
    with transaction():
        calling_back.ask(delivery, delivery.request.appointment.clerk)


def deeds() -> list[str]:
    told = db.session.scalars(sqlalchemy.select(AuditLine.deed).order_by(AuditLine.id))
    return [deed for deed in told if "called back" in deed]


def test_a_parcel_is_called_off_only_when_the_carrier_said_yes(case: Any, carrier: FakeDelivery) -> None:
    delivery = sent(case)
    ask(delivery)
    assert (delivery.state, delivery.call_back, len(carrier.parcels())) == ("sent", "asked", 1)
    case.work()
    assert (delivery.state, delivery.call_back, carrier.parcels()) == ("cancelled", "done", [])
    assert deeds() == ["parcel to be called back", "parcel called back"]
    assert delivery.request.state == "issued"


def test_after_a_no_the_parcel_is_still_on_its_way_and_can_be_asked_for_again(
    case: Any, carrier: FakeDelivery, clock: Traveller
) -> None:
    delivery = sent(case)
    carrier.gone = True
    ask(delivery)
    case.work()
    assert (delivery.state, delivery.call_back, len(carrier.parcels())) == ("sent", "refused", 1)
    carrier.gone = False
    clock.shift(timedelta(minutes=1))
    ask(delivery)
    case.work()
    assert (delivery.state, delivery.call_back) == ("cancelled", "done")


def test_nobody_is_asked_twice_at_once(case: Any, carrier: FakeDelivery) -> None:
    delivery = sent(case)
    ask(delivery)
    with pytest.raises(NotPossible):
        ask(delivery)
    case.work()
    assert carrier.calls.count("cancel") == 1


def test_what_cannot_be_called_back_is_not_asked_for(case: Any) -> None:
    delivery = sent(case)
    assert not calling_back.can_be_asked(delivery)
    with pytest.raises(NotPossible):
        ask(delivery)


def test_a_carrier_that_is_away_is_asked_again_and_given_up_in_the_end(
    case: Any, carrier: FakeDelivery, clock: Traveller
) -> None:
    delivery = sent(case)
    ask(delivery)
    carrier.failures = [TemporaryFailure("no answer")]
    case.work()
    assert (delivery.state, delivery.call_back) == ("sent", "asked")
    clock.shift(timedelta(days=3))
    case.work()
    assert (delivery.state, delivery.call_back) == ("sent", "refused")
    (given_up,) = [row.id for row in outbox.buried_rows() if row.kind == "delivery.cancel"]
    with transaction():
        outbox.retry_now(given_up)
    case.work()
    assert (delivery.state, delivery.call_back) == ("cancelled", "done")


def test_a_document_that_is_taken_back_has_its_parcel_called_back(case: Any, carrier: FakeDelivery) -> None:
    delivery = sent(case)
    with transaction():
        lifecycle.take_back(delivery.request, delivery.request.appointment.clerk)
    case.work()
    assert (delivery.state, delivery.call_back, carrier.parcels()) == ("cancelled", "done", [])


def test_an_unclear_order_that_was_called_off_is_looked_up_when_it_has_settled(
    case: Any, carrier: FakeDelivery, clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeDelivery, "settles_after", timedelta(minutes=10))
    request = case.issued("email")
    delivery = request.deliveries[0]
    with transaction():
        assert deliveries.sending_begins(delivery, None)
    (carrier.folder / f"{delivery.key}.json").write_text("{}")
    with transaction():
        way = deliveries.Way("pickup", {})
        deliveries.choose_other_way(request, way, request.appointment.clerk)
    case.work()
    assert (delivery.call_back, len(carrier.parcels())) == ("asked", 1)
    clock.shift(LATER)
    case.work()
    assert (delivery.state, delivery.call_back, carrier.parcels()) == ("cancelled", "done", [])
    assert delivery.reference == delivery.key


def test_a_receipt_that_comes_after_calling_off_has_its_parcel_called_back(
    case: Any, carrier: FakeDelivery
) -> None:
    request = case.issued("email")
    delivery = request.deliveries[0]
    with transaction():
        lifecycle.take_back(request, request.appointment.clerk)
    (carrier.folder / f"{delivery.key}.json").write_text("{}")
    receipt = carrier.find(delivery.key)
    assert receipt is not None
    with transaction():
        deliveries.receipt_arrived(delivery, receipt)
    case.work()
    assert (delivery.state, delivery.call_back, carrier.parcels()) == ("cancelled", "done", [])


def test_a_worker_killed_at_any_step_of_calling_back_leaves_no_parcel(
    case: Any, carrier: FakeDelivery, clock: Traveller
) -> None:
    def killed(chosen: int) -> tuple[int, list[str]]:
        db.session.add(case.citizen)
        number = sent(case).id
        ask(db.session.get_one(Delivery, number))
        ended = Worker(case.app, clock, Steps(chosen)).end()
        clock.shift(LATER)
        case.work()
        delivery = db.session.get_one(Delivery, number)
        assert (delivery.state, delivery.call_back, carrier.parcels()) == ("cancelled", "done", []), chosen
        return ended

    names = killed(0)[1]
    assert {"before email.cancel", "after email.cancel"} <= set(names)
    for chosen in range(1, len(names) + 1):
        assert killed(chosen) == (-signal.SIGKILL, [])
        assert deeds()[-2:] == ["parcel to be called back", "parcel called back"]


def test_staff_call_a_parcel_back_and_read_what_the_carrier_says(
    case: Any, carrier: FakeDelivery, client: Any, log_in: Any
) -> None:
    delivery = sent(case)
    appointment = delivery.request.appointment
    log_in(client, appointment.clerk, door="staff")
    client.get("/manual?lang=en")
    page = f"/staff/appointments/{appointment.key}"
    assert "Call the parcel back" in client.get(page).text
    carrier.gone = True
    client.submit(f"/staff/deliveries/{delivery.key}/call-back", {}, page=page)
    answer = client.get(page).text
    assert "The carrier is being asked" in answer and "Call the parcel back" not in answer
    case.work()
    answer = client.get(page).text
    assert "did not call the parcel back" in answer
    assert lint(answer, "en") == []


def test_a_voucher_of_a_carrier_that_cannot_be_asked_is_not_forgotten(
    case: Any, ways: Any, client: Any, log_in: Any
) -> None:
    """ELTA Courier has no service for it: the clerk reads what to do with the parcel."""
    request = case.issued("elta", **case.needs["elta"])
    case.work()
    appointment = request.appointment
    with transaction():
        deliveries.choose_other_way(request, deliveries.Way("pickup", {}), appointment.clerk)
    client.get("/manual?lang=en")
    log_in(client, appointment.clerk, door="staff")
    answer = client.get(f"/staff/appointments/{appointment.key}").text
    assert f"still knows the parcel {request.deliveries[0].reference}" in answer
    assert request.deliveries[0].call_back == ""
