"""News of a parcel from Greek sentences: every known one, the traps, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier
from portal_delivery_elta.statuses import moment, movements, news

from portal.testing.contracts.delivery import a_parcel
from portal.testing.elta import EltaSimulator, parcels

NOON = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def told(*titles: str, pod: str = "") -> Any:
    """An answer with these movements, newest first, at noon in Athens."""
    records = [
        SimpleNamespace(web_date="20261130", web_time="1200", web_station="ΑΘΗΝΑ", web_status_title=title)
        for title in titles
    ]
    return SimpleNamespace(web_status=records, pod_date=pod, pod_time="1205" if pod else "", st_title="")


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("ΔΗΜΙΟΥΡΓΙΑ ΣΥ.ΔΕ.ΤΑ. ΑΠΟ ΠΕΛΑΤΗ", "prepared"),
        ("Δημιουργία ΣΥ.ΔΕ.ΤΑ.", "prepared"),
        ("ΚΛΕΙΣΙΜΟ ΑΠΟ ΑΘΗΝΑ", "sent"),
        ("Αποστολή βρίσκεται σε στάδιο μεταφοράς", "sent"),
        ("Άφιξη σε", "sent"),
        ("ΑΝΑΧΩΡΗΣΗ", "sent"),
        ("Σε διανομέα προς παράδοση", "sent"),
        ("Αποστολή παραδόθηκε", "delivered"),
        ("ΑΔΥΝΑΜΙΑ ΠΑΡΑΔΟΣΗΣ", "failed"),
        ("Αδυναμία Παράδοσης - απών", "failed"),
        ("Η αποστολή δεν παραδόθηκε", "failed"),
        ("ΑΠΟΡΡΙΦΘΗΚΕ", "failed"),
        ("Ακυρώθηκε", "failed"),
        ("ΕΠΙΣΤΡΟΦΗ ΣΤΟΝ ΑΠΟΣΤΟΛΕΑ", "returned"),
        ("Επιστροφή, παραδόθηκε στον αποστολέα", "returned"),
    ],
)
def test_each_sentence_means_a_state(title: str, state: str) -> None:
    assert news(told(title)).state == state


def test_the_newest_movement_counts() -> None:
    assert news(told("Σε διανομέα προς παράδοση", "ΑΔΥΝΑΜΙΑ ΠΑΡΑΔΟΣΗΣ", "Άφιξη σε")).state == "sent"
    assert news(told("ΑΔΥΝΑΜΙΑ ΠΑΡΑΔΟΣΗΣ", "Σε διανομέα προς παράδοση")).state == "failed"


def test_the_day_of_delivery_is_trusted_before_all_words() -> None:
    delivered = news(told("Άφιξη σε", pod="20261130"))
    assert (delivered.state, delivered.at) == ("delivered", datetime(2026, 11, 30, 10, 5, tzinfo=UTC))


def test_a_parcel_that_its_sender_took_back_was_not_delivered() -> None:
    assert news(told("Αποστολή παραδόθηκε", "Επιστροφή", pod="20261130")).state == "returned"
    assert news(told("Αποστολή παραδόθηκε", "Επιστροφή")).state == "returned"


def test_unknown_words_are_told_and_change_nothing_by_themselves() -> None:
    unknown = news(told("ΠΑΡΑΜΟΝΗ ΣΤΟ ΤΕΛΩΝΕΙΟ"))
    assert (unknown.state, unknown.text) == (None, "ΠΑΡΑΜΟΝΗ ΣΤΟ ΤΕΛΩΝΕΙΟ, ΑΘΗΝΑ")
    later = news(told("ΠΑΡΑΜΟΝΗ ΣΤΟ ΤΕΛΩΝΕΙΟ", "ΑΝΑΧΩΡΗΣΗ", "ΔΗΜΙΟΥΡΓΙΑ"))
    assert (later.state, later.text) == ("sent", "ΠΑΡΑΜΟΝΗ ΣΤΟ ΤΕΛΩΝΕΙΟ, ΑΘΗΝΑ")


def test_nothing_is_no_news() -> None:
    assert (news(told()).state, news(told()).text) == (None, "")


def test_the_first_empty_record_ends_the_history() -> None:
    assert [one.title for one in movements(told("Άφιξη σε", "ΔΗΜΙΟΥΡΓΙΑ", "", "ΕΠΙΣΤΡΟΦΗ"))] == [
        "Άφιξη σε",
        "ΔΗΜΙΟΥΡΓΙΑ",
    ]


@pytest.mark.parametrize(
    ("day", "time", "instant"),
    [
        ("20261130", "1200", NOON),
        ("20261130", "", datetime(2026, 11, 29, 22, 0, tzinfo=UTC)),
        ("20260701", "0905", datetime(2026, 7, 1, 6, 5, tzinfo=UTC)),
        ("20260701", "905", datetime(2026, 7, 1, 6, 5, tzinfo=UTC)),
        ("", "1200", None),
        ("00000000", "0000", None),
        ("20261301", "1200", None),
        ("20261130", "2560", None),
    ],
)
def test_days_and_hours_are_those_of_athens(day: str, time: str, instant: datetime | None) -> None:
    assert moment(day, time) == instant


def test_a_parcel_is_followed_through_its_life(courier: EltaCourier, elta: EltaSimulator, clock: Any) -> None:
    receipt = courier.send(a_parcel())
    [parcel] = elta.parcels
    states = [courier.track(receipt).state]
    for title in (parcels.CLOSED, parcels.TRAVELS, parcels.ARRIVED, parcels.WITH_COURIER):
        clock.shift(3600)
        parcel.move(title)
        states.append(courier.track(receipt).state)
    clock.shift(3600)
    parcel.move(parcels.DELIVERED, by="ΠΑΠΑΔΟΠΟΥΛΟΥ")
    last = courier.track(receipt)
    assert [*states, last.state] == ["prepared", "sent", "sent", "sent", "sent", "delivered"]
    assert last.at == parcel.delivered_at
    assert "ΠΑΠΑΔΟΠΟΥΛΟΥ" not in last.text


def test_a_parcel_that_comes_back_is_returned(courier: EltaCourier, elta: EltaSimulator, clock: Any) -> None:
    receipt = courier.send(a_parcel())
    [parcel] = elta.parcels
    for title, state in (
        (parcels.NOT_DELIVERED, "failed"),
        (parcels.REFUSED, "failed"),
        (parcels.RETURNED, "returned"),
    ):
        clock.shift(3600)
        parcel.move(title)
        assert courier.track(receipt).state == state
