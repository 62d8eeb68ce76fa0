"""A full disk, a bucket that is away, a missing key: words instead of a breakdown, and nothing by halves.

The disk is full because the kernel refuses to write on; what reads and writes is the portal's own.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal import document_store, encryption, files, rotation_words
from portal.db import Bilingual, db, transaction
from portal.document_settings import DocumentSettings
from portal.document_store import StoreFull, disk
from portal.document_store.bucket import Bucket
from portal.documents.papers import lifecycle as papers
from portal.outbox import OutboxRow
from portal.providers import paused_providers
from portal.testing.page_lint import lint
from tests.documents.conftest import make_pdf
from tests.documents.test_case_pages import case_page, own_page, picture, question, send

ROOM = 100
"""So many bytes the full disk still takes."""
NEW = "n" * 40


@contextmanager
def little_room() -> Iterator[None]:
    """The kernel refuses what goes beyond `ROOM` in any file."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The disk is full for documents, not for the database. How much of each got onto it before the end."""
    real, pieces = disk._write_through, []

    def write(file: Path, content: bytes) -> None:
        try:
            with little_room():
                real(file, content)
        finally:
            pieces.append(file.stat().st_size)

    monkeypatch.setattr(disk, "_write_through", write)
    return pieces


@pytest.fixture
def away(case: Any) -> None:
    """Documents lie in a bucket whose service refuses every connection."""
    settings = DocumentSettings(store="s3", endpoint="http://127.0.0.1:9", bucket="documents")
    case.app.extensions["portal.document_store"] = Bucket(settings, ("key", "secret"), "town.toml")


@pytest.fixture
def person(client: Any, log_in: Callable[..., None]) -> Callable[..., Any]:
    def enter(who: Any, door: str = "citizens") -> Any:
        client.get("/manual?lang=en")
        log_in(client, who, door=door)
        return client

    return enter


def kept(app: Flask) -> list[str]:
    folder = app.config["PORTAL"].instance / "documents"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def issue(browser: Any, request: Any) -> Any:
    data = {"document": (BytesIO(make_pdf()), "a.pdf")}
    return browser.submit(f"{case_page(request)}/document", data, page=case_page(request))


def asked(case: Any) -> Any:
    request = case.owed()
    with transaction():
        papers.ask_for(request, [Bilingual("Πράξη", "Act")], request.appointment.clerk)
    return request


def without_key(case: Any) -> None:
    encryption.init_app(case.app, replace(case.app.config["PORTAL"], secret_keys=(NEW,)))


def let_in(trouble: str, case: Any, request: pytest.FixtureRequest) -> None:
    if trouble == "away":
        request.getfixturevalue("away")
    else:
        without_key(case)


def test_a_full_disk_keeps_no_piece_of_a_file(app: Flask, full: list[int]) -> None:
    with pytest.raises(StoreFull, match="make room"):
        files.store_pdf("a.pdf", make_pdf())
    assert full == [ROOM], "the control: half of the file was on the disk"
    assert kept(app) == []


def test_what_a_killed_writer_left_is_seen_by_this_test_and_swept(app: Flask, clock: Any) -> None:
    place = document_store.current_store()
    assert isinstance(place, disk.Disk)
    files.store_pdf("a.pdf", make_pdf())
    (place.folder / f"{'a' * 32}.01234567.01234567.draft").write_bytes(b"half")
    (place.folder / "a file of somebody else").write_bytes(b"whole")
    assert len(kept(app)) == 3
    clock.shift(60 * 60 * 24 * 800)
    assert files.sweep(lambda names: set(names)) == 1
    assert len(kept(app)) == 2 and "a file of somebody else" in kept(app)


@pytest.mark.parametrize("trouble", ["full", "away"])
def test_the_clerk_reads_that_nothing_was_issued(
    case: Any, person: Any, trouble: str, request: pytest.FixtureRequest
) -> None:
    owed = case.owed()
    browser = person(owed.appointment.clerk, "staff")
    request.getfixturevalue(trouble)
    assert issue(browser, owed).status_code == 302
    page = browser.get(case_page(owed)).text
    assert "Nothing was changed and nothing is lost" in page and lint(page, "en") == []
    assert (owed.state, owed.document, kept(case.app)) == ("to_issue", None, [])


