"""From an older key to a new one while everything stays readable, whoever is killed and whoever is faster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from portal import document_store, encryption, files, key_rotation, rotation_words
from portal.appointments.models import new_key
from portal.certificates import verification
from portal.db import db, transaction
from portal.document_settings import DocumentSettings
from portal.document_store import KeyMissing
from portal.document_store.bucket import Bucket
from portal.documents import lifecycle
from portal.documents.models import IssuedDocument
from portal.documents.papers import kept_papers
from portal.encryption import lookup_hashes, read_text, sealed_text
from portal.people.models import Person
from portal.testing import bucket as testing
from tests.documents.conftest import Case

OLD, NEW = "o" * 40, "n" * 40
FORK = multiprocessing.get_context("fork")


def with_keys(app: Flask, *keys: str) -> None:
    encryption.init_app(app, replace(app.config["PORTAL"], secret_keys=keys))
    app.extensions.pop("portal.former_lookup_keys", None)


def rotate() -> key_rotation.Report:
    return key_rotation.rotate(lambda what, count: None)


def rotate_when_free() -> None:
    """PostgreSQL needs a moment to see that the holder of its lock was killed."""
    until = time.monotonic() + 10
    while True:
        try:
            rotate()
            return
        except key_rotation.AlreadyRunning:
            assert time.monotonic() < until, "the lock of a killed rotation is still held"
            time.sleep(0.02)


def lying(app: Flask) -> list[str]:
    everything = app.extensions["portal.document_store"].pages(datetime(9999, 1, 1, tzinfo=UTC))
    return sorted(name for page in everything for name in page)


def write_number(person: Person, number: str) -> None:
    with transaction():
        person.tax_number_encrypted = sealed_text(number)
        person.tax_number_hash = lookup_hashes(number)[0]


def with_something_old(case: Any) -> Any:
    with_keys(case.app, OLD)
    case.request = case.issued()
    write_number(case.citizen, "999100005")
    with_keys(case.app, NEW, OLD)
    return case


@pytest.fixture
def old(case: Any) -> Any:
    """A document and a tax number that were written under the old key; the new one is in front now."""
    return with_something_old(case)


@pytest.fixture
def old_on_postgresql(open_counter: Callable[[str], SimpleNamespace], postgres: str) -> Any:
    """The same on PostgreSQL. The clock goes, for a bucket takes no requests of yesterday."""
    counter = open_counter(postgres)
    return with_something_old(Case(counter.app, counter.citizen, counter.citizen))


@pytest.fixture
def old_in_bucket(open_counter: Callable[[str], SimpleNamespace], postgres: str, bucket_service: str) -> Any:
    """The same on PostgreSQL with the document in a bucket."""
    counter = open_counter(postgres)
    settings = DocumentSettings(
        store="s3", endpoint=bucket_service, bucket=testing.BUCKET, prefix=f"{new_key()}/"
    )
    place = Bucket(settings, (testing.ACCESS, testing.SECRET), "town.toml")
    counter.app.extensions["portal.document_store"] = place
    return with_something_old(Case(counter.app, counter.citizen, counter.citizen))


def content_of(case: Any) -> bytes:
    db.session.rollback()
    return files.open_document(case.request.document.stored_as).read()


def test_after_a_rotation_the_old_key_can_be_removed(old: Any) -> None:
    before = content_of(old)
    assert key_rotation.older() == {"issued documents": 1, "tax numbers of persons": 1}
    lines, code = rotation_words.rotated(lambda what, count: None)
    assert code == 0 and "the older ones can be removed" in lines[0]
    with_keys(old.app, NEW)
    assert content_of(old) == before and len(lying(old.app)) == 1
    assert read_text(old.citizen.tax_number_encrypted) == "999100005"
    assert old.citizen.tax_number_hash == lookup_hashes("999100005")[0]
    assert key_rotation.closed() == {}


def test_without_a_rotation_the_old_key_is_missed(old: Any) -> None:
    with_keys(old.app, NEW)
    with pytest.raises(KeyMissing):
        content_of(old)
    assert key_rotation.closed() == {"issued documents": 1, "tax numbers of persons": 1}
    (_name, trouble), *_more = rotation_words.troubles()
    assert "is missing" in trouble and "put the former key back" in trouble
    assert rotation_words.rotated(lambda what, count: None)[1] == 1
    with_keys(old.app, NEW, OLD)
    assert content_of(old) and rotate().renewed["issued documents"] == 1


def test_what_was_written_before_there_were_marks_is_renewed_too(old: Any) -> None:
    folder = old.app.config["PORTAL"].instance / "documents"
    (name,) = lying(old.app)
    (folder / name).rename(folder / name.partition(".")[0])
    with transaction():
        old.request.document.stored_as = name.partition(".")[0]
        old.citizen.tax_number_encrypted = old.citizen.tax_number_encrypted.partition(":")[2]
    assert key_rotation.older() == {"issued documents": 1, "tax numbers of persons": 1}
    rotate()
    with_keys(old.app, NEW)
    assert content_of(old) and read_text(old.citizen.tax_number_encrypted) == "999100005"


def test_a_code_of_an_issued_document_is_found_after_its_key_is_gone(old: Any) -> None:
    code = verification.new_code()
    with_keys(old.app, OLD)
    with transaction():
        row = verification.begin(code, *[old.request.appointment.office.name] * 2, "Europe/Athens")
        verification.confirm(row, "0" * 64, 365)
    with_keys(old.app, NEW, OLD)
    for _twice in range(2):
        rotate()
    assert db.session.query(verification.FormerLookupKey).count() == 1
    with_keys(old.app, NEW)
    assert verification.look_up(code) is not None
    with_keys(old.app, "x" * 40)
    assert verification.look_up(code) is None


def killed_at(case: Any, fatal: int) -> int:
    """A rotation in a process that kills itself at a step; the answer is its exit code."""
    db.session.remove()
    db.engine.dispose()
    child = FORK.Process(target=_rotate_and_die, args=(case.app, fatal))
    child.start()
    child.join(60)
    db.session.add_all([case.request, case.citizen])
    return child.exitcode or 0


def _rotate_and_die(app: Flask, fatal: int) -> None:
    done = 0

    def step(*_about: object) -> None:
        nonlocal done
        done += 1
        if done == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    place = type(document_store.current_store())
    for name in ("write", "remove", "exists"):
        setattr(place, name, _between(step, getattr(place, name)))
    event.listen(db.engine, "commit", step)
    try:
        rotate()
    finally:
        os._exit(0)


def _between(step: Callable[[], None], real: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*given: Any) -> Any:
        step()
        answer = real(*given)
        step()
        return answer

    return wrapped


@pytest.mark.parametrize(
    ("where", "steps"),
    [("old", range(1, 40)), ("old_on_postgresql", range(1, 40, 3)), ("old_in_bucket", (5, 9, 39))],
)
def test_a_rotation_killed_at_any_step_loses_nothing_and_the_next_one_ends_it(
    request: pytest.FixtureRequest, where: str, steps: Iterable[int]
) -> None:
    old = request.getfixturevalue(where)
    for fatal in steps:
        with_keys(old.app, OLD)
        db.session.rollback()
        write_number(old.citizen, "999100005")
        stored = files.store("a.png", b"a picture", "image/png")
        with transaction():
            former, old.request.document.stored_as = old.request.document.stored_as, stored.stored_as
        files.forget(former)
        with_keys(old.app, NEW, OLD)
        code = killed_at(old, fatal)
        assert content_of(old) == b"a picture"
        assert read_text(old.citizen.tax_number_encrypted) == "999100005"
        rotate_when_free()
        with_keys(old.app, NEW)
        assert content_of(old) == b"a picture" and len(lying(old.app)) == 1
        assert read_text(old.citizen.tax_number_encrypted) == "999100005"
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert fatal >= 8, "the rotation has fewer steps than one document"


def meanwhile(monkeypatch: pytest.MonkeyPatch, method: str, deed: Callable[[], None]) -> None:
    """``deed`` happens once, right after the rotation has called ``method`` of the place."""
    place = type(document_store.current_store())
    real, open_deeds = getattr(place, method), [deed]

    def wrapped(*given: Any) -> Any:
        answer = real(*given)
        if open_deeds:
            open_deeds.pop()()
        return answer

    monkeypatch.setattr(place, method, wrapped)


@pytest.mark.parametrize(
    ("where", "moment"),
    [
        ("old", "read"),
        ("old", "write"),
        ("old", "exists"),
        ("old_on_postgresql", "write"),
        ("old_in_bucket", "write"),
    ],
)
def test_a_document_taken_back_during_the_rotation_is_erased(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, where: str, moment: str
) -> None:
    old = request.getfixturevalue(where)

    def take_back() -> None:
        with transaction():
            stored_as = lifecycle.take_back(old.request, old.request.appointment.clerk)
        files.forget(stored_as)

    meanwhile(monkeypatch, moment, take_back)
    rotate()
    assert lying(old.app) == []


@pytest.mark.parametrize("moment", ["read", "write", "exists"])
def test_a_file_erased_before_its_row_during_the_rotation_does_not_come_back(
    old: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    stored_as = old.request.document.stored_as
    meanwhile(monkeypatch, moment, lambda: files.forget(stored_as))
    rotate()
    assert lying(old.app) == []


def test_a_name_that_moved_into_another_row_during_the_rotation_keeps_its_file(
    old: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an approval does: it read the former name, and writes that into a new row after the switch."""
    former, before = old.request.document.stored_as, content_of(old)
    rotate()
    with transaction():
        old.request.document.stored_as = former
    kept_papers.sweep()
    assert content_of(old) == before
    rotate()
    assert old.request.document.stored_as == files.under_present_key(former) and content_of(old) == before


