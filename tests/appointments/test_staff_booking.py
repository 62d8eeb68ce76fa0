"""The staff book for somebody at the counter or on the phone, who has not logged in."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.appointments import availability, lifecycle
from portal.appointments.models import Appointment, Claim
from portal.appointments.rules import Wish
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.offices.models import Office
from portal.outbox import OutboxRow
from portal.people.models import Person
from portal.testing.page_lint import lint

BOOK = "/staff/book/"
CLERK, SUPERVISOR, OF_BRANCH = "k.alexiou", "s.ioannou", "n.georgiou"
SERVICE = "municipality-by-video"
WEDNESDAY = "2026-12-02"
KEPT = datetime(2026, 12, 2, 11, 0, tzinfo=UTC)
"""13:00 on the Wednesday, which is kept for staff until a day before."""
CITIZEN = {
    "name": "Γεωργία Νικολάου",
    "phone": "6900000001",
    "email": "georgia@citizens.example",
    "language": "el",
    "paper": "passport",
    "remark": "Μιλά σιγά.",
    "asked": "counter",
}


def person(login: str) -> Person:
    return db.session.query(Person).filter_by(login=login).one()


def choice(clerk: str = "anyone", **more: str) -> dict[str, str]:
    return {"office": "kep-central", "service": SERVICE, "clerk": clerk, "channel": "video", **more}


def with_alexiou(**more: str) -> dict[str, str]:
    return choice(str(person(CLERK).id), **more)


def open_form(client: Any, asked: dict[str, str], day: str = WEDNESDAY) -> dict[str, str]:
    """What the form of this choice sends by itself: choice, token and the key that ends double clicks."""
    page = client.get(BOOK, query_string={**asked, "day": day})
    assert page.status_code == 200 and lint(page.text, "en") == []
    form = page.text[page.text.index('method="post" novalidate action="/staff/book/"') :]
    return dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))


def offered(page: Any) -> list[datetime]:
    """The times among which the form lets choose."""
    return [datetime.fromisoformat(v) for v in re.findall(r'name="start" value="([^"]+)"', page.text)]


def take(hall: Any, starts_at: datetime, wish: Wish) -> Appointment:
    """Somebody else is quicker."""
    office = db.session.query(Office).filter_by(key="kep-central").one()
    with transaction():
        return lifecycle.hold(hall.service(SERVICE), hall.booking, office, starts_at, None, "el", wish, None)


def booked() -> list[Appointment]:
    return list(db.session.scalars(select(Appointment).filter_by(state="booked")))


def test_a_citizen_without_a_login_gets_an_appointment(hall, desk):
    client = desk(CLERK)
    form = open_form(client, choice())
    start = offered(client.get(BOOK, query_string={**choice(), "day": WEDNESDAY}))[0]
    answer = client.post(BOOK, data={**form, **CITIZEN, "start": start.isoformat()})
    (row,) = booked()
    assert answer.status_code == 302
    assert (row.citizen_id, row.citizen_name, row.phone) == (None, "Γεωργία Νικολάου", "+306900000001")
    assert (row.starts_at, row.paper, row.remark) == (start, "passport", "Μιλά σιγά.")
    assert [(p.role, p.email) for p in row.participants] == [("citizen", "georgia@citizens.example")]
    line = db.session.scalar(select(AuditLine).filter_by(deed="booked", subject=f"appointment:{row.id}"))
    assert line is not None and line.actor_id == person(CLERK).id
    assert "The citizen gets an e-mail." in client.get("/staff/").text


def test_time_that_is_kept_for_staff_is_offered_to_staff_only(hall, desk):
    office = db.session.query(Office).filter_by(key="kep-central").one()
    wish = Wish("video", clerk_id=person(CLERK).id)
    public = availability.offer(hall.service(SERVICE), hall.booking, office, wish=wish)
    assert KEPT not in public.starts
    client = desk(SUPERVISOR)
    assert KEPT in offered(client.get(BOOK, query_string=with_alexiou(day=WEDNESDAY)))
    form = open_form(client, with_alexiou())
    client.post(BOOK, data={**form, **CITIZEN, "start": KEPT.isoformat()})
    (row,) = booked()
    assert (row.starts_at, row.clerk_id) == (KEPT, person(CLERK).id)


def test_a_form_that_is_sent_again_with_another_name_is_another_booking(hall, desk):
    """The clerk went back in the browser and typed the next citizen over the former one."""
    client = desk(CLERK)
    form = {**open_form(client, with_alexiou()), **CITIZEN, "start": KEPT.isoformat()}
    assert client.post(BOOK, data=form).status_code == 302
    again = client.post(BOOK, data={**form, "name": "Πέτρος Άλλος"})
    assert again.status_code == 409
    assert 'value="Πέτρος Άλλος"' in again.text
    assert [row.citizen_name for row in booked()] == [CITIZEN["name"]]


def test_a_double_click_makes_one_appointment(hall, desk):
    client = desk(CLERK)
    form = {**open_form(client, choice()), **CITIZEN, "start": KEPT.isoformat()}
    answers = [client.post(BOOK, data=form) for _click in range(3)]
    assert [answer.status_code for answer in answers] == [302] * 3
    assert len({answer.headers["Location"] for answer in answers}) == 1
    (row,) = booked()
    assert db.session.query(Appointment).count() == 1
    assert set(db.session.scalars(select(Claim.appointment_id))) == {row.id}
    assert len(db.session.scalars(select(OutboxRow).filter_by(kind="appointment.notice")).all()) == 2


def test_a_lost_time_keeps_all_that_was_typed_and_offers_the_nearest_ones(hall, desk):
    client = desk(SUPERVISOR)
    form = {**open_form(client, with_alexiou()), **CITIZEN, "start": KEPT.isoformat(), "needs": "written"}
    take(hall, KEPT, Wish("video", clerk_id=person(CLERK).id, by_staff=True))
    page = client.post(BOOK, data=form)
    assert page.status_code == 409 and lint(page.text, "en") == []
    assert "Somebody else has just taken this time" in page.text
    for typed in (CITIZEN["name"], CITIZEN["email"], CITIZEN["remark"], "6900000001"):
        assert typed in html.unescape(page.text)
    assert re.search(r'value="passport"[^>]*checked', page.text)
    assert re.search(r'value="written"[^>]*checked', page.text)
    near = offered(page)
    assert near == sorted(near) and KEPT not in near and len(near) == 8
    assert all(abs(start - KEPT) < timedelta(hours=3) for start in near)
    assert not booked()
    again = client.post(BOOK, data={**form, "start": near[0].isoformat()})
    assert again.status_code == 302 and [row.starts_at for row in booked()] == [near[0]]


def test_the_named_clerk_is_the_one_who_serves(hall, desk):
    client = desk(SUPERVISOR)
    form = {**open_form(client, with_alexiou()), **CITIZEN}
    times = offered(client.get(BOOK, query_string=with_alexiou(day=WEDNESDAY)))
    for start in (times[0], times[0] + timedelta(hours=1)):
        client.post(BOOK, data={**form, "start": start.isoformat()})
    assert {row.clerk_id for row in booked()} == {person(CLERK).id} and len(booked()) == 2


@pytest.mark.parametrize("start", [KEPT.isoformat(), ""])
def test_a_clerk_of_another_office_is_not_found(hall, desk, start):
    client = desk(CLERK)
    form = {**open_form(client, choice()), **CITIZEN, "start": start}
    assert client.post(BOOK, data={**form, "clerk": str(person(OF_BRANCH).id)}).status_code == 404
    assert client.post(BOOK, data={**form, "office": "kep-branch"}).status_code == 404
    assert client.get(BOOK, query_string=choice(office="kep-branch")).status_code == 404
    assert not booked()


def test_a_citizen_without_an_address_is_told_by_the_clerk(hall, desk):
    client = desk(CLERK)
    form = {**open_form(client, choice()), **CITIZEN, "email": "", "paper": ""}
    client.post(BOOK, data={**form, "start": KEPT.isoformat()})
    (row,) = booked()
    assert (row.email, row.paper) == ("", "")
    assert "there is no e-mail address" in client.get("/staff/").text
    assert db.session.scalar(select(OutboxRow).filter_by(kind="appointment.notice")) is None


def test_a_document_by_email_needs_an_address(hall, desk):
    client = desk(CLERK)
    asked = choice(service="birth-certificate")
    form = {**open_form(client, asked), **CITIZEN, "email": "", "start": KEPT.isoformat()}
    page = client.post(BOOK, data={**form, "delivery": "email"})
    assert page.status_code == 422 and lint(page.text, "en") == []
    assert "This way of delivery needs an e-mail address." in page.text and CITIZEN["name"] in page.text
    assert client.post(BOOK, data={**form, "delivery": "pickup"}).status_code == 302


def test_what_is_missing_is_said_and_the_chosen_time_stays(hall, desk):
    client = desk(CLERK)
    form = {**open_form(client, choice()), "language": "el", "start": KEPT.isoformat()}
    page = client.post(BOOK, data=form)
    assert page.status_code == 422 and lint(page.text, "en") == []
    assert "Write the name as it stands on the identity paper." in page.text
    assert re.search(rf'value="{re.escape(KEPT.isoformat())}"[^>]*checked', page.text)
    for start in ("", "tomorrow", "1500-01-01T00:00:00+00:00", "2026-12-02T11:00:00"):
        assert client.post(BOOK, data={**form, **CITIZEN, "start": start}).status_code == 422
    assert not booked()


def test_an_interpreter_comes_along_and_the_meeting_is_longer(hall, desk):
    client = desk(CLERK)
    asked = choice(interpreted="y")
    page = client.get(BOOK, query_string={**asked, "day": WEDNESDAY})
    form = {**open_form(client, asked), **CITIZEN, "start": offered(page)[0].isoformat()}
    assert client.post(BOOK, data=form).status_code == 302
    (row,) = booked()
    assert row.interpreter_id is not None and row.minutes == 35 and "sign_language" in row.needs


def test_nobody_interprets_sign_language_by_phone(hall, desk):
    client = desk(CLERK)
    by_phone = {"service": "disability-information", "channel": "phone", "interpreted": "y"}
    assert "interpreted" not in open_form(client, choice() | by_phone)


def test_an_administrator_books_in_every_office(hall, desk):
    client = desk("m.stathis")
    asked = choice(office="kep-branch")
    page = client.get(BOOK, query_string={**asked, "day": WEDNESDAY})
    form = {**open_form(client, asked), **CITIZEN, "start": offered(page)[0].isoformat()}
    assert client.post(BOOK, data=form).status_code == 302
    assert [row.office.key for row in booked()] == ["kep-branch"]


def test_where_two_clerks_serve_the_named_one_leads_and_a_colleague_joins(hall) -> None:
    service = hall.service(SERVICE)
    with transaction():
        service.second_clerk = True
    office = db.session.query(Office).filter_by(key="kep-central").one()
    anybody = Wish("video", by_staff=True)
    named = Wish("video", clerk_id=person(CLERK).id, by_staff=True)
    free = availability.offer(service, hall.booking, office, wish=named).starts
    assert free
    assert set(free) <= set(availability.offer(service, hall.booking, office, wish=anybody).starts)
    with transaction():
        row = lifecycle.hold(service, hall.booking, office, free[0], None, "el", named)
    assert row.clerk_id == person(CLERK).id
    assert row.second_clerk_id not in (None, row.clerk_id)
    elsewhere = Wish("video", clerk_id=person(OF_BRANCH).id, by_staff=True)
    assert not availability.offer(service, hall.booking, office, wish=elsewhere).starts
