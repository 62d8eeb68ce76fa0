"""A document did not reach the citizen: he is told, and mends it himself; the clerk sees what comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from portal.appointments import contact
from portal.appointments.contact import Contact
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents.delivering import carrier, correcting
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.lifecycle import Way
from portal.documents.states import NotPossible
from portal.offices.models import Service
from portal.people.lifecycle import keep_contact
from portal.plugin_api import DeliveryProvider, Tracking
from portal.testing.page_lint import lint

LogIn = Callable[..., None]
OLD, NEW = "maria@citizens.example", "m.pappa@citizens.example"
ADDRESS = {"street": "Δοκιμής", "number": "1", "postal_code": "15772", "town": "Ζωγράφου"}
BOUNCE = Tracking("failed", reason="no such address", for_citizen="Check your address.")


def fail(delivery: Any, news: Tracking = BOUNCE) -> None:
    with transaction():
        carrier.news_arrived(delivery, news)


def bounced(case: Any) -> Any:
    """A document whose mail came back."""
    request = case.issued("email")
    case.work()
    fail(request.deliveries[0])
    case.work()
    return request


@pytest.fixture
def all_ways(case: Any, ways: dict[str, DeliveryProvider]) -> None:
    """The service's document can come by each of them."""
    with transaction():
        service = db.session.query(Service).filter_by(key="birth-certificate").one()
        service.deliveries = list(ways)


def page_of(request: Any) -> str:
    return f"/appointments/{request.appointment.key}/delivery"


def deeds() -> list[str]:
    return list(db.session.scalars(select(AuditLine.deed).order_by(AuditLine.id)))


@pytest.fixture
def citizen(case: Any, client: Any, log_in: LogIn) -> Any:
    """The citizen's browser, in English."""
    client.get("/manual?lang=en")
    log_in(client, case.citizen)
    return client


# --- The citizen -----------------------------------------------------------------------------------------


def test_the_citizen_reads_what_happened_and_what_he_can_do(case: Any, citizen: Any) -> None:
    request = bounced(case)
    page = citizen.get(f"/appointments/{request.appointment.key}").text
    assert "Check your address." in page
    assert "It is your turn" in page
    assert page_of(request) in page


def test_he_corrects_the_address_and_the_document_goes_there(case: Any, citizen: Any) -> None:
    request = bounced(case)
    before = len(case.letters())
    assert citizen.submit(page_of(request), {"delivery": "email", "email": NEW}).status_code == 302
    case.work()
    assert [(one.state, one.recipient["email"]) for one in request.deliveries] == [
        ("failed", OLD),
        ("sent", NEW),
    ]
    assert [letter.recipient for letter in case.letters()[: len(case.letters()) - before]] == [NEW]
    assert request.appointment.email == NEW
    assert {"delivery corrected", "address corrected"} <= set(deeds())


def test_codes_and_later_messages_go_to_the_corrected_address(case: Any, citizen: Any, client: Any) -> None:
    request = bounced(case)
    citizen.submit(page_of(request), {"delivery": "email", "email": NEW})
    guests = [guest for guest in request.appointment.participants if guest.role == "citizen"]
    assert [guest.email for guest in guests] == [NEW]
    assert request.appointment.recipient["email"] == NEW


def test_he_chooses_another_way(case: Any, citizen: Any, all_ways: None) -> None:
    request = bounced(case)
    told = {"delivery": "elta", "email": "half@", "phone": "6900000000", **ADDRESS}
    assert citizen.submit(page_of(request), told).status_code == 302
    case.work()
    assert [(one.provider, one.state) for one in request.deliveries] == [
        ("email", "failed"),
        ("elta", "prepared"),
    ]
    assert (request.appointment.email, request.appointment.delivery) == (OLD, "elta")
    assert request.deliveries[1].recipient == {"phone": "+306900000000", "postal_address": ADDRESS}


def test_what_the_way_needs_is_demanded_and_nothing_typed_is_lost(
    case: Any, citizen: Any, all_ways: None
) -> None:
    request = bounced(case)
    page = citizen.submit(
        page_of(request), {"delivery": "elta", "email": "half@", "street": "Δοκιμής", "phone": ""}
    )
    assert page.status_code == 422
    assert "Write the postal code." in page.text
    assert "Write a phone number" in page.text
    assert 'value="Δοκιμής"' in page.text and 'value="half@"' in page.text
    assert 'id="email-error"' not in page.text
    assert len(request.deliveries) == 1


def test_a_carrier_that_does_not_reach_him_says_so(case: Any, citizen: Any, all_ways: None) -> None:
    request = bounced(case)
    told = {"delivery": "elta", "phone": "+49 30 000000", **ADDRESS}
    page = citizen.submit(page_of(request), told)
    assert page.status_code == 422
    assert 'id="delivery-error"' in page.text and "calls Greek phones only" in page.text


def test_a_slip_in_the_address_is_asked_about(case: Any, citizen: Any) -> None:
    request = bounced(case)
    page = citizen.submit(page_of(request), {"delivery": "email", "email": "maria@gmial.com"})
    assert page.status_code == 422
    assert "Do you mean maria@gmail.com?" in page.text


def test_without_an_address_the_mail_is_not_sent(case: Any, citizen: Any) -> None:
    request = bounced(case)
    page = citizen.submit(page_of(request), {"delivery": "email", "email": ""})
    assert page.status_code == 422
    assert 'id="email-error"' in page.text


