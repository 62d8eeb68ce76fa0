"""The desk of the staff for parcels: labels, the list to sign, numbers that are typed."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from time_machine import Traveller

from portal.db import db
from portal.testing.elta import EltaSimulator, parcels
from portal.testing.page_lint import lint

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


def joined(content: bytes) -> int:
    with pikepdf.open(BytesIO(content)) as pdf:
        return len(pdf.pages)


@pytest.fixture
def desk(case: Any, client: Any, log_in: Any) -> Any:
    """A browser of a supervisor, who may handle everything of the office."""

    def at(delivery: Any) -> Any:
        [supervisor, *_] = case.staff("supervisor", delivery.request.appointment.office_id)
        log_in(client, supervisor, door="staff")
        return client

    return at


def test_the_labels_of_the_day_are_one_file_and_the_list_names_them(case: Any, desk: Any) -> None:
    first, second = posted(case), posted(case)
    browser = desk(first)
    page = browser.get("/staff/deliveries")
    assert "/staff/deliveries/labels/elta" in page.text
    labels = browser.get("/staff/deliveries/labels/elta")
    assert (labels.mimetype, joined(labels.data)) == ("application/pdf", 2)
    assert labels.headers["Cache-Control"] == "no-store"
    assert joined(browser.get(f"/staff/deliveries/{first.key}/label").data) == 1
    listed = browser.get("/staff/deliveries/hand-over/elta").text
    assert lint(page.text, "el") + lint(listed, "el") == []
    assert [delivery.reference in listed for delivery in (first, second)] == [True, True]
    assert "Δοκιμής 1, 15772 Ζωγράφου" in listed


def test_what_the_carrier_took_is_on_its_way_and_the_rest_still_waits(case: Any, desk: Any) -> None:
    first, second = posted(case), posted(case)
    desk(first).submit(
        "/staff/deliveries/hand-over/elta", {"taken": [first.key, "of-nobody"]}, page="/staff/deliveries"
    )
    db.session.rollback()
    assert (first.state, second.state) == ("sent", "prepared")


def test_where_there_is_no_label_the_desk_says_so(case: Any, desk: Any) -> None:
    browser = desk(posted(case, "pickup"))
    for way in ("elta", "pickup"):
        answer = browser.get(f"/staff/deliveries/labels/{way}")
        assert answer.location == "/staff/deliveries"
    assert browser.get("/staff/deliveries/labels/unknown").status_code == 404


def test_registered_mail_is_sent_when_its_number_is_typed(case: Any, desk: Any) -> None:
    delivery = posted(case, "elta_registered")
    assert (delivery.state, delivery.number_missing) == ("prepared", True)
    browser = desk(delivery)
    page = browser.get("/staff/deliveries").text
    assert "Δοκιμής 1, 15772 Ζωγράφου" in page
    way = f"/staff/deliveries/{delivery.key}/number"
    browser.submit(way, {"number": "RE123456784GR"}, page="/staff/deliveries")
    db.session.rollback()
    assert delivery.state == "prepared"
    assert "check digit" in browser.get("/staff/deliveries").text
    browser.submit(way, {"number": " ρε 123456785 GR"}, page="/staff/deliveries")
    db.session.rollback()
    assert (delivery.state, delivery.reference) == ("sent", "PE123456785GR")
    case_page = browser.get(f"/staff/appointments/{delivery.request.appointment.key}").text
    assert lint(page, "el") + lint(case_page, "el") == []
    assert "https://itemsearch.elta.gr/el-GR/Query/Direct/PE123456785GR" in case_page


def test_registered_mail_arrives_or_comes_back_by_the_clerks_hand(case: Any, desk: Any) -> None:
    for deed, state in (("arrived", "delivered"), ("came-back", "returned")):
        delivery = posted(case, "elta_registered")
        browser = desk(delivery)
        browser.submit(
            f"/staff/deliveries/{delivery.key}/number", {"number": "RE123456785GR"}, page="/staff/deliveries"
        )
        browser.submit(f"/staff/deliveries/{delivery.key}/{deed}", page="/staff/deliveries")
        db.session.rollback()
        assert delivery.state == state


def test_registered_mail_that_nobody_hears_of_needs_attention(case: Any, desk: Any, clock: Traveller) -> None:
    delivery = posted(case, "elta_registered")
    desk(delivery).submit(
        f"/staff/deliveries/{delivery.key}/number", {"number": "RE123456785GR"}, page="/staff/deliveries"
    )
    later(case, clock, timedelta(days=31))
    assert delivery.state == "failed"


def test_a_way_without_numbers_takes_none(case: Any, desk: Any) -> None:
    delivery = posted(case, "pickup")
    browser = desk(delivery)
    browser.submit(
        f"/staff/deliveries/{delivery.key}/number", {"number": "RE123456785GR"}, page="/staff/deliveries"
    )
    assert "δεν έχουν αριθμό" in browser.get("/staff/deliveries").text
    assert delivery.code


def test_the_citizen_reads_the_carriers_words(
    case: Any, elta: EltaSimulator, clock: Traveller, client: Any, log_in: Any
) -> None:
    delivery = posted(case)
    elta.parcels[0].move(parcels.WITH_COURIER)
    later(case, clock)
    log_in(client, case.citizen)
    page = client.get(f"/appointments/{delivery.request.appointment.key}").text
    assert "Σε διανομέα προς παράδοση, ΖΩΓΡΑΦΟΥ" in page
    assert delivery.tracking_url in page


def test_another_way_that_does_not_lead_to_the_citizen_is_told(case: Any, desk: Any) -> None:
    delivery = posted(case, "pickup")
    told = {**case.needs["elta"]["postal_address"], "town": "Α" * 41, "phone": "6900000000"}
    answer = desk(delivery).submit(
        f"/staff/documents/{delivery.request.key}/other-way",
        {"delivery": "elta", **told},
        page="/staff/deliveries",
    )
    assert "at most 40 letters" in answer.text
    assert len(delivery.request.deliveries) == 1
