"""A parcel after it was given to a carrier: label, number, news, time limit. The carrier is a stand-in."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from flask_babel import force_locale
from time_machine import Traveller

from portal import files, outbox
from portal.db import db, transaction
from portal.documents import lifecycle, progress
from portal.documents.delivering import carrier, following
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.states import NotPossible
from portal.outbox import buried_rows
from portal.plugin_api import TemporaryFailure, Tracking, lazy
from portal.providers import current_providers
from portal.testing.elta import EltaSimulator, faults, parcels

pytestmark = pytest.mark.usefixtures("ways")

TWO_HOURS = timedelta(hours=2)


def posted(case: Any, way: str = "elta") -> Any:
    """The attempt of a document that went to the carrier."""
    request = case.issued(way, **case.needs[way])
    case.work()
    return request.deliveries[0]


def later(case: Any, clock: Traveller, ahead: timedelta = TWO_HOURS) -> None:
    clock.shift(ahead)
    case.work()


def days(case: Any, clock: Traveller, count: int) -> None:
    """So many days go by, and the workers work on each second one."""
    for _pair in range(count // 2):
        later(case, clock, timedelta(days=2))


def kinds_waiting() -> list[str]:
    rows = (
        db.session.query(outbox.OutboxRow)
        .filter_by(state="waiting")
        .filter(outbox.OutboxRow.kind.startswith("delivery."))
    )
    return sorted(row.kind for row in rows)


# --- Label and number ------------------------------------------------------------------------------------


def test_a_voucher_has_its_number_its_page_and_its_label(case: Any, elta: EltaSimulator) -> None:
    delivery = posted(case)
    [parcel] = elta.parcels
    assert (delivery.state, delivery.reference) == ("prepared", parcel.voucher)
    assert delivery.tracking_url.endswith(parcel.voucher)
    with pikepdf.open(files.open_document(delivery.label_file)) as label:
        assert parcel.voucher.encode() in label.pages[0].Contents.read_bytes()
    assert kinds_waiting() == ["delivery.limit", "delivery.news"]


def test_labels_lie_encrypted_and_are_not_swept_away_while_they_are_needed(
    case: Any, clock: Traveller
) -> None:
    delivery = posted(case)
    file = Path(case.app.config["PORTAL"].instance / "documents" / delivery.label_file)
    assert b"%PDF" not in file.read_bytes()
    before = time.time() - 2 * 24 * 3600
    os.utime(file, (before, before))
    case.issued("email")
    sweep_as_the_job_does()
    assert file.exists()
    with transaction():
        lifecycle.take_back(delivery.request, delivery.request.appointment.clerk)
    assert delivery.label_file == ""
    sweep_as_the_job_does()
    assert not file.exists()


def sweep_as_the_job_does() -> None:
    from portal.documents.jobs import forget

    forget(0)
    db.session.rollback()


def test_a_carrier_that_cannot_draw_now_draws_later(case: Any, elta: EltaSimulator, clock: Traveller) -> None:
    elta.instead["PELB64VG"] = faults.status(503)
    delivery = posted(case)
    assert (delivery.state, delivery.label_file) == ("prepared", "")
    elta.instead.clear()
    later(case, clock)
    assert delivery.label_file


def test_a_lost_number_is_typed_and_then_there_is_a_label(
    case: Any, elta: EltaSimulator, clock: Traveller, client: Any, log_in: Any
) -> None:
    elta.faults["CREATEAWB02"] = faults.once(faults.no_answer)
    delivery = posted(case)
    assert delivery.state == "waiting"
    later(case, clock)
    assert (delivery.state, delivery.number_missing, delivery.label_file) == ("prepared", True, "")
    assert len(elta.parcels) == 1
    log_in(client, delivery.request.appointment.clerk, door="staff")
    assert delivery.reference in client.get("/staff/deliveries").text
    number = elta.parcels[0].voucher
    client.submit(
        f"/staff/deliveries/{delivery.key}/number", {"number": number.lower()}, page="/staff/deliveries"
    )
    case.work()
    assert (delivery.state, delivery.reference, delivery.number_missing) == ("prepared", number, False)
    assert delivery.label_file


def test_a_corrected_number_gets_another_label(case: Any, elta: EltaSimulator) -> None:
    first, second = posted(case), posted(case)
    label = first.label_file
    provider = current_providers().delivery["elta"]
    receipt = provider.accept_number(following.receipt_of(first), second.reference)
    with transaction():
        carrier.number_told(first, receipt, first.request.appointment.clerk)
        following.post_label(first)
    case.work()
    assert first.label_file not in ("", label)


# --- Never sent again too early --------------------------------------------------------------------------


def test_after_an_unclear_call_the_carrier_is_left_alone_until_it_has_settled(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    elta.faults["CREATEAWB02"] = faults.once(faults.soap_fault)
    delivery = posted(case)
    asked = len(elta.called)
    later(case, clock, timedelta(minutes=5))
    assert len(elta.called) == asked
    later(case, clock, timedelta(minutes=10))
    assert (delivery.state, len(elta.parcels)) == ("prepared", 1)
    assert delivery.sending_since is None


def test_what_is_called_off_while_the_carrier_is_asked_is_not_sent(case: Any, elta: EltaSimulator) -> None:
    request = case.issued("elta", **case.needs["elta"])
    clerk = request.appointment.clerk

    def called_off() -> None:
        with case.app.app_context(), transaction():
            from portal.documents.models import DocumentRequest

            lifecycle.take_back(db.session.get_one(DocumentRequest, request.id), clerk)

    elta.before["PELTT03"] = called_off
    case.work()
    assert elta.parcels == []
    assert request.deliveries[0].state == "cancelled"


def test_a_refused_recipient_is_told_with_advice_and_may_be_tried_at_once(
    case: Any, elta: EltaSimulator
) -> None:
    needs = {**case.needs["elta"], "phone": "+4930000000000"}
    request = case.issued("elta", **needs)
    case.work()
    delivery = request.deliveries[0]
    assert delivery.state == "failed"
    assert "landline or mobile number" in delivery.advice
    assert delivery.sending_since is None


# --- News ------------------------------------------------------------------------------------------------


def test_a_parcel_is_followed_until_it_is_delivered(case: Any, elta: EltaSimulator, clock: Traveller) -> None:
    delivery = posted(case)
    [parcel] = elta.parcels
    clock.shift(3600)
    parcel.move(parcels.ARRIVED)
    later(case, clock)
    assert (delivery.state, delivery.news) == ("sent", "Άφιξη σε, ΖΩΓΡΑΦΟΥ")
    clock.shift(3600)
    parcel.move(parcels.DELIVERED, by="ΔΟΚΙΜΗ")
    when = parcel.delivered_at
    later(case, clock)
    assert (delivery.state, delivery.request.state, delivery.changed_at) == ("delivered", "completed", when)
    later(case, clock)
    assert kinds_waiting() == ["delivery.limit"]


def test_a_second_try_of_the_carrier_may_still_bring_it(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    states = []
    for title, by in (
        (parcels.NOT_DELIVERED, ""),
        (parcels.WITH_COURIER, ""),
        (parcels.DELIVERED, "ΔΟΚΙΜΗ"),
    ):
        clock.shift(60)
        elta.parcels[0].move(title, by=by)
        later(case, clock)
        states.append((delivery.state, bool(delivery.last_error)))
    assert states == [("failed", True), ("sent", False), ("delivered", False)]


def test_a_parcel_that_comes_back_needs_another_way(case: Any, elta: EltaSimulator, clock: Traveller) -> None:
    delivery = posted(case)
    clock.shift(60)
    elta.parcels[0].move(parcels.RETURNED)
    later(case, clock)
    assert (delivery.state, delivery.request.state) == ("returned", "issued")
    with transaction():
        again = deliveries.choose_other_way(
            delivery.request,
            deliveries.Way("elta", case.needs["elta"]),
            delivery.request.appointment.clerk,
        )
    case.work()
    assert again.reference != delivery.reference
    assert len(elta.parcels) == 2


def test_what_a_carrier_had_is_not_tried_again_under_the_same_key(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    clock.shift(60)
    elta.parcels[0].move(parcels.REFUSED)
    later(case, clock)
    with pytest.raises(NotPossible), transaction():
        deliveries.try_again(delivery, delivery.request.appointment.clerk)


def test_a_carrier_that_tells_nothing_for_days_is_told_to_the_staff(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    elta.instead["PELTT03"] = faults.status(503)
    later(case, clock)
    later(case, clock, following.PATIENCE)
    assert "delivery.news" in [row.kind for row in buried_rows()]
    assert delivery.state == "prepared"


def test_what_does_not_arrive_in_its_time_needs_attention(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    days(case, clock, 20)
    elta.parcels[0].move(parcels.TRAVELS)
    days(case, clock, 28)
    assert delivery.state == "sent", "its last step is no thirty days old"
    days(case, clock, 4)
    assert delivery.state == "failed"
    assert "ask the carrier" in delivery.last_error


def test_ways_that_are_not_followed_post_nothing(case: Any) -> None:
    posted(case, "email")
    assert kinds_waiting() == []
    posted(case, "pickup")
    assert sorted(kinds_waiting()) == ["delivery.kept", "delivery.waiting"]


def test_news_end_when_the_provider_says_so(case: Any, elta: EltaSimulator, clock: Traveller) -> None:
    current_providers().delivery["elta"].news_for = timedelta(days=2)
    posted(case)
    later(case, clock, timedelta(days=1))
    assert "delivery.news" in kinds_waiting()
    later(case, clock, timedelta(days=2))
    assert "delivery.news" not in kinds_waiting()


def test_our_own_words_for_a_failure_are_kept_in_english_for_staff(case: Any) -> None:
    delivery = posted(case, "pickup")
    news = Tracking("failed", reason=lazy("Choose a way of delivery."), for_citizen="Διαλέξτε.")
    with transaction(), force_locale("el"):
        carrier.news_arrived(delivery, news)
    assert (delivery.last_error, delivery.advice) == ("Choose a way of delivery.", "Διαλέξτε.")
    with force_locale("el"):
        assert progress.reason_told(delivery) == "Επιλέξτε τρόπο παραλαβής."


def test_opening_the_document_at_home_does_not_bring_the_parcel(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    with transaction():
        deliveries.handed_to_carrier(delivery, delivery.request.appointment.clerk)
        lifecycle.opened(delivery.request, case.citizen)
    assert (delivery.state, delivery.request.state) == ("sent", "issued")


def test_with_the_document_the_label_and_the_news_are_forgotten(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    delivery = posted(case)
    elta.parcels[0].move(parcels.TRAVELS)
    later(case, clock)
    clock.move_to(delivery.request.document.expires_at)
    case.work()
    assert (delivery.label_file, delivery.news) == ("", "")


def test_the_log_tells_nothing_personal(
    case: Any, elta: EltaSimulator, clock: Traveller, logged: Any
) -> None:
    posted(case)
    elta.parcels[0].move(parcels.DELIVERED, by="ΠΑΡΑΛΗΠΤΗΣ")
    later(case, clock)
    told = logged()
    assert [text for text in ("Δοκιμής", "6900000000", "ΠΑΡΑΛΗΠΤΗΣ", case.citizen.name) if text in told] == []


def test_trouble_of_the_carrier_is_no_second_parcel_in_the_end(
    case: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    """Everything goes wrong one after the other, for a day."""
    delivery = case.issued("elta", **case.needs["elta"]).deliveries[0]
    for fault in (faults.no_answer, faults.html, faults.twice, faults.truncated, faults.status(500)):
        elta.faults["CREATEAWB02"] = faults.once(fault)
        elta.instead["PELTT03"] = faults.once(fault)
        later(case, clock, timedelta(hours=3))
        elta.instead.clear()
    elta.faults.clear()
    later(case, clock, timedelta(hours=3))
    assert len(elta.parcels) == 1
    assert delivery.state == "prepared"
    assert TemporaryFailure.__name__ not in delivery.last_error