@pytest.mark.parametrize("trouble", ["full", "away"])
def test_the_citizen_gets_his_question_back(
    case: Any, person: Any, trouble: str, request: pytest.FixtureRequest
) -> None:
    wanted = asked(case)
    browser = person(case.citizen)
    assert browser.get(question(wanted)).status_code == 200
    request.getfixturevalue(trouble)
    answer = send(browser, wanted, picture())
    assert answer.status_code == 503 and lint(answer.text, "en") == []
    assert "Nothing was changed and nothing is lost" in answer.text and 'type="file"' in answer.text
    assert (wanted.state, wanted.papers[0].files, kept(case.app)) == ("needs_papers", [], [])
    assert browser.get(own_page(wanted)).status_code == 200


@pytest.mark.parametrize("trouble", ["away", "key missing"])
def test_whoever_opens_a_document_reads_what_is_the_matter(
    case: Any, person: Any, trouble: str, request: pytest.FixtureRequest
) -> None:
    issued = case.issued("email")
    case.work()
    let_in(trouble, case, request)
    for who, door, address in (
        (issued.appointment.clerk, "staff", f"{case_page(issued)}/document"),
        (case.citizen, "citizens", f"/documents/{issued.key}/file"),
    ):
        answer = person(who, door).get(address)
        assert answer.status_code == 503 and lint(answer.text, "en") == []
        assert "The document cannot be opened now" in answer.text and "Traceback" not in answer.text
    db.session.rollback()
    assert (issued.state, issued.deliveries[0].state) == ("issued", "sent")


@pytest.mark.parametrize("trouble", ["away", "key missing"])
def test_a_job_waits_until_the_trouble_is_over_and_blames_no_carrier(
    case: Any, clock: Any, trouble: str, request: pytest.FixtureRequest
) -> None:
    issued, place = case.issued("email"), document_store.current_store()
    let_in(trouble, case, request)
    for _again in range(6):
        case.work()
        clock.shift(60 * 60)
    row = db.session.query(OutboxRow).filter_by(kind="delivery.send").one()
    assert (row.state, issued.deliveries[0].state) == ("waiting", "waiting")
    assert row.attempts >= 2 and paused_providers() == [] and case.letters() == []
    case.app.extensions["portal.document_store"] = place
    encryption.init_app(case.app, case.app.config["PORTAL"])
    case.work()
    assert issued.deliveries[0].state == "sent"


def test_a_document_is_taken_back_though_the_bucket_is_away(case: Any, person: Any, away: None) -> None:
    wanted = case.owed()
    place = document_store.current_store()
    case.app.extensions["portal.document_store"] = disk.Disk(case.app.config["PORTAL"].instance / "documents")
    browser = person(wanted.appointment.clerk, "staff")
    issue(browser, wanted)
    assert wanted.state == "issued"
    case.app.extensions["portal.document_store"] = place
    page = case_page(wanted)
    browser.submit(f"{page}/document/take-back", page=page)
    assert "The document has been taken back" in browser.get(page).text
    assert (wanted.state, wanted.document) == ("to_issue", None)


def test_health_and_check_tell_of_a_full_disk_and_a_missing_key(
    case: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = case.issued()
    assert client.get("/health").json["documents"] == "ok"
    assert dict(rotation_words.troubles()) == {}
    monkeypatch.setattr(disk, "LITTLE_ROOM", 2**62)
    assert client.get("/health").json["documents"] == "full"
    assert "make room" in dict(rotation_words.troubles())["documents"]
    with pytest.raises(StoreFull, match="make room"):
        document_store.current_store().check()
    monkeypatch.undo()
    without_key(case)
    with pytest.raises(files.StoreTrouble):
        files.open_document(issued.document.stored_as)
    health = client.get("/health").json
    assert (health["documents"], health["status"]) == ("key missing", "degraded")


def test_nothing_is_kept_or_read_inside_a_transaction(app: Flask) -> None:
    for deed in (lambda: files.store("a.png", b"x", "image/png"), lambda: files.forget("0" * 32)):
        with pytest.raises(RuntimeError, match=r"inside transaction\(\)"), transaction():
            deed()
