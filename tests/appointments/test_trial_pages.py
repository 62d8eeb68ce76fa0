"""The call page of a test room: good for its time, for its role, and in its own signature only."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from portal.appointments import trial_pages
from portal.clock import now
from portal.plugin_api import Room


@pytest.fixture
def page(counter: SimpleNamespace, clock: object) -> str:
    room = Room("try-1", now() + timedelta(minutes=15), {"max_guests": "4"})
    with counter.app.app_context():
        return urlsplit(trial_pages.address("direct", room, "clerk")).path


def test_each_who_opens_the_page_is_another_guest(counter, page):
    client = counter.app.test_client()
    first, second = (client.get(page) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert "Nothing is recorded" in first.text or "δεν καταγράφεται" in first.text.lower()
    guests = {answer.text.split('data-guest="')[1].split('"')[0] for answer in (first, second)}
    assert len(guests) == 2
    assert "camera=(self)" in first.headers["Permissions-Policy"]


def test_after_its_time_there_is_no_such_page(counter, page, clock):
    clock.shift(timedelta(minutes=16))
    assert counter.app.test_client().get(page).status_code == 404


def test_a_changed_address_leads_nowhere(counter, page):
    assert counter.app.test_client().get(page[:-1]).status_code == 404