def test_a_file_that_lies_under_its_new_name_is_not_swept(old: Any, clock: Any) -> None:
    former = old.request.document.stored_as
    files.renew(former)
    clock.shift(60 * 60 * 24 * 3)
    kept_papers.sweep()
    assert len(lying(old.app)) == 2 and content_of(old)
    files.forget(former)
    assert lying(old.app) == []


@pytest.mark.parametrize("where", ["old", "old_on_postgresql"])
def test_only_one_rotation_runs_at_a_time(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    request.getfixturevalue(where)
    told: list[Any] = []
    meanwhile(monkeypatch, "read", lambda: told.append(rotation_words.rotated(lambda what, count: None)))
    rotate()
    assert told == [(["another rotation is under way; wait until it has ended"], 1)]


def test_a_number_that_somebody_else_writes_during_the_rotation_stays(
    old_on_postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nobody else can write meanwhile."""
    old, real, writers = old_on_postgresql, key_rotation.decrypt, []
    citizen_id = old.citizen.id

    def write() -> None:
        with old.app.app_context():
            write_number(db.session.get_one(Person, citizen_id), "999200009")
            db.session.remove()

    def decrypt(token: bytes) -> bytes:
        content = real(token)
        if not writers:
            writers.append(threading.Thread(target=write))
            writers[0].start()
            writers[0].join(20)
        return content

    monkeypatch.setattr(key_rotation, "decrypt", decrypt)
    assert rotate().renewed["tax numbers of persons"] == 0
    db.session.rollback()
    assert writers and read_text(old.citizen.tax_number_encrypted) == "999200009"
    assert old.citizen.tax_number_hash == lookup_hashes("999200009")[0]


def test_an_expired_document_is_neither_renewed_nor_counted(old: Any, clock: Any) -> None:
    clock.move_to(old.request.document.expires_at)
    assert "issued documents" not in key_rotation.older()
    assert rotate().renewed["issued documents"] == 0
    assert db.session.query(IssuedDocument).one()


def test_the_rotation_works_on_both_databases(each_counter: Any) -> None:
    with_keys(each_counter.app, OLD)
    write_number(each_counter.citizen, "999100005")
    with_keys(each_counter.app, NEW, OLD)
    assert key_rotation.older() == {"tax numbers of persons": 1}
    assert rotate().renewed == {"tax numbers of persons": 1}
    with_keys(each_counter.app, NEW)
    assert read_text(each_counter.citizen.tax_number_encrypted) == "999100005"
    assert key_rotation.older() == key_rotation.closed() == {}
