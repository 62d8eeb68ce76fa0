"""A document goes to a point of the carrier: it says where it lies, and what is gone is chosen anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering.parcels import parcel_of
from portal.offices.models import Service
from portal.outbox import OutboxRow
from portal.points import jobs, lists
from portal.providers import current_providers
from portal.testing.elta import EltaSimulator, points
from portal.testing.page_lint import lint
from tests.documents.conftest import make_pdf

pytestmark = pytest.mark.usefixtures("points")

WAY = "elta_point"
WHERE = "ΚΑΤΑΣΤΗΜΑ ΖΩΓΡΑΦΟΥ"
IN_ENGLISH = "ZOGRAFOU STORE, 1 DOKIMIS STR, 15772 ZOGRAFOU"
SHOW = {"show_points": "1"}


@pytest.fixture
def needs(case: Any) -> dict[str, Any]:
    """What the citizen told when he booked: the point as it was listed then."""
    chosen = lists.find(WAY, "00123")
    assert chosen is not None
    return {**case.needs[WAY], "pickup_point": lists.kept(chosen)}


@pytest.fixture
def citizen(case: Any, client: Any, log_in: Callable[..., None]) -> Any:
    """The citizen's browser, in English; the document can come by the courier."""
    with transaction():
        db.session.query(Service).filter_by(key="birth-certificate").one().deliveries = ["email", "elta", WAY]
    client.get("/manual?lang=en")
    log_in(client, case.citizen)
    return client


@pytest.fixture
def clerk(case: Any, client: Any, log_in: Callable[..., None]) -> Callable[[Any], Any]:
    """``clerk(request)``: the browser, in English, of whoever serves the case."""

    def enter(request: Any) -> Any:
        client.get("/manual?lang=en")
        log_in(client, request.appointment.clerk, door="staff")
        return client

    return enter


def sent(case: Any, needs: dict[str, Any]) -> Any:
    request = case.issued(WAY, **needs)
    case.work()
    return request


def close_the_point(elta: EltaSimulator) -> None:
    """The carrier gives it up, and the portal learns of it the next day."""
    elta.services.points = [one for one in points.usual() if one["pudo_codes"] != "00123"]
    jobs.refresh(WAY)


def shown(page: Any) -> list[str]:
    return re.findall(r'name="point" value="([^"]*)"', page.text)


def case_page(request: Any) -> str:
    return f"/staff/appointments/{request.appointment.key}"


def choice_page(request: Any) -> str:
    """Where a clerk chooses the way."""
    return f"/staff/deliveries/other-way/{request.key}"


def choose(browser: Any, request: Any, **typed: str) -> Any:
    answers = {"delivery": WAY, "phone": "6900000000", **typed}
    return browser.submit(f"/staff/documents/{request.key}/other-way", answers, page=choice_page(request))


# --- Sent, followed, read about --------------------------------------------------------------------------


def test_the_parcel_goes_to_the_point_and_keeps_its_words(
    case: Any, needs: dict[str, Any], elta: EltaSimulator
) -> None:
    [delivery] = sent(case, needs).deliveries
    assert delivery.state == "prepared"
    [parcel] = elta.parcels
    assert (parcel.told["pel_service"], parcel.told["pudo_station"]) == ("7", "00123")
    assert delivery.recipient["pickup_point"]["title"] == WHERE
    assert delivery.label_file


def test_citizen_case_desk_and_list_say_where_it_lies(
    case: Any, needs: dict[str, Any], citizen: Any, elta: EltaSimulator, client: Any, log_in: Any
) -> None:
    request = sent(case, needs)
    close_the_point(elta)  # what was chosen stays readable
    assert IN_ENGLISH in citizen.get(f"/appointments/{request.appointment.key}").text
    log_in(client, request.appointment.clerk, door="staff")
    for page in (case_page(request), "/staff/deliveries", f"/staff/deliveries/hand-over/{WAY}"):
        assert IN_ENGLISH in client.get(page).text, page
    assert lint(client.get(case_page(request)).text, "en") == []


def test_reading_it_in_the_portal_does_not_bring_the_paper(
    case: Any, needs: dict[str, Any], clock: Traveller, elta: EltaSimulator
) -> None:
    request = sent(case, needs)
    elta.parcels[0].move("Αποστολή βρίσκεται σε στάδιο μεταφοράς")
    clock.shift(3 * 3600)
    case.work()
    assert request.deliveries[0].state == "sent"
    with transaction():
        lifecycle.opened(request, None)
    assert request.deliveries[0].state == "sent"


# --- A point that is gone --------------------------------------------------------------------------------


def test_a_point_that_is_gone_before_the_sending_gets_no_parcel(
    case: Any, needs: dict[str, Any], elta: EltaSimulator
) -> None:
    request = case.issued(WAY, **needs)
    close_the_point(elta)
    case.work()
    [delivery] = request.deliveries
    assert (delivery.state, elta.parcels) == ("failed", [])
    assert WHERE in delivery.advice
    assert "δεν είναι πλέον διαθέσιμο" in delivery.advice, "in the citizen's language"


def test_a_parcel_that_was_ordered_already_is_found_though_its_point_is_gone(
    case: Any, needs: dict[str, Any], elta: EltaSimulator
) -> None:
    """Else it would be called failed, and travel all the same."""
    request = case.issued(WAY, **needs)
    provider = current_providers().delivery[WAY]
    provider.send(parcel_of(request.deliveries[0], provider))
    close_the_point(elta)
    case.work()
    assert (request.deliveries[0].state, len(elta.parcels)) == ("prepared", 1)


