"""A clerk who has the citizen on the phone chooses another way, and types what he is told for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from portal import files
from portal.appointments import contact
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.delivering import carrier, redirecting
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.states import NotPossible
from portal.outbox import OutboxRow
from portal.people.lifecycle import keep_contact
from portal.plugin_api import DeliveryProvider, Tracking
from portal.testing.fakes import choose
from portal.testing.page_lint import lint

OLD, NEW = "maria@citizens.example", "m.pappa@citizens.example"
STREET = {"street": "Νέα Οδός", "number": "7", "postal_code": "11741", "town": "Αθήνα"}
BY_POST = {"delivery": "elta", "phone": "2101234567", **STREET}
BY_MAIL = {"delivery": "email", "email": NEW}


def page_of(request: Any) -> str:
    return f"/staff/deliveries/other-way/{request.key}"


def redirect(browser: Any, request: Any, told: dict[str, str]) -> Any:
    return browser.submit(f"/staff/documents/{request.key}/other-way", told, page=page_of(request))


def bounced(case: Any) -> Any:
    """A document whose mail came back."""
    request = case.issued("email")
    case.work()
    with transaction():
        carrier.news_arrived(request.deliveries[0], Tracking("failed", reason="no such address"))
    case.work()
    return request


def lines(deed: str) -> list[AuditLine]:
    return list(db.session.scalars(select(AuditLine).filter_by(deed=deed)))


# --- What the clerk types ---------------------------------------------------------------------------------


def test_the_clerk_types_another_address_and_the_document_goes_there(case: Any, at_desk: Any) -> None:
    request = bounced(case)
    browser = at_desk(request.appointment.clerk)
    page = browser.get(page_of(request)).text
    assert 'value="email" checked' in page and f'value="{OLD}"' in page
    assert "(optional)" not in page
    assert redirect(browser, request, BY_MAIL).status_code == 302
    case.work()
    assert [(one.state, one.recipient["email"]) for one in request.deliveries] == [
        ("failed", OLD),
        ("sent", NEW),
    ]
    assert case.letters()[0].recipient == NEW


def test_one_time_codes_go_to_the_address_that_the_clerk_typed(case: Any, at_desk: Any, client: Any) -> None:
    request = bounced(case)
    redirect(at_desk(request.appointment.clerk), request, BY_MAIL)
    case.work()
    client.submit("/logout", page="/staff/deliveries")
    client.submit(f"/documents/{request.key}/code", page=f"/documents/{request.key}")
    case.work()
    letter = case.letters()[0]
    assert (letter.recipient, letter.subject) == (NEW, "Κωδικός για να ανοίξετε το έγγραφό σας")


def test_a_postal_address_and_a_phone_are_typed_for_a_carrier(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = bounced(case)
    assert redirect(at_desk(request.appointment.clerk), request, BY_POST).status_code == 302
    case.work()
    assert [(one.provider, one.state) for one in request.deliveries] == [
        ("email", "failed"),
        ("elta", "prepared"),
    ]
    assert request.deliveries[1].recipient == {"postal_address": STREET, "phone": "+302101234567"}
    assert request.appointment.address == STREET
    assert request.appointment.email == OLD


def test_what_is_wrong_comes_back_at_its_field_and_nothing_typed_is_lost(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = bounced(case)
    answer = redirect(
        at_desk(request.appointment.clerk), request, {**BY_POST, "postal_code": "117", "phone": "12"}
    )
    assert answer.status_code == 422
    for told in ('id="postal_code-error"', 'id="phone-error"', 'value="Νέα Οδός"', 'value="117"'):
        assert told in answer.text
    assert 'value="elta" checked' in answer.text
    assert lint(answer.text, "en") == []
    assert (len(request.deliveries), request.appointment.address) == (1, {})


def test_a_slip_in_the_address_is_asked_about(case: Any, at_desk: Any) -> None:
    request = bounced(case)
    slip = {"delivery": "email", "email": "maria@gmial.com"}
    answer = redirect(at_desk(request.appointment.clerk), request, slip)
    assert "Do you mean maria@gmail.com?" in answer.text
    assert len(request.deliveries) == 1


def test_a_way_must_be_chosen(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    browser = at_desk(request.appointment.clerk)
    assert " checked" not in browser.get(page_of(request)).text
    answer = redirect(browser, request, {})
    assert "Choose a way of delivery." in answer.text
    assert [one.state for one in request.deliveries] == ["prepared"]


def test_where_no_way_leads_to_the_citizen_none_is_offered_and_nothing_breaks(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = bounced(case)
    with transaction():
        request.appointment.citizen_id = None
    choose(case.app, delivery=(ways["mailbox"],))
    browser = at_desk(request.appointment.clerk)
    page = browser.get(page_of(request))
    assert page.status_code == 200 and 'type="radio"' not in page.text
    assert lint(page.text, "en") == []
    answer = browser.submit(f"/staff/documents/{request.key}/other-way", BY_MAIL, page="/staff/deliveries")
    assert answer.status_code == 422
    assert len(request.deliveries) == 1


def test_what_two_ways_need_is_not_hidden_with_one_of_them(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider]
) -> None:
    request = bounced(case)
    page = at_desk(request.appointment.clerk).get(page_of(request)).text
    assert page.count('id="street"') == 1
    below = page.index('class="part part-postal_address"')
    assert page.rindex('type="radio"') < below < page.index('id="street"')
    assert page.count('class="choice needs-postal_address"') == 2
    assert page.index('class="choice-panel"') < page.index('id="phone"') < below


def test_before_it_is_issued_the_clerk_settles_how_it_will_go(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider], make_pdf: Any
) -> None:
    request = case.owed("email")
    answer = redirect(at_desk(request.appointment.clerk), request, BY_POST)
    assert answer.status_code == 302
    assert (request.deliveries, request.appointment.delivery) == ([], "elta")
    assert [line.facts for line in lines("way chosen")] == [{"provider": "elta"}]
    stored = files.store_pdf("a.pdf", make_pdf())
    with transaction():
        lifecycle.issue(request, stored, request.appointment.clerk, 30)
    assert [(one.provider, one.recipient["postal_address"]) for one in request.deliveries] == [
        ("elta", STREET)
    ]


def test_what_has_arrived_goes_no_other_way(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    browser = at_desk(request.appointment.clerk)
    with transaction():
        deliveries.arrived(request.deliveries[0], request.appointment.clerk)
    answer = browser.submit(f"/staff/documents/{request.key}/other-way", BY_MAIL, page="/staff/deliveries")
    assert answer.status_code == 302
    assert "cannot be done any more" in browser.get("/staff/deliveries").text
    assert (len(request.deliveries), request.appointment.email) == (1, OLD)


def test_another_office_neither_sees_nor_changes_it(case: Any, at_desk: Any) -> None:
    request = bounced(case)
    foreign = case.staff("clerk", request.appointment.office_id, elsewhere=True)[0]
    browser = at_desk(foreign)
    assert browser.get(page_of(request)).status_code == 404
    answer = browser.submit(f"/staff/documents/{request.key}/other-way", BY_MAIL, page="/staff/deliveries")
    assert answer.status_code == 404
    assert len(request.deliveries) == 1


def test_a_refused_change_leaves_the_contact_as_it_was(case: Any) -> None:
    request = case.owed("email")
    clerk = request.appointment.clerk
    with transaction():
        lifecycle.withdraw(request, clerk)
    with pytest.raises(NotPossible), transaction():
        redirecting.redirect(request, deliveries.Way("email", {"email": NEW}), contact.Contact(NEW), clerk)
    assert request.appointment.email == OLD


# --- The record -------------------------------------------------------------------------------------------


def test_the_record_names_who_changed_what_kind_and_not_the_data(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider], logged: Any
) -> None:
    request = bounced(case)
    clerk = request.appointment.clerk
    browser = at_desk(clerk)
    redirect(browser, request, BY_POST)
    redirect(browser, request, BY_MAIL)
    assert [(line.actor_id, line.facts) for line in lines("address corrected")] == [
        (clerk.id, {"kinds": ["phone", "address"]}),
        (clerk.id, {"kinds": ["email"]}),
    ]
    page = browser.get(f"/staff/appointments/{request.appointment.key}").text
    assert "How the citizen is reached was corrected" in page
    assert "Phone, Postal address" in page
    case.work()
    told = logged() + json.dumps([line.facts for line in db.session.scalars(select(AuditLine))])
    assert [text for text in (NEW, OLD, "Νέα Οδός", "2101234567", "11741") if text in told] == []


def test_the_waiting_work_holds_no_address_in_the_clear(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    redirect(at_desk(request.appointment.clerk), request, BY_MAIL)
    [row] = db.session.scalars(select(OutboxRow).filter_by(kind="delivery.redirected"))
    assert OLD not in json.dumps(row.payload) and NEW not in json.dumps(row.payload)


def test_the_clerks_own_contact_is_never_touched(case: Any) -> None:
    request = bounced(case)
    clerk = request.appointment.clerk
    with transaction():
        keep_contact(clerk, OLD, "", {})
        contact.correct(request.appointment, contact.Contact(NEW), clerk)
    assert (clerk.email, request.appointment.email) == (OLD, NEW)


# --- Who is told ------------------------------------------------------------------------------------------


def told_of_the_change(case: Any) -> list[str]:
    return [letter.recipient for letter in case.letters() if "έχει αλλάξει" in letter.subject]


def test_the_former_address_is_told_and_no_new_data_stands_in_the_message(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    redirect(at_desk(request.appointment.clerk), request, BY_MAIL)
    case.work()
    assert told_of_the_change(case) == [OLD]
    [letter] = [letter for letter in case.letters() if "έχει αλλάξει" in letter.subject]
    assert request.appointment.office.phone in letter.text
    assert NEW not in letter.text
    assert [one.recipient for one in case.letters() if one.recipient == NEW] == [NEW]


def test_an_address_to_which_mail_went_in_vain_is_not_told(case: Any, at_desk: Any) -> None:
    request = bounced(case)
    redirect(at_desk(request.appointment.clerk), request, BY_MAIL)
    case.work()
    assert told_of_the_change(case) == []


def test_before_it_is_issued_both_addresses_are_told(case: Any, at_desk: Any) -> None:
    request = case.owed("email")
    redirect(at_desk(request.appointment.clerk), request, BY_MAIL)
    case.work()
    case.work()
    assert sorted(told_of_the_change(case)) == sorted([OLD, NEW])


def test_another_way_without_other_data_is_no_news(case: Any, at_desk: Any) -> None:
    request = case.issued("pickup")
    case.work()
    redirect(at_desk(request.appointment.clerk), request, {"delivery": "email", "email": OLD})
    case.work()
    assert told_of_the_change(case) == []
    assert lines("address corrected") == []


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_pages_are_in_order(
    case: Any, at_desk: Any, ways: dict[str, DeliveryProvider], language: str
) -> None:
    for request in (bounced(case), case.owed("email")):
        browser = at_desk(request.appointment.clerk, language)
        assert lint(browser.get(page_of(request)).text, language) == []
        assert lint(browser.get(f"/staff/appointments/{request.appointment.key}").text, language) == []
