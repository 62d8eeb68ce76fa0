"""The numbered changes of the database lead to exactly the tables that the code expects, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, Table, inspect, select, text

from portal import create_app, migrations
from portal.config import load
from portal.db import db
from portal.documents.models import DocumentRequest, IssuedDocument, ProtocolCounter
from portal.encryption import encrypt, lookup_hashes
from portal.people.models import Account, Person
from portal.testing.servers import postgres_cluster

A_DAY = datetime(2026, 11, 30)  # noqa: DTZ001 - as it stands in a table


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The portal on a database without a single table."""
    environment = {"PORTAL_INSTANCE": str(tmp_path / "instance")}
    if request.param == "postgresql":
        environment["PORTAL_DATABASE_URL"] = request.getfixturevalue("postgres")
    app = create_app(load(environment))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def differences() -> list[Any]:
    """What a new migration would have to change."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def test_the_migrations_make_the_tables_of_the_models_and_take_them_away(empty_app: Flask) -> None:
    assert not migrations.is_current()
    migrations.upgrade(empty_app)
    assert migrations.is_current()
    assert differences() == []
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}


def test_the_comparison_sees_a_column_that_is_too_many(empty_app: Flask) -> None:
    migrations.upgrade(empty_app)
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE office ADD COLUMN forgotten INTEGER"))
    assert len(differences()) == 1
    downgrade(revision="base")


def test_an_upgrade_leaves_references_checked(empty_app: Flask) -> None:
    migrations.upgrade(empty_app)
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    downgrade(revision="base")


def old_row(table: Table, **values: Any) -> None:
    """A row in a table of an older version; what must be given and is not gets something of its kind."""
    usual = {"INTEGER": 1, "BOOLEAN": True, "JSON": {}, "DATETIME": A_DAY, "TIMESTAMP": A_DAY}
    needed = [column for column in table.columns if not column.nullable and column.name not in values]
    filled = {column.name: usual.get(str(column.type).split("(")[0], "x") for column in needed}
    with db.engine.begin() as connection:
        connection.execute(table.insert().values({**filled, **values}))


def test_people_of_the_version_before_accounts_are_found_again(empty_app: Flask) -> None:
    upgrade(revision="0003")
    tables = MetaData()
    tables.reflect(db.engine)
    person, sealed = tables.tables["person"], encrypt(b"999100005").decode()
    for number, subject in enumerate(("maria", "maria-again", "clerk", "clerk"), 1):
        values = {"provider": f"provider-{number}", "subject": subject, "email": "kept@example.gr"}
        old_row(person, id=number, **values, tax_number_encrypted=sealed if number < 3 else "")
    old_row(tables.tables["office"], id=1)
    for number in (3, 4):
        old_row(tables.tables["membership"], id=number, person_id=number, office_id=1)
    migrations.upgrade(empty_app)
    people = {one.id: one for one in db.session.scalars(select(Person))}
    assert [people[number].login for number in (1, 2, 3, 4)] == [None, None, None, "clerk"]
    assert [people[number].email for number in (1, 4)] == ["", "kept@example.gr"]
    assert people[2].tax_number_hash == lookup_hashes("999100005")[0]
    assert people[1].tax_number_hash is None
    assert [(one.person_id, one.subject) for one in db.session.scalars(select(Account))] == [
        (1, "maria"),
        (2, "maria-again"),
    ]
    db.session.remove()
    downgrade(revision="base")


def test_cases_of_the_version_before_the_protocol_get_their_numbers(empty_app: Flask) -> None:
    upgrade(revision="0008")
    tables = MetaData()
    tables.reflect(db.engine)
    for name in ("field", "person", "service"):
        old_row(tables.tables[name], id=1)
    for office, key in ((1, "kep-a"), (2, "kep-b")):
        old_row(tables.tables["office"], id=office, key=key, time_zone="Europe/Athens")
    new_year = datetime(2026, 12, 31, 22, 30)  # noqa: DTZ001 - as it stands in a table; in Athens it is 2027
    cases = (
        (1, 1, A_DAY, "issued"),
        (2, 2, A_DAY, "to_issue"),
        (3, 1, A_DAY, "to_issue"),
        (4, 1, new_year, "x"),
    )
    for number, office, when, state in cases:
        seat = {"office_id": office, "key": f"key-{number}"}
        old_row(tables.tables["appointment"], id=number, **seat, service_id=1, clerk_id=1)
        case = {"id": number, "key": f"key-{number}", "appointment_id": number}
        old_row(tables.tables["document_request"], **case, state=state, created_at=when)
    migrations.upgrade(empty_app)
    kept = list(db.session.scalars(select(DocumentRequest).order_by(DocumentRequest.id)))
    assert [case.protocol for case in kept] == [
        "KEP-A 1/2026",
        "KEP-B 1/2026",
        "KEP-A 2/2026",
        "KEP-A 1/2027",
    ]
    assert [case.decision for case in kept] == ["granted", "", "", ""]
    assert kept[0].due_on == date(2027, 1, 19)
    lasts = {(one.series, one.year): one.last for one in db.session.scalars(select(ProtocolCounter))}
    assert lasts == {("KEP-A", 2026): 2, ("KEP-B", 2026): 1, ("KEP-A", 2027): 1}
    db.session.remove()
    downgrade(revision="base")


def test_documents_of_the_version_before_the_mailbox_tell_when_they_were_opened(empty_app: Flask) -> None:
    upgrade(revision="0011")
    tables = MetaData()
    tables.reflect(db.engine)
    for name in ("field", "person", "service", "office"):
        old_row(tables.tables[name], id=1)
    for number in (1, 2):
        key = {"id": number, "key": f"key-{number}"}
        old_row(tables.tables["appointment"], **key, office_id=1, service_id=1, clerk_id=1)
        case = {"office_id": 1, "appointment_id": number, "number": number}
        old_row(tables.tables["document_request"], **key, **case, state="issued", due_on=A_DAY.date())
        file = {"request_id": number, "added_by": 1, "added_at": A_DAY}
        nobody = {"approved_by": None, "verification_id": None}
        old_row(tables.tables["issued_document"], id=number, **file, **nobody)
    for number, day in enumerate((29, 30, 28), 1):
        at = A_DAY.replace(day=day) if day < 30 else A_DAY.replace(hour=9)
        line = {"id": number, "actor_id": None, "at": at, "subject": "appointment:1"}
        old_row(tables.tables["audit_line"], **line, deed="document opened")
    migrations.upgrade(empty_app)
    told = db.session.scalars(select(IssuedDocument).order_by(IssuedDocument.id))
    assert [one.opened_at and one.opened_at.hour for one in told] == [9, None]
    db.session.remove()
    downgrade(revision="base")
