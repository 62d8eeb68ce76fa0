"""The pages of a booking for another: the citizen's form, the door, and what the staff write and read."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.appointments import availability, call, lifecycle, rooms
from portal.appointments.links import join_token
from portal.appointments.models import Appointment
from portal.appointments.on_behalf import Served, tax_number_of
from portal.appointments.rules import Wish
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.offices.models import Office
from portal.plugin_api import Room
from portal.testing.page_lint import lint

SERVICE, BY_PHONE = "birth-certificate", "disability-information"
ANSWERS = {
    "email": "maria@example.gr",
    "phone": "690 000 0000",
    "paper": "passport",
    "language": "en",
    "delivery": "pickup",
}
NIKOS = {
    "behalf-whom": "person",
    "behalf-first_name": "Νίκος",
    "behalf-last_name": "Παπαδόπουλος",
    "behalf-relation": "parent",
    "behalf-email": "nikos@example.gr",
    "behalf-phone": "690 000 0002",
    "behalf-declared": "y",
}
BUSINESS = {
    "behalf-whom": "business",
    "behalf-business_name": "Δείγμα ΑΕ",
    "behalf-tax_number": "EL 999 100 005",
    "behalf-capacity": "representative",
}
IDENTIFIED = {"paper": "id_card", "paper_shown": "y", "face_matches": "y", "name_matches": "y"}
CLERK = "k.alexiou"
COUNTER_BOOKING = "/staff/book/"


@pytest.fixture
def form(hall, visit, first_free):
    """``form()``: Maria's browser, before the form of a time that is held for her."""

    def open_form(service=SERVICE):
        client = visit(hall.citizen)
        start = first_free(hall, hall.service(service), 20)
        client.submit(f"/services/{service}/times", {"start": start.isoformat(), "office": "any"})
        return client

    return open_form


@pytest.fixture
def book(hall):
    """``book(served)``: an appointment that Maria has booked for another."""

    def book(served, channel="video", language="en"):
        office = db.session.scalar(select(Office).filter_by(key="kep-central"))
        service = hall.service(BY_PHONE if channel == "phone" else SERVICE)
        wish = Wish(channel)
        start = availability.offer(service, hall.booking, office, wish=wish).starts[0]
        details = lifecycle.Details(
            hall.citizen.name, "maria@example.gr", "+306900000000", language, "id_card", served=served
        )
        with transaction():
            row = lifecycle.hold(service, hall.booking, office, start, hall.citizen, language, wish)
            lifecycle.confirm(row, hall.booking, hall.citizen, details, hall.citizen)
        return row

    return book


GRANDFATHER = Served("person", "parent", "Νίκος", "Παπαδόπουλος", "nikos@example.gr", declared=True)
CHILD = Served("person", "child", "Άννα", "Παπαδοπούλου", declared=True)
COMPANY = Served("business", "representative", business_name="Δείγμα ΑΕ", tax_number="999100005")


def booked():
    [row] = db.session.scalars(select(Appointment).filter_by(state="booked"))
    return row


def errors(page):
    """Which questions of the part carry an error of their own."""
    return set(re.findall(r'class="field-error" id="behalf-([a-z_]+)-error"', page.text))


def begin_call(row):
    with transaction():
        call.start(row, ["direct"], row.clerk)
        room = row.rooms[-1]
        rooms.opened(room, Room(room.key, room.closes_at, {"max_guests": "4"}))


# ---------- The citizen's form ----------


def test_whoever_says_nothing_books_for_himself(form):
    client = form()
    page = client.get("/booking")
    assert lint(page.text, "en") == []
    assert re.search(r'name="behalf-whom" value="self" checked', page.text)
    client.submit("/booking", ANSWERS)
    assert booked().served is None


def test_a_citizen_books_for_somebody_without_codes(form):
    client = form()
    answer = client.submit("/booking", ANSWERS | NIKOS)
    row = booked()
    party = row.served
    assert (party.kind, party.name, party.relation) == ("person", "Νίκος Παπαδόπουλος", "parent")
    assert (party.email, party.phone) == ("nikos@example.gr", "+306900000002")
    assert (row.citizen_name, row.email) == ("Μαρία Παπαδοπούλου", "maria@example.gr")
    for address in (answer.location, "/appointments"):
        page = client.get(address)
        assert lint(page.text, "en") == []
        assert "on behalf of Νίκος Παπαδόπουλος (parent)" in page.text
    assert "Νίκος" not in client.get(f"/appointments/{row.key}/appointment.ics").text


