"""Offices are found by any part of their name or address, however it is typed."""

import pytest
from sqlalchemy import event

from portal.catalogue import import_file
from portal.db import db, transaction
from portal.offices.models import Office, Service
from portal.offices.search import find, searchable
from portal.people.models import Membership


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Άγιος Δημήτριος", "ΑΓΙΟΣ ΔΗΜΗΤΡΙΟΣ"),
        ("  Αγιος,  δημητριος ", "ΑΓΙΟΣ ΔΗΜΗΤΡΙΟΣ"),
        ("Κ.Ε.Π. Ζωγράφου – Κεντρικό", "ΚΕΠ ΖΩΓΡΑΦΟΥ ΚΕΝΤΡΙΚΟ"),
        ("Ϊΰ kep-branch_2 50%", "ΙΥ KEP BRANCH 2 50"),
        ("", ""),
    ],
)
def test_words_are_compared_in_capitals_without_accents(text, plain):
    assert searchable(text) == plain


def keys(query, service=None, limit=10):
    return [office.key for office in find(query, service, limit)]


@pytest.fixture
def offices(database_app, write):
    name = '{ el = "Κεντρικό", en = "Main office" }'
    named = '{ el = "Κ.Ε.Π. Άγιος Δημήτριος", en = "Saint Demetrius" }'
    import_file(write((name, named)), ("email", "pickup"))


@pytest.mark.usefixtures("offices")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["branch", "central"]),
        ("αγιος", ["central"]),
        ("ΆΓΙΟΣ κεπ", ["central"]),
        ("αγιος οδος", ["central"]),
        ("demetr street", ["central"]),
        ("οδος", ["branch", "central"]),
        ("branch", ["branch"]),
        ("αγιος παραρτημα", []),
        ("%", ["branch", "central"]),
        ("a " + " ".join(f"b{number}" for number in range(2000)), []),
    ],
)
def test_every_typed_word_must_occur(query, found):
    assert keys(query) == found


@pytest.mark.usefixtures("offices")
def test_only_offices_that_serve_are_found_and_only_as_many_as_asked():
    advice = db.session.query(Service).filter_by(key="advice").one()
    assert keys("οδος", advice) == ["central"]
    assert keys("οδος", limit=1) == ["branch"]
    with transaction():
        db.session.query(Office).filter_by(key="branch").one().active = False
        db.session.query(Membership).filter_by(role="clerk").one().active = False
    assert keys("οδος") == ["central"]
    assert keys("οδος", advice) == []


@pytest.mark.usefixtures("offices")
def test_finding_asks_the_database_once():
    advice = db.session.query(Service).filter_by(key="advice").one()
    statements = []

    def listen(connection, cursor, statement, *rest):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", listen)
    keys("αγιος", advice)
    event.remove(db.engine, "before_cursor_execute", listen)
    assert len(statements) == 1 and "LIMIT" in statements[0]
