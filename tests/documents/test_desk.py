"""The desk of deliveries: its trays, their order, and what it costs to show them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from time_machine import Traveller

from portal.db import db
from portal.testing.page_lint import lint
from tests.documents.test_pickup import days_later


def test_empty_trays_are_one_line_at_the_end(ready: Any, clerk: Any) -> None:
    page = clerk.get("/staff/deliveries").text
    assert 'id="ready"' in page
    assert 'id="owed"' not in page
    assert (
        page.index("Ready to be handed over") < page.index("Nothing lies here:") < page.index("To be issued")
    )


def test_the_oldest_stands_first_with_its_age(case: Any, ready: Any, at_desk: Any, clock: Traveller) -> None:
    days_later(case, clock, 3)
    office = ready.request.appointment.office_id
    later = case.issued("pickup")
    case.work()
    supervisor = next(p for p in case.staff("administrator"))
    page = at_desk(supervisor).get("/staff/deliveries").text
    assert page.index(ready.request.protocol) < page.index(later.protocol)
    assert "for 3 days" in page
    assert "since today" in page
    assert office


def test_the_desk_is_narrowed_by_way_and_office_in_its_address(case: Any, ready: Any, at_desk: Any) -> None:
    browser = at_desk(case.staff("administrator")[0])
    protocol, office = ready.request.protocol, ready.request.appointment.office_id
    assert protocol in browser.get(f"/staff/deliveries?way=pickup&office={office}").text
    assert protocol not in browser.get("/staff/deliveries?way=email").text
    assert protocol not in browser.get(f"/staff/deliveries?office={office + 1}").text
    assert protocol in browser.get("/staff/deliveries?way=&office=x&page=-1&tray=none").text


def test_a_long_tray_has_pages(case: Any, ready: Any, at_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.documents.delivering import trays

    monkeypatch.setattr(trays, "AT_FIRST", 1)
    monkeypatch.setattr(trays, "ON_A_PAGE", 1)
    second = case.issued("pickup")
    case.work()
    browser = at_desk(case.staff("administrator")[0])
    page = browser.get("/staff/deliveries").text
    assert "Show all 2" in page
    assert second.protocol not in page
    last = browser.get("/staff/deliveries?tray=ready&page=2").text
    assert second.protocol in last
    assert ready.request.protocol not in last
    assert "Page 2 of 2" in last
    assert lint(last, "en") == []


def test_a_longer_desk_asks_the_database_no_more_often(case: Any, ready: Any, at_desk: Any) -> None:
    browser = at_desk(case.staff("administrator")[0])
    asked: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        browser.get("/staff/deliveries")
        few, asked[:] = len(asked), []
        for _ in range(4):
            case.issued("pickup")
        case.work()
        asked[:] = []
        browser.get("/staff/deliveries")
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert few > 0
    assert len(asked) <= few
