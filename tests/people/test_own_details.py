"""My details: contact is kept with the citizen's consent, filled in next time, changed and deleted by him."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.db import db
from portal.people.models import Person
from portal.plugin_api import Identity

MARIA = Identity(
    "m-1",
    first_name="Μαρία",
    last_name="Παππά",
    fathers_name="Ιωάννης",
    birth_year=1984,
    tax_number="999100005",
)
CONTACT = {"email": "maria@example.gr", "phone": "690 000 0000", "street": "Οδός", "number": "1"}


@pytest.fixture(autouse=True)
def in_english(client, arrive, clock):
    client.get("/?lang=en")
    arrive(MARIA)


def maria():
    return db.session.scalars(select(Person)).one()


def test_the_page_shows_what_the_registry_says_and_hides_most_of_the_tax_number(client):
    page = client.get("/my-details").text
    assert "Ιωάννης" in page and "1984" in page and "••••••005" in page
    assert "999100005" not in page
    assert "Nothing is kept at the moment" in page


def test_what_is_saved_is_filled_in_and_can_be_deleted(client):
    saved = client.submit("/my-details", CONTACT)
    assert saved.status_code == 302
    page = client.get("/my-details").text
    assert 'value="maria@example.gr"' in page and "You let us keep these on" in page
    assert maria().contact_kept_at is not None
    client.submit("/my-details", {"forget": "1"})
    assert (maria().email, maria().phone, maria().address, maria().contact_kept_at) == ("", "", {}, None)
    assert "maria@example.gr" not in client.get("/my-details").text


def test_wrong_input_is_said_and_nothing_typed_is_lost(client):
    page = client.submit("/my-details", {**CONTACT, "email": "maria@", "postal_code": "1"})
    assert page.status_code == 422
    assert 'value="maria@"' in page.text and 'id="email-error"' in page.text
    assert maria().contact_kept_at is None


def test_a_provider_that_knows_another_address_does_not_change_what_was_kept(client, arrive):
    client.submit("/my-details", CONTACT)
    arrive(Identity("m-1", email="registry@example.gr", tax_number="999100005"))
    assert maria().email == "maria@example.gr"