def test_the_citizen_chooses_another_point_himself(
    case: Any, needs: dict[str, Any], citizen: Any, elta: EltaSimulator
) -> None:
    request = case.issued(WAY, **needs)
    close_the_point(elta)
    case.work()
    address = f"/appointments/{request.appointment.key}/delivery"
    page = citizen.get(address)
    assert shown(page) == ["A7"], "near the one that is gone"
    assert lint(page.text, "en") == []
    typed = {"delivery": WAY, "phone": "6900000000", "point_search": "Θεσσαλονίκη"}
    page = citizen.submit(address, {**typed, **SHOW})
    assert (page.status_code, shown(page)) == (200, ["00124"])
    assert len(request.deliveries) == 1
    assert citizen.submit(address, {**typed, "point": "00124"}).status_code == 302
    case.work()
    assert [one.state for one in request.deliveries] == ["failed", "prepared"]
    assert elta.parcels[0].told["pudo_station"] == "00124"
    assert request.appointment.recipient["pickup_point"]["code"] == "00124"


def test_looking_for_points_is_no_attempt(
    case: Any, needs: dict[str, Any], citizen: Any, elta: EltaSimulator
) -> None:
    request = case.issued(WAY, **needs)
    close_the_point(elta)
    case.work()
    address = f"/appointments/{request.appointment.key}/delivery"
    for _look in range(12):
        assert citizen.submit(address, {"delivery": WAY, "point_search": "15772", **SHOW}).status_code == 200
    typed = {"delivery": WAY, "phone": "6900000000", "point": "A7"}
    assert citizen.submit(address, typed).status_code == 302


# --- The clerk -------------------------------------------------------------------------------------------


def issue(browser: Any, request: Any, **more: str) -> str:
    data = {"document": (BytesIO(make_pdf()), "a.pdf"), **more}
    browser.submit(f"{case_page(request)}/document", data, page=case_page(request))
    return str(browser.get(case_page(request)).text)


def test_what_the_citizen_chose_is_issued_without_a_question(
    case: Any, needs: dict[str, Any], clerk: Any, elta: EltaSimulator
) -> None:
    request = case.owed(WAY, **needs)
    browser = clerk(request)
    page = browser.get(case_page(request)).text
    assert IN_ENGLISH in page
    assert choice_page(request) in page
    issue(browser, request)
    case.work()
    assert elta.parcels[0].told["pudo_station"] == "00123"


def test_before_it_is_issued_the_clerk_chooses_another_for_one_that_is_gone(
    case: Any, needs: dict[str, Any], clerk: Any, elta: EltaSimulator
) -> None:
    request = case.owed(WAY, **needs)
    close_the_point(elta)
    browser = clerk(request)
    page = browser.get(case_page(request)).text
    assert "The chosen point is not offered any more" in page
    assert choice_page(request) in page
    assert lint(page, "en") == []
    assert "The point must be chosen first" in issue(browser, request, way=WAY)
    assert request.state == "to_issue"
    assert choose(browser, request, point_search="15772", point="A7").status_code == 302
    assert "KIOSK" in issue(browser, request)
    case.work()
    assert elta.parcels[0].told["pudo_station"] == "A7"
    assert "way chosen" in list(db.session.scalars(select(AuditLine.deed)))


def test_after_a_failure_the_clerk_sends_it_to_a_point(case: Any, clerk: Any, elta: EltaSimulator) -> None:
    request = case.issued("elta", **{**case.needs["elta"], "phone": "+4930000000000"})
    case.work()
    browser = clerk(request)
    assert f'value="{WAY}"' in browser.get(choice_page(request)).text
    page = choose(browser, request, point_search="ζωγραφου", show_points="1")
    assert (page.status_code, shown(page)) == (200, ["00123", "A7"])
    assert lint(page.text, "en") == []
    assert len(request.deliveries) == 1
    assert choose(browser, request, point="00123").status_code == 302
    case.work()
    assert [one.state for one in request.deliveries] == ["failed", "prepared"]
    assert elta.parcels[0].told["pudo_station"] == "00123"


@pytest.mark.parametrize("point", ["", "99999"])
def test_the_clerk_cannot_leave_the_point_out_or_invent_one(
    case: Any, needs: dict[str, Any], clerk: Any, point: str
) -> None:
    request = case.owed(WAY, **needs)
    page = choose(clerk(request), request, point=point)
    assert page.status_code == 422
    assert "Write a postal code or a town" in page.text
    assert request.appointment.recipient == needs


def test_a_phone_that_the_carrier_does_not_call_is_told(case: Any, needs: dict[str, Any], clerk: Any) -> None:
    request = case.owed(WAY, **needs)
    page = choose(clerk(request), request, point="A7", phone="+4930000000000")
    assert "ELTA Courier calls Greek phones only." in page.text
    assert request.appointment.recipient["pickup_point"]["code"] == "00123"


def test_without_a_list_the_clerk_is_not_offered_the_way(
    case: Any, needs: dict[str, Any], clerk: Any
) -> None:
    request = case.owed(WAY, **needs)
    with transaction():
        lists.keep(WAY, [])
    assert f'value="{WAY}"' not in clerk(request).get(choice_page(request)).text


def test_a_list_that_cannot_be_fetched_is_told_to_administrators_in_words(
    case: Any, client: Any, log_in: Any, elta: EltaSimulator, clock: Traveller
) -> None:
    elta.services.customer.password = "another"
    with transaction():
        jobs.post_refreshes()
    case.work()
    clock.shift(24 * 3600)
    case.work()
    assert db.session.query(OutboxRow).filter_by(kind=jobs.REFRESH, state="buried").count() == 1
    [administrator] = case.staff("administrator")[:1]
    client.get("/manual?lang=en")
    log_in(client, administrator, door="staff")
    page = client.get("/staff/attention").text
    assert "The list of a carrier’s pick-up points could not be fetched" in page
    assert lists.near(WAY, "15772") != []
