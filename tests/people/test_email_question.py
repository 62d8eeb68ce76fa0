"""An address whose domain looks like a slip is asked about: never changed, kept on the second press."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.db import db
from portal.people.models import Person
from portal.plugin_api import Identity
from portal.testing.page_lint import lint

SLIP = "maria@gmial.com"


@pytest.fixture(autouse=True)
def in_english(client, arrive, clock):
    client.get("/?lang=en")
    arrive(Identity("m-1", first_name="Μαρία", last_name="Παππά", tax_number="999100005"))


def kept() -> str:
    return db.session.scalars(select(Person)).one().email


def test_a_slip_is_asked_about_and_nothing_is_kept_yet(client):
    page = client.submit("/my-details", {"email": SLIP})
    assert page.status_code == 422
    assert "Do you mean maria@gmail.com?" in page.text
    assert f'value="{SLIP}"' in page.text
    assert 'id="email-error"' in page.text
    assert lint(page.text, "en") == []
    assert kept() == ""


def test_sent_once_more_it_stays_as_it_was_typed(client):
    client.submit("/my-details", {"email": SLIP, "email-kept": SLIP})
    assert kept() == SLIP


def test_the_proposal_can_be_ticked(client):
    client.submit("/my-details", {"email": SLIP, "email-kept": SLIP, "email-meant": "maria@gmail.com"})
    assert kept() == "maria@gmail.com"


def test_it_can_be_corrected_by_hand(client):
    client.submit("/my-details", {"email": "maria@gmail.com", "email-kept": SLIP})
    assert kept() == "maria@gmail.com"


def test_another_slip_is_asked_about_anew(client):
    page = client.submit("/my-details", {"email": "maria@gmal.com", "email-kept": SLIP})
    assert "Do you mean maria@gmail.com?" in page.text
    assert kept() == ""


def test_what_is_ticked_is_checked_like_what_is_typed(client):
    page = client.submit("/my-details", {"email": SLIP, "email-meant": "no address"})
    assert page.status_code == 422
    assert kept() == ""
