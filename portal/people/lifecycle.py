"""How a person becomes known: at login, by what the identity provider says. Called by `people.login`."""

from __future__ import annotations

from sqlalchemy import select

from portal.db import db, must_be_writing
from portal.encryption import encrypt
from portal.people.models import Person
from portal.plugin_api import Identity


def recognise(provider: str, identity: Identity, language: str) -> Person:
    """The person behind ``identity``, made known on the first visit.

    Names follow the registry at each login; contact data that the person typed himself stays.
    """
    must_be_writing()
    person = db.session.scalar(select(Person).filter_by(provider=provider, subject=identity.subject))
    if person is None:
        person = Person(provider=provider, subject=identity.subject, language=language)
        db.session.add(person)
    person.first_name = identity.first_name or person.first_name or ""
    person.last_name = identity.last_name or person.last_name or ""
    person.fathers_name = identity.fathers_name or person.fathers_name or ""
    person.birth_year = identity.birth_year or person.birth_year
    person.email = person.email or identity.email
    person.phone = person.phone or identity.phone
    if identity.tax_number:
        person.tax_number_encrypted = encrypt(identity.tax_number.encode()).decode()
    db.session.flush()
    return person
