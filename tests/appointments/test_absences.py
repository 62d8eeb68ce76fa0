"""Absences and closed days: recorded, planned, settled row by row, taken back; and by whom."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.appointments import availability, lifecycle
from portal.appointments.models import Appointment
from portal.appointments.rules import Wish
from portal.audit import AuditLine
from portal.db import Bilingual, db, transaction
from portal.offices.models import Closure, Office
from portal.outbox import OutboxRow
from portal.people.models import Absence, Membership, Person
from portal.testing.page_lint import lint

ABSENCES = "/staff/absences/"
CLERK, COLLEAGUE, SUPERVISOR, OF_BRANCH = "k.alexiou", "e.markou", "s.ioannou", "n.georgiou"
WEDNESDAY, TUESDAY = "2026-12-02", "2026-12-01"
NINE = datetime(2026, 12, 2, 7, 0, tzinfo=UTC)
ONLY_HE = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
"""On Tuesdays nobody else at the central office starts businesses."""
EVERYBODY_CAN, FEW_CAN = "municipality-by-video", "business-start"


def person(login: str) -> Person:
    return db.session.query(Person).filter_by(login=login).one()


@pytest.fixture
def central(hall: Any) -> Office:
    return db.session.query(Office).filter_by(key="kep-central").one()


@pytest.fixture
def book(hall: Any, central: Office) -> Callable[..., Appointment]:
    """``book(service, starts_at, name)``: an appointment with the clerk who will be away."""

    def book(
        service: str, starts_at: datetime, name: str = "Μαρία", email: str = "m@example.gr"
    ) -> Appointment:
        wish = Wish("video", clerk_id=person(CLERK).id, by_staff=True)
        details = lifecycle.Details(name=name, email=email, phone="+306900000001", language="el", paper="")
        with transaction():
            row = lifecycle.hold(
                hall.service(service), hall.booking, central, starts_at, None, "el", wish, None
            )
            lifecycle.confirm(row, hall.booking, None, details, person(CLERK))
        return row

    return book


def clean(page: Any, status: int = 200) -> str:
    """The page as its reader sees it; it has no fault."""
    assert page.status_code == status
    assert lint(page.text, "en") == []
    return html.unescape(page.text)


def record(client: Any, login: str = CLERK, day: str = WEDNESDAY, **more: str) -> str:
    """Record the absence of somebody; the address of the page on which it is settled."""
    typed = {"office": "kep-central", "person": str(person(login).id), "first_day": day, **more}
    answer = client.submit(ABSENCES, typed)
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def proposals(page: Any) -> list[str]:
    """What can be ticked."""
    return re.findall(r'name="do" value="([^"]+)"', html.unescape(page.text))


def notices_of(row: Appointment) -> set[str]:
    rows = db.session.scalars(select(OutboxRow).filter_by(kind="appointment.notice"))
    return {r.payload["notice"] for r in rows if r.payload["appointment_id"] == row.id}


def outcomes(page: Any) -> list[str]:
    """What is said of each ticked row."""
    found = re.search(r'<section aria-labelledby="outcomes-title".*?</section>', page.text, re.S)
    assert found is not None
    rows = re.findall(r"<li>(.*?)</li>", found[0], re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", row)).strip() for row in rows]


def test_a_colleague_serves_at_the_same_time(hall, desk, book):
    row = book(EVERYBODY_CAN, NINE)
    version = row.version
    client = desk(SUPERVISOR)
    address = record(client)
    page = client.get(address)
    assert "Give it to Ελένη Μάρκου at the same time" in clean(page)
    assert proposals(page) == [f"{row.key} {version} reassign {NINE.isoformat()}"]
    assert row.clerk_id == person(CLERK).id, "nothing is moved without a tick"
    done = client.submit(address, {"do": proposals(page)})
    assert "serves the citizen at the same time" in clean(done)
    assert "Nothing is booked in this time." in done.text
    assert (row.clerk_id, row.starts_at, row.version) == (person(COLLEAGUE).id, NINE, version)
    assert "moved" not in notices_of(row)
    line = db.session.scalar(select(AuditLine).filter_by(deed="reassigned"))
    assert line is not None and line.actor_id == person(SUPERVISOR).id


def test_where_no_colleague_is_there_the_next_free_time_is_proposed(hall, desk, book):
    row = book(FEW_CAN, ONLY_HE)
    client = desk(SUPERVISOR)
    address = record(client, day=TUESDAY)
    page = client.get(address)
    assert "Move it to Wed" in clean(page)
    done = client.submit(address, {"do": proposals(page)})
    assert "the citizen is told" in clean(done)
    # Wednesday at eight with himself is sooner than any other time.
    assert (row.starts_at, row.clerk_id) == (datetime(2026, 12, 2, 6, tzinfo=UTC), person(CLERK).id)
    assert (row.version, "moved" in notices_of(row)) == (2, True)


def test_two_appointments_are_not_promised_the_same_time(hall, desk, book):
    rows = [book(FEW_CAN, ONLY_HE.replace(hour=hour), f"Μαρία {hour}") for hour in (7, 8, 9)]
    client = desk(SUPERVISOR)
    address = record(client, day=TUESDAY)
    page = client.get(address)
    starts = [line.split(" ")[3] for line in proposals(page)]
    assert len(starts) == 3 == len(set(starts))
    done = client.submit(address, {"do": proposals(page)})
    assert clean(done).count("the citizen is told") == 3
    assert sorted(row.starts_at.isoformat() for row in rows) == sorted(starts)


def test_whoever_has_no_address_is_to_be_phoned(hall, desk, book):
    row = book(FEW_CAN, ONLY_HE, email="")
    client = desk(SUPERVISOR)
    address = record(client, day=TUESDAY)
    page = client.get(address)
    text = clean(page)
    assert "To phone" in text and 'href="tel:+306900000001"' in text and "You can offer Wed" in text
    assert proposals(page) == [] and f"/staff/appointments/{row.key}/move" in text


def test_only_what_is_ticked_is_done(hall, desk, book):
    left, chosen = book(EVERYBODY_CAN, NINE, "Πρώτη"), book(EVERYBODY_CAN, NINE.replace(minute=30), "Δεύτερη")
    client = desk(SUPERVISOR)
    address = record(client)
    ticks = proposals(client.get(address))
    page = client.submit(address, {"do": [tick for tick in ticks if tick.startswith(chosen.key)]})
    assert len(outcomes(page)) == 1 and [tick.split(" ")[0] for tick in proposals(page)] == [left.key]
    assert (left.clerk_id, chosen.clerk_id) == (person(CLERK).id, person(COLLEAGUE).id)


def test_a_form_that_is_sent_twice_does_it_once(hall, desk, book):
    row = book(FEW_CAN, ONLY_HE)
    client = desk(SUPERVISOR)
    address = record(client, day=TUESDAY)
    ticks = proposals(client.get(address))
    client.submit(address, {"do": ticks})
    after = row.starts_at
    again = client.submit(address, {"do": ticks}, page=ABSENCES)
    assert outcomes(again) == ["not done Μαρία: The appointment has been changed meanwhile."]
    assert (row.starts_at, row.version) == (after, 2)


def test_what_was_changed_meanwhile_is_left_as_it_is_and_the_rest_is_done(hall, desk, book):
    off, stays = book(EVERYBODY_CAN, NINE, "Πρώτη"), book(EVERYBODY_CAN, NINE.replace(minute=30), "Δεύτερη")
    client = desk(SUPERVISOR)
    address = record(client)
    ticks = proposals(client.get(address))
    with transaction():
        lifecycle.cancel(off, hall.booking, person(CLERK))
    page = client.submit(address, {"do": ticks})
    clean(page)
    assert "has been changed meanwhile" in outcomes(page)[0]
    assert "serves the citizen" in outcomes(page)[1]
    assert (off.state, stays.clerk_id) == ("cancelled", person(COLLEAGUE).id)


def test_a_colleague_who_was_booked_meanwhile_is_not_booked_twice(hall, desk, book, central):
    row = book(EVERYBODY_CAN, NINE)
    client = desk(SUPERVISOR)
    address = record(client)
    ticks = proposals(client.get(address))
    wish = Wish("video", clerk_id=person(COLLEAGUE).id, by_staff=True)
    with transaction():
        service = hall.service(EVERYBODY_CAN)
        lifecycle.hold(service, hall.booking, central, NINE, None, "el", wish, None)
    page = client.submit(address, {"do": ticks})
    assert "Somebody else has just taken this time" in outcomes(page)[0]
    assert (row.clerk_id, row.starts_at) == (person(CLERK).id, NINE)
    assert "Move it to Wed" in clean(page), "another way out is proposed at once"


def test_an_absence_takes_the_offer_away_and_gives_it_back(hall, desk, book, central):
    wish = Wish("video", clerk_id=person(CLERK).id)
    service, day = hall.service(EVERYBODY_CAN), date(2026, 12, 2)

    def free() -> int:
        return len(availability.offer(service, hall.booking, central, day, 1, wish=wish).starts)

    before = free()
    client = desk(SUPERVISOR)
    record(client, from_time="10:00", until_time="11:00")
    assert 0 < free() < before
    address = record(client)
    assert "Wed 2 Dec, 00:00 until Wed 2 Dec, 24:00" in clean(client.get(address))
    assert free() == 0
    client.submit(f"{address}/take-back", page=ABSENCES)
    assert 0 < free() < before
    assert db.session.query(Absence).count() == 1
    assert db.session.scalar(select(AuditLine).filter_by(deed="absence taken back")) is not None


def test_a_clerk_records_his_own_absence_and_settles_it(hall, desk, book):
    row = book(EVERYBODY_CAN, NINE)
    client = desk(CLERK)
    # Whom else he may name, it is himself who is away.
    address = client.submit(ABSENCES, {"person": str(person(COLLEAGUE).id), "first_day": WEDNESDAY}).headers[
        "Location"
    ]
    assert db.session.query(Absence).one().person_id == person(CLERK).id
    ticks = proposals(client.get(address))
    for _click in range(2):
        clean(client.submit(address, {"do": ticks}, page=ABSENCES))
    assert row.clerk_id == person(COLLEAGUE).id


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Say on which day the absence begins."),
        ({"first_day": "30/11/26"}, "Write the day like 30/11/2026."),
        ({"first_day": "2026-12-03", "last_day": "2026-12-02"}, "The last day lies before the first one."),
        ({"first_day": "2026-12-03", "from_time": "12:00", "until_time": "11:00"}, "ends before it begins"),
        ({"first_day": "2026-11-27"}, "This absence is over already."),
        ({"first_day": "2026-12-03", "last_day": "2028-01-01"}, "An absence lasts a year at most."),
        ({"first_day": "2026-12-03", "from_time": "noon"}, "Write the time like 09:30."),
    ],
)
def test_an_absence_that_cannot_be_is_refused_and_stays_in_the_form(hall, desk, typed, said):
    page = desk(CLERK).submit(ABSENCES, typed)
    text = clean(page, 422)
    assert said in text and all(f'value="{value}"' in text for value in typed.values())
    assert db.session.query(Absence).count() == 0


def closed_on(office: Office | None, day: date) -> Closure:
    with transaction():
        row = Closure(
            office_id=office.id if office else None,
            first_day=day,
            last_day=day,
            reason=Bilingual("Έργα", "Works"),
        )
        db.session.add(row)
    return row


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_closed_day_is_settled_with_other_days(hall, desk, book, central, everywhere):
    row = book(EVERYBODY_CAN, NINE)
    closure = closed_on(None if everywhere else central, date(2026, 12, 2))
    client = desk(SUPERVISOR)
    assert "Works" in clean(client.get(ABSENCES))
    address = f"{ABSENCES}closed/kep-central/{closure.id}"
    page = client.get(address)
    assert "Move it to Thu" in clean(page)
    clean(client.submit(address, {"do": proposals(page)}))
    assert row.starts_at.date() == date(2026, 12, 3) and row.state == "booked"
    assert desk(CLERK).get(address).status_code == 403


def test_the_supervisor_of_another_office_finds_nothing(hall, desk, book, central):
    row = book(EVERYBODY_CAN, NINE)
    address = record(desk(SUPERVISOR))
    ticks = proposals(desk(SUPERVISOR).get(address))
    closure = closed_on(central, date(2026, 12, 2))
    with transaction():
        db.session.query(Membership).filter_by(person_id=person(OF_BRANCH).id).one().role = "supervisor"
    client = desk(OF_BRANCH)
    closed = f"{ABSENCES}closed/kep-central/{closure.id}"
    assert client.get(ABSENCES, query_string={"office": "kep-central"}).status_code == 404
    for page in (address, closed):
        assert client.get(page).status_code == 404
        assert client.submit(page, {"do": ticks}, page=ABSENCES).status_code == 404
    assert client.submit(f"{address}/take-back", page=ABSENCES).status_code == 404
    assert desk(COLLEAGUE).get(address).status_code == 404
    # Nor can somebody else's appointment be named on a page of one's own.
    own = client.submit(ABSENCES, {"person": str(person(OF_BRANCH).id), "first_day": WEDNESDAY})
    assert client.submit(own.headers["Location"], {"do": ticks}).status_code == 404
    assert (row.clerk_id, db.session.query(Absence).count()) == (person(CLERK).id, 2)


@pytest.mark.parametrize("tick", ["", "a b", "a x move 2026-12-02T07:00:00+00:00"])
def test_a_row_that_no_page_has_written_is_refused(hall, desk, tick):
    client = desk(SUPERVISOR)
    assert client.submit(record(client), {"do": tick}, page=ABSENCES).status_code == 400