def test_a_citizen_books_for_a_business(form):
    client = form()
    client.submit("/booking", ANSWERS | BUSINESS)
    row = booked()
    assert (row.served.name, row.served.relation) == ("Δείγμα ΑΕ", "representative")
    assert tax_number_of(row.served) == "999100005"
    page = client.get(f"/appointments/{row.key}").text
    assert "for the business Δείγμα ΑΕ (legal representative)" in page and "999100005" not in page


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"behalf-whom": "person"}, {"first_name", "last_name", "relation", "declared"}),
        (NIKOS | {"behalf-email": "nikos"}, {"email"}),
        (NIKOS | {"behalf-phone": "12"}, {"phone"}),
        (NIKOS | {"behalf-first_name": "  "}, {"first_name"}),
        (NIKOS | {"behalf-last_name": "Π" * 101}, {"last_name"}),
        ({"behalf-whom": "business"}, {"business_name", "tax_number", "capacity"}),
        (BUSINESS | {"behalf-tax_number": "999100006"}, {"tax_number"}),
        (BUSINESS | {"behalf-tax_number": "000000000"}, {"tax_number"}),
        ({"behalf-whom": "nobody"}, {"whom"}),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(form, given, missing):
    client = form()
    page = client.submit("/booking", ANSWERS | given)
    assert page.status_code == 422 and lint(page.text, "en") == []
    assert errors(page) == missing
    summary = page.text[page.text.index("error-summary") : page.text.index("<h1>")]
    assert summary.count('href="#behalf-') == len(missing)
    for link in re.findall(r'href="#(behalf-[\w-]+)"', summary):
        assert f'id="{link}"' in page.text
    for typed in ("behalf-first_name", "behalf-business_name"):
        if given.get(typed, "").strip():
            assert f'value="{given[typed]}"' in html.unescape(page.text)
    if given["behalf-whom"] != "nobody":
        assert f'value="{given["behalf-whom"]}" checked' in page.text
    assert not db.session.scalars(select(Appointment).filter_by(state="booked")).all()


def test_what_was_typed_for_another_answer_is_kept_and_not_checked(form):
    client = form()
    wrong = {"behalf-tax_number": "123", "behalf-email": "nikos", "behalf-first_name": "Νίκος"}
    page = client.submit("/booking", ANSWERS | wrong | {"behalf-whom": "self", "email": ""})
    assert errors(page) == set() and 'value="Νίκος"' in page.text and 'value="123"' in page.text
    client.submit("/booking", ANSWERS | wrong | {"behalf-whom": "self"})
    assert booked().served is None


def test_asking_for_more_time_keeps_for_whom_it_is(form):
    page = form().submit("/booking", NIKOS | {"extend": "1"})
    assert re.search(r'name="behalf-whom" value="person" checked', page.text)
    assert re.search(r'<option selected value="parent">', page.text)


def test_what_an_answer_demands_is_not_called_optional(form):
    page = form().get("/booking").text
    labels = dict(re.findall(r'<label for="behalf-([a-z_]+)">(.*?)</label>', page))
    optional = {name for name, words in labels.items() if "(optional)" in words}
    assert optional == {"email", "phone"}


def test_by_phone_no_interpreter_is_offered(hall, form, visit):
    assert "Greek Sign Language interpreter" in form().get("/booking").text
    start = availability.offer(hall.service(BY_PHONE), hall.booking, wish=Wish("phone")).starts[0]
    client = visit()
    chosen = {"start": start.isoformat(), "office": "any", "channel": "phone"}
    client.submit(f"/services/{BY_PHONE}/times", chosen)
    page = client.get("/booking").text
    assert "The clerk calls this number" in page and "Greek Sign Language interpreter" not in page


# ---------- The door ----------


def test_his_link_opens_the_door_and_nothing_else(hall, book, visit):
    row = book(GRANDFATHER)
    seat = row.participants[1]
    client, address = visit(), f"/join/{join_token(seat)}"
    page = client.get(address)
    assert page.status_code == 200 and lint(page.text, "en") == []
    assert "Booked for you by" in page.text and "Μαρία Παπαδοπούλου" in page.text
    about = ("", "/move", "/cancel", "/appointment.ics")
    answers = {client.get(f"/appointments/{row.key}{end}").status_code for end in about}
    assert answers == {302}
    assert f"/appointments/{row.key}" not in page.text
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    assert client.get(f"{address}/call").status_code == 200
    with transaction():
        call.finish(row, "nothing", row.clerk)
    over = client.get(address).text
    assert "Μαρία Παπαδοπούλου, who booked for you" in over and f"/appointments/{row.key}" not in over


def test_to_the_video_system_both_are_citizens(hall, book, visit):
    row = book(GRANDFATHER)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    page = visit().get(f"/join/{join_token(row.participants[1])}/call").text
    assert 'data-role="citizen"' in page and 'data-name="Νίκος Παπαδόπουλος"' in page


def test_the_one_who_acts_reads_at_the_door_for_whom(book, visit):
    row = book(GRANDFATHER)
    assert "on behalf of Νίκος Παπαδόπουλος" in visit().get(f"/join/{join_token(row.participants[0])}").text


