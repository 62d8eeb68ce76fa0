"""Collecting at the counter: how long it is kept, the code, the proof, and undoing a mistake."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import select
from time_machine import Traveller

from portal.audit import AuditLine
from portal.db import Bilingual, db, transaction
from portal.documents.delivering import lifecycle as deliveries
from portal.offices.models import Closure
from portal.testing.page_lint import lint

PAPERS = {"taker": "citizen", "paper": "id_card", "paper_seen": "y"}
BY_ANOTHER = {
    **PAPERS,
    "taker": "authorised",
    "authorised": "Νίκος Γεωργίου",
    "authorisation": "govgr",
    "reference": "ABC-123",
    "authorisation_seen": "y",
}


def of(delivery: Any, deed: str) -> str:
    return f"/staff/deliveries/{delivery.key}/{deed}"


def collect(browser: Any, delivery: Any, papers: dict[str, str]) -> Any:
    """Type the right code, then record what was seen."""
    page = of(delivery, "hand-over")
    browser.submit(of(delivery, "code"), {"code": delivery.code}, page=page)
    return browser.submit(of(delivery, "handed-over"), papers, page=page)


def days_later(case: Any, clock: Traveller, days: float) -> None:
    clock.shift(timedelta(days=days))
    case.work()


def subjects(case: Any) -> list[str]:
    return [letter.subject for letter in case.letters()]


def deeds(delivery: Any) -> list[str]:
    subject = f"appointment:{delivery.request.appointment_id}"
    return list(db.session.scalars(select(AuditLine.deed).filter_by(subject=subject).order_by(AuditLine.id)))


# --- How long it is kept ----------------------------------------------------------------------------------


def test_the_last_day_is_a_working_day_of_the_office(case: Any, clock: Traveller) -> None:
    with transaction():  # twenty days from Monday 30 November is a Sunday; the two days after it are closed
        db.session.add(
            Closure(
                first_day=date(2026, 12, 21), last_day=date(2026, 12, 22), reason=Bilingual("Έργα", "Works")
            )
        )
    request = case.issued("pickup")
    case.work()
    assert request.deliveries[0].kept_until == date(2026, 12, 23)
    letter = case.letters()[0]
    assert "Τετάρτη 23 Δεκεμβρίου 2026" in letter.text
    assert re.search(r"Κλειστό: \S+ 21 Δεκ – \S+ 22 Δεκ \(Έργα\)", letter.text)


def test_a_repeated_sending_tells_the_same_day(case: Any, clock: Traveller) -> None:
    from portal.documents.delivering.parcels import parcel_of
    from portal.providers import current_providers

    request = case.issued("pickup")
    delivery, provider = request.deliveries[0], current_providers().delivery["pickup"]
    with transaction():
        kept_until = parcel_of(delivery, provider).kept_until
        assert deliveries.sending_begins(delivery, delivery.sending_since, kept_until)
    first = delivery.kept_until
    clock.shift(timedelta(days=3))
    assert parcel_of(delivery, provider).kept_until == first


def test_one_reminder_is_sent_and_never_a_second(case: Any, ready: Any, clock: Traveller) -> None:
    days_later(case, clock, 6.9)
    assert "Το έγγραφό σας σας περιμένει ακόμη" not in subjects(case)
    days_later(case, clock, 0.2)
    days_later(case, clock, 5)
    assert subjects(case).count("Το έγγραφό σας σας περιμένει ακόμη") == 1
    assert ready.code in case.letters()[0].text


def test_nobody_is_reminded_of_what_he_has_collected(
    case: Any, ready: Any, clerk: Any, clock: Traveller
) -> None:
    collect(clerk, ready, PAPERS)
    before = subjects(case)
    days_later(case, clock, 30)
    assert subjects(case) == before
    assert ready.state == "delivered"


def test_what_nobody_collects_needs_attention_and_the_citizen_is_told(
    case: Any, ready: Any, clerk: Any, clock: Traveller, log_in: Any
) -> None:
    days_later(case, clock, 21)
    assert ready.state == "prepared"  # the twentieth day was a Sunday, so Monday counts too
    days_later(case, clock, 1)
    assert ready.state == "uncollected"
    assert subjects(case)[0] == "Το έγγραφό σας δεν παραλήφθηκε"
    log_in(clerk, ready.request.appointment.clerk, door="staff")
    assert "The citizen has not come in time" in clerk.get("/staff/deliveries").text
    log_in(clerk, case.citizen)
    page = clerk.get(f"/appointments/{ready.request.appointment.key}").text
    assert "nobody came. Call before you come" in page
    assert lint(page, "en") == []


def test_the_clerk_keeps_it_longer_and_the_citizen_reads_the_new_day(
    case: Any, ready: Any, clerk: Any, clock: Traveller, log_in: Any
) -> None:
    days_later(case, clock, 22)
    log_in(clerk, ready.request.appointment.clerk, door="staff")
    clerk.submit(of(ready, "extend"), page=f"/staff/deliveries/other-way/{ready.request.key}")
    case.work()
    assert (ready.state, ready.kept_until) == ("prepared", date(2027, 1, 11))
    assert "Δευτέρα 11 Ιανουαρίου 2027" in case.letters()[0].text
    days_later(case, clock, 21)
    assert ready.state == "uncollected"


def test_what_was_not_collected_goes_another_way(
    case: Any, ready: Any, clerk: Any, clock: Traveller, log_in: Any
) -> None:
    days_later(case, clock, 22)
    log_in(clerk, ready.request.appointment.clerk, door="staff")
    page = f"/staff/deliveries/other-way/{ready.request.key}"
    email = {"delivery": "email", "email": "maria@citizens.example"}
    clerk.submit(f"/staff/documents/{ready.request.key}/other-way", email, page=page)
    assert [one.state for one in ready.request.deliveries] == ["cancelled", "waiting"]


def test_who_comes_after_the_last_day_still_gets_it(
    case: Any, ready: Any, clerk: Any, clock: Traveller, log_in: Any
) -> None:
    days_later(case, clock, 22)
    log_in(clerk, ready.request.appointment.clerk, door="staff")
    collect(clerk, ready, PAPERS)
    assert ready.request.state == "completed"


# --- The code ---------------------------------------------------------------------------------------------


def test_the_qr_in_the_mail_holds_the_code_and_nothing_else(case: Any, ready: Any) -> None:
    (picture,) = [one for one in case.letters()[0].attachments if one.get_filename() == "code.png"]
    (read,) = zxingcpp.read_barcodes(Image.open(BytesIO(picture.get_content())))
    assert read.text == ready.code


def test_the_citizens_page_shows_code_place_and_day(case: Any, ready: Any, client: Any, log_in: Any) -> None:
    log_in(client, case.citizen)
    page = client.get(f"/appointments/{ready.request.appointment.key}").text
    office = ready.request.appointment.office
    for told in (ready.code, "<svg", "21 Δεκεμβρίου 2026", office.address.el, office.opening.el):
        assert told in page
    assert lint(page, "el") == []


def test_a_code_scanned_at_the_desk_leads_to_its_document(ready: Any, clerk: Any) -> None:
    answer = clerk.submit("/staff/deliveries/code", {"code": ready.code}, page="/staff/deliveries")
    assert answer.location == of(ready, "hand-over")
    page = clerk.get(answer.location).text
    assert ready.request.appointment.citizen_name in page
    assert "The code is right" in page
    assert lint(page, "en") == []


def test_a_scanner_on_a_greek_keyboard_types_the_same_code(ready: Any, clerk: Any) -> None:
    with transaction():
        ready.code = "PAXY47"
    answer = clerk.submit("/staff/deliveries/code", {"code": "παχυ47"}, page="/staff/deliveries")
    assert answer.location == of(ready, "hand-over")


def test_another_office_finds_no_document_by_the_code(case: Any, ready: Any, at_desk: Any) -> None:
    foreign = case.staff("clerk", ready.request.appointment.office_id, elsewhere=True)[0]
    answer = at_desk(foreign).submit("/staff/deliveries/code", {"code": ready.code}, page="/staff/deliveries")
    assert answer.status_code == 422


def test_wrong_codes_are_written_down_and_after_five_none_is_tried(
    ready: Any, clerk: Any, clock: Traveller
) -> None:
    page = of(ready, "hand-over")
    for _ in range(5):
        assert "This is not the code" in clerk.submit(of(ready, "code"), {"code": "NO"}, page=page).text
    right = {"code": ready.code}
    assert "Too many wrong codes" in clerk.submit(of(ready, "code"), right, page=page).text
    assert deeds(ready).count("wrong code") == 5
    clock.shift(timedelta(minutes=16))
    assert clerk.submit(of(ready, "code"), right, page=page).status_code == 302


def test_the_field_of_the_desk_is_not_for_guessing_either(ready: Any, clerk: Any) -> None:
    for _ in range(5):
        answer = clerk.submit("/staff/deliveries/code", {"code": "NOCODE"}, page="/staff/deliveries")
        assert "has this code" in answer.text
        assert lint(answer.text, "en") == []
    answer = clerk.submit("/staff/deliveries/code", {"code": ready.code}, page="/staff/deliveries")
    assert "Too many wrong codes" in answer.text


# --- The proof --------------------------------------------------------------------------------------------


def test_without_the_code_nothing_is_handed_over(ready: Any, clerk: Any) -> None:
    answer = clerk.submit(of(ready, "handed-over"), PAPERS, page=of(ready, "hand-over"))
    assert (answer.status_code, ready.state) == (422, "prepared")


def test_a_code_that_was_shown_long_ago_must_be_shown_again(ready: Any, clerk: Any, clock: Traveller) -> None:
    clerk.submit(of(ready, "code"), {"code": ready.code}, page=of(ready, "hand-over"))
    clock.shift(timedelta(minutes=16))
    answer = clerk.submit(of(ready, "handed-over"), PAPERS, page=of(ready, "hand-over"))
    assert (answer.status_code, ready.state) == (422, "prepared")


@pytest.mark.parametrize("missing", ["paper", "paper_seen"])
def test_the_identity_paper_must_have_been_seen(ready: Any, clerk: Any, missing: str) -> None:
    answer = collect(clerk, ready, {**PAPERS, missing: ""})
    assert (answer.status_code, ready.state) == (422, "prepared")
    assert lint(answer.text, "en") == []


@pytest.mark.parametrize("missing", ["authorised", "authorisation", "reference", "authorisation_seen"])
def test_an_authorised_person_shows_the_authorisation(ready: Any, clerk: Any, missing: str) -> None:
    answer = collect(clerk, ready, {**BY_ANOTHER, missing: ""})
    assert (answer.status_code, ready.state) == (422, "prepared")
    assert BY_ANOTHER["reference"] in answer.text or missing == "reference"


def test_the_receipt_names_who_took_it_and_on_what_authorisation(ready: Any, clerk: Any) -> None:
    answer = collect(clerk, ready, BY_ANOTHER)
    page = clerk.get(answer.location).text
    for told in ("Νίκος Γεωργίου", "ABC-123", "Authorisation issued at gov.gr", ready.request.protocol):
        assert told in page
    assert lint(page, "en") == []
    case_page = clerk.get(f"/staff/appointments/{ready.request.appointment.key}").text
    assert "Taken by Νίκος Γεωργίου" in case_page
    assert "to an authorised person" in case_page
    (line,) = db.session.scalars(select(AuditLine).filter_by(deed="document handed over"))
    assert line.facts == {"authorisation": "govgr"}


# --- Undoing ----------------------------------------------------------------------------------------------


def test_a_mistaken_hand_over_is_undone_and_both_stay_in_the_record(ready: Any, clerk: Any) -> None:
    collect(clerk, ready, PAPERS)
    clerk.submit(of(ready, "undo"), page=of(ready, "receipt"))
    assert (ready.state, ready.request.state, ready.hand_over) == ("prepared", "issued", None)
    assert deeds(ready)[-2:] == ["document handed over", "hand-over undone"]
    collect(clerk, ready, PAPERS)
    assert ready.request.state == "completed"


def test_what_was_undone_after_its_last_day_needs_attention(
    case: Any, ready: Any, clerk: Any, clock: Traveller, log_in: Any
) -> None:
    clock.move_to(datetime(2026, 12, 21, 21, 55, tzinfo=UTC))
    log_in(clerk, ready.request.appointment.clerk, door="staff")
    collect(clerk, ready, PAPERS)
    clock.shift(timedelta(minutes=10))
    case.work()
    clerk.submit(of(ready, "undo"), page=of(ready, "receipt"))
    case.work()
    assert ready.state == "uncollected"


def test_after_a_quarter_of_an_hour_nothing_is_undone(ready: Any, clerk: Any, clock: Traveller) -> None:
    collect(clerk, ready, PAPERS)
    clock.shift(timedelta(minutes=15))
    assert "Undo" not in clerk.get(of(ready, "receipt")).text
    clerk.submit(of(ready, "undo"), page="/staff/deliveries")
    assert (ready.state, ready.request.state) == ("delivered", "completed")


@pytest.mark.usefixtures("ways")
def test_a_parcel_that_was_not_given_to_the_carrier_is_taken_back_with_its_label(
    case: Any, at_desk: Any, clock: Traveller
) -> None:
    request = case.issued("elta", **case.needs["elta"])
    case.work()
    delivery = request.deliveries[0]
    browser = at_desk(request.appointment.clerk)
    for deed in ("carrier", "undo"):
        browser.submit(of(delivery, deed), page="/staff/deliveries")
    assert delivery.state == "prepared"
    collect(browser, delivery, PAPERS)
    clock.shift(timedelta(minutes=1))
    browser.submit(of(delivery, "undo"), page="/staff/deliveries")
    case.work()
    assert delivery.state == "prepared"
    assert delivery.label_file
