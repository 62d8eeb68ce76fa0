"""A clerk books for a citizen who acts for another, and the record says so."""

from __future__ import annotations

import re

from sqlalchemy import select

from portal.audit import AuditLine
from portal.db import db
from portal.people.models import Person
from portal.testing.page_lint import lint
from tests.appointments.test_on_behalf_pages import (
    ANSWERS,
    BUSINESS,
    CLERK,
    COUNTER_BOOKING,
    NIKOS,
    SERVICE,
    booked,
    errors,
)


def counter_form(client):
    """The form at the counter: what it sends by itself, with the first time that it offers."""
    choice = {"office": "kep-central", "service": SERVICE, "clerk": "anyone", "channel": "video"}
    page = client.get(COUNTER_BOOKING, query_string=choice)
    assert lint(page.text, "en") == []
    part = page.text[page.text.index('method="post" novalidate action="/staff/book/"') :]
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', part))
    start = re.search(r'name="start" value="([^"]+)"', part)
    return {**hidden, **ANSWERS, "start": start[1], "name": "Γεωργία Νικολάου", "asked": "phone"}


def line_of(row):
    return db.session.scalar(select(AuditLine).filter_by(deed="booked", subject=f"appointment:{row.id}"))


def test_the_record_says_that_the_clerk_acted_and_how_he_was_asked(hall, desk):
    client = desk(CLERK)
    client.post(COUNTER_BOOKING, data=counter_form(client))
    row = booked()
    clerk = db.session.scalar(select(Person).filter_by(login=CLERK))
    assert line_of(row).actor_id == clerk.id
    assert line_of(row).facts == {"clerk": row.clerk_id, "asked": "phone"}
    page = desk("s.ioannou").get(f"/staff/appointments/{row.key}").text
    assert "the citizen asked by phone call" in page


def test_how_the_citizen_asked_is_demanded(hall, desk):
    client = desk(CLERK)
    page = client.post(COUNTER_BOOKING, data={**counter_form(client), "asked": ""})
    assert page.status_code == 422 and "Choose whether the citizen is at the counter" in page.text
    assert "Γεωργία Νικολάου" in page.text


def test_a_clerk_writes_down_for_whom_the_citizen_acts(hall, desk):
    client = desk(CLERK)
    without = {name: value for name, value in NIKOS.items() if name != "behalf-declared"}
    client.post(COUNTER_BOOKING, data={**counter_form(client), **without})
    row = booked()
    assert (row.served.name, row.served.declared_at) == ("Νίκος Παπαδόπουλος", None)
    assert [p.role for p in row.participants] == ["citizen", "served"]
    assert line_of(row).facts == {
        "clerk": row.clerk_id,
        "served": "person",
        "relation": "parent",
        "asked": "phone",
    }


def test_the_clerks_form_says_what_is_missing_and_keeps_the_rest(hall, desk):
    client = desk(CLERK)
    data = {**counter_form(client), **BUSINESS, "behalf-tax_number": "12345"}
    page = client.post(COUNTER_BOOKING, data=data)
    assert page.status_code == 422 and lint(page.text, "en") == []
    assert errors(page) == {"tax_number"}
    assert 'value="Δείγμα ΑΕ"' in page.text and 'value="12345"' in page.text
    page = client.post(COUNTER_BOOKING, data={**data, "behalf-whom": "person"})
    assert errors(page) == {"first_name", "last_name", "relation"}