def test_two_presses_begin_one_attempt(case: Any, citizen: Any) -> None:
    request = bounced(case)
    token_page = citizen.get(page_of(request))
    assert token_page.status_code == 200
    citizen.submit(page_of(request), {"delivery": "email", "email": NEW})
    again = citizen.submit(
        page_of(request), {"delivery": "email", "email": NEW}, page=f"/appointments/{request.appointment.key}"
    )
    assert again.status_code == 302
    assert len(request.deliveries) == 2


def test_of_citizen_and_clerk_at_once_the_second_is_refused(case: Any) -> None:
    request = bounced(case)
    assert correcting.can_be_corrected(request)
    with transaction():
        deliveries.choose_other_way(request, Way("pickup", {}), request.appointment.clerk)
    with pytest.raises(NotPossible), transaction():
        correcting.correct(request, Way("email", {"email": NEW}), Contact(), case.citizen)
    assert [one.provider for one in request.deliveries] == ["email", "pickup"]


def test_while_nothing_failed_there_is_nothing_to_correct(case: Any, citizen: Any) -> None:
    request = case.issued("email")
    case.work()
    assert citizen.get(page_of(request)).status_code == 302
    assert "nothing to correct" in citizen.get(f"/appointments/{request.appointment.key}").text
    assert page_of(request) not in citizen.get(f"/appointments/{request.appointment.key}").text


def test_somebody_else_finds_nothing(case: Any, client: Any, log_in: LogIn) -> None:
    request = bounced(case)
    log_in(client, case.stranger)
    assert client.get(page_of(request)).status_code == 404


def test_contact_kept_for_the_next_time_is_mended_where_it_was_the_same(case: Any) -> None:
    request = bounced(case)
    with transaction():
        keep_contact(case.citizen, OLD, "", {})
        contact.correct(request.appointment, Contact(NEW), case.citizen)
    assert case.citizen.email == NEW
    with transaction():
        keep_contact(case.citizen, "other@citizens.example", "", {})
        contact.correct(request.appointment, Contact(OLD), case.citizen)
    assert case.citizen.email == "other@citizens.example"


def test_who_downloads_it_in_the_portal_has_it_though_the_mail_came_back(case: Any, citizen: Any) -> None:
    request = bounced(case)
    assert citizen.get(f"/documents/{request.key}/file").status_code == 200
    assert (request.state, request.deliveries[0].state) == ("completed", "delivered")


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_page_is_in_order(case: Any, citizen: Any, all_ways: None, language: str) -> None:
    request = bounced(case)
    citizen.get(f"/manual?lang={language}")
    assert lint(citizen.get(page_of(request)).text, language) == []
    page = citizen.submit(page_of(request), {"delivery": "email", "email": "maria@gmial.com"})
    assert lint(page.text, language) == []


# --- Who is told -----------------------------------------------------------------------------------------


def test_nothing_is_mailed_to_the_address_that_failed(case: Any) -> None:
    request = case.issued("email")
    case.work()
    before = len(case.letters())
    fail(request.deliveries[0])
    case.work()
    assert len(case.letters()) == before
    assert correcting.is_deaf(request)


def test_when_a_parcel_fails_the_citizen_is_told_by_mail_once(
    case: Any, ways: dict[str, DeliveryProvider], clock: Traveller
) -> None:
    request = case.issued("elta_registered", **case.needs["elta_registered"])
    case.work()
    before = len(case.letters())
    clock.shift(60)
    fail(request.deliveries[0])
    case.work()
    told = case.letters()[0]
    assert len(case.letters()) == before + 1
    assert told.recipient == OLD
    assert page_of(request) in told.text
    assert "Check your address." in told.text
    clock.shift(60)
    fail(request.deliveries[0], Tracking("returned"))
    case.work()
    assert request.deliveries[0].state == "returned"
    assert len(case.letters()) == before + 1


def test_whoever_found_another_way_meanwhile_is_not_told(
    case: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = case.issued("elta_registered", **case.needs["elta_registered"])
    case.work()
    fail(request.deliveries[0])
    with transaction():
        correcting.correct(request, Way("pickup", {}), Contact(), case.citizen)
    case.work()
    assert [letter for letter in case.letters() if page_of(request) in letter.text] == []


# --- The staff -------------------------------------------------------------------------------------------


def test_the_clerk_sees_why_and_whom_to_call(case: Any, at_desk: Any) -> None:
    request = bounced(case)
    page = at_desk(request.appointment.clerk).get(f"/staff/appointments/{request.appointment.key}").text
    assert "could not be told by e-mail: please call" in page
    assert 'href="tel:+306900000000"' in page
    assert "no such address" in page


def test_what_needs_attention_tells_the_next_step(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = case.issued("elta_registered", **case.needs["elta_registered"])
    case.work()
    fail(request.deliveries[0])
    [supervisor, *_] = case.staff("supervisor", request.appointment.office_id)
    page = at_desk(supervisor).get("/staff/attention").text
    assert "can correct the address or choose another way himself" in page
    assert lint(page, "en") == []


def test_the_staff_see_who_chose_the_other_way(case: Any, citizen: Any, at_desk: Any) -> None:
    request = bounced(case)
    citizen.submit(page_of(request), {"delivery": "email", "email": NEW})
    page = at_desk(request.appointment.clerk).get(f"/staff/appointments/{request.appointment.key}").text
    assert "The citizen gave another address or chose another way of delivery" in page
    assert NEW in page