def test_after_a_cancellation_his_link_says_so_and_leads_nowhere(hall, book, visit):
    row = book(GRANDFATHER)
    token = join_token(row.participants[1])
    client = visit()
    assert client.get(f"/join/{token}").status_code == 200
    with transaction():
        lifecycle.cancel(row, hall.booking, hall.citizen)
    page = client.get(f"/join/{token}").text
    assert "This appointment is cancelled" in page and f"/appointments/{row.key}" not in page
    assert client.get(f"/join/{token}/call").status_code != 200


@pytest.mark.parametrize(
    ("minutes", "deed", "words"),
    [
        (1, lambda row: lifecycle.miss(row, row.clerk), "who booked for you, or the office"),
        (90, lambda row: None, "The call did not take place"),
    ],
)
def test_what_is_over_is_explained_without_a_way_to_book(hall, book, visit, minutes, deed, words):
    row = book(GRANDFATHER)
    hall.clock.move_to(row.starts_at + timedelta(minutes=minutes))
    with transaction():
        deed(row)
    page = visit().get(f"/join/{join_token(row.participants[1])}").text
    assert words in page and "Book this service again" not in page


def test_by_phone_he_reads_whom_the_clerk_calls(book, visit):
    row = book(GRANDFATHER, channel="phone")
    page = visit().get(f"/join/{join_token(row.participants[1])}").text
    assert "the clerk calls Μαρία Παπαδοπούλου, who has booked for you" in page


# ---------- The staff ----------


def test_the_day_the_case_and_the_call_name_both(hall, book, desk):
    row = book(GRANDFATHER)
    client = desk(row.clerk.login)
    hall.clock.move_to(row.starts_at)
    case = client.get(f"/staff/appointments/{row.key}")
    for page in (client.get("/staff/"), case):
        assert lint(page.text, "en") == []
        assert "Μαρία Παπαδοπούλου" in page.text
        assert "on behalf of Νίκος Παπαδόπουλος (parent)" in page.text
    assert "declared by the citizen" in case.text and "nikos@example.gr" in case.text
    assert "for another person (parent)" in case.text
    begin_call(row)
    page = client.get(f"/staff/appointments/{row.key}/call").text
    assert lint(page, "en") == [] and "on behalf of Νίκος Παπαδόπουλος" in page
    assert re.search(r'name="whom" value="served" checked', page)


def test_the_clerk_records_whom_he_identified(hall, book, desk):
    row = book(GRANDFATHER)
    client = desk(row.clerk.login)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    address, page = f"/staff/appointments/{row.key}/identify", f"/staff/appointments/{row.key}/call"
    nobody = client.submit(address, IDENTIFIED, page=page)
    assert "Choose whom you identify." in nobody.text and row.identity_check is None
    for whom, told in (
        ("served", "Μαρία Παπαδοπούλου has booked."),
        ("citizen", "<strong>Μαρία Παπαδοπούλου</strong> on behalf of Νίκος Παπαδόπουλος (parent)"),
    ):
        client.submit(address, {**IDENTIFIED, "whom": whom}, page=page)
        db.session.expire_all()
        assert row.identity_check.whom == whom
        case = client.get(f"/staff/appointments/{row.key}").text
        assert told in case and lint(case, "en") == []
    lines = db.session.scalars(select(AuditLine).filter_by(deed="identity checked").order_by(AuditLine.id))
    assert [line.facts["whom"] for line in lines] == ["served", "citizen"]


@pytest.mark.parametrize("served", [CHILD, COMPANY])
def test_for_a_child_or_a_business_there_is_no_choice_whom_to_identify(hall, book, desk, served):
    row = book(served)
    client = desk(row.clerk.login)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    page = f"/staff/appointments/{row.key}/call"
    assert 'name="whom"' not in client.get(page).text
    data = {**IDENTIFIED, "whom": "served"}
    client.submit(f"/staff/appointments/{row.key}/identify", data, page=page)
    assert row.identity_check.whom == "citizen"


def test_the_staff_read_the_tax_number_of_the_business(book, desk):
    row = book(COMPANY)
    assert "999100005" in desk(row.clerk.login).get(f"/staff/appointments/{row.key}").text


def test_a_document_is_issued_in_the_name_of_the_person_served(hall, book, desk):
    row = book(GRANDFATHER)
    hall.clock.move_to(row.starts_at)
    begin_call(row)
    record = call.IdentityRecord("id_card", True, True, True, whom="served")
    with transaction():
        call.record_identity(row, record, row.clerk)
        call.finish(row, "issue", row.clerk)
    client = desk(row.clerk.login)
    case = client.get(f"/staff/appointments/{row.key}").text
    assert "It is issued in the name of:" in case and "<strong>Νίκος Παπαδόπουλος</strong>" in case
    assert "on behalf of Νίκος Παπαδόπουλος" in client.get("/staff/deliveries").text
