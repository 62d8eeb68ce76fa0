"""The store of documents: nothing readable on the disk, nothing left behind, nothing that acts by itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from flask import Flask
from pikepdf import Array, Dictionary, Name, String

from portal import clock, files
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.models import IssuedDocument

A_SENTENCE = b"Maria Papadopoulou was born in Zografou"


def with_sentence(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Remark = String(A_SENTENCE.decode())


def folder(app: Flask) -> Path:
    return app.config["PORTAL"].instance / "documents"


def age(file: Path, hours: float) -> None:
    then = clock.now().timestamp() - hours * 3600
    os.utime(file, (then, then))


def test_the_disk_holds_nothing_readable(app: Flask, make_pdf: Callable[..., bytes]) -> None:
    content = make_pdf(with_sentence)
    assert A_SENTENCE in content
    stored = files.store_pdf("Πιστοποιητικό.pdf", content)
    instance: Path = app.config["PORTAL"].instance
    everything = {file: file.read_bytes() for file in instance.rglob("*") if file.is_file()}
    assert all(A_SENTENCE not in part and b"%PDF" not in part for part in everything.values())
    assert all("Πιστοποιητικό" not in file.name for file in everything)
    assert files.open_document(stored.stored_as).read() == content


def test_only_the_portal_may_read_the_files(app: Flask, make_pdf: Callable[..., bytes]) -> None:
    stored = files.store_pdf("a.pdf", make_pdf())
    assert (folder(app) / stored.stored_as).stat().st_mode & 0o077 == 0
    assert folder(app).stat().st_mode & 0o077 == 0


def test_an_older_key_still_opens_what_it_closed(app: Flask, make_pdf: Callable[..., bytes]) -> None:
    from dataclasses import replace

    from portal import encryption

    content = make_pdf()
    stored = files.store_pdf("a.pdf", content)
    config = app.config["PORTAL"]
    encryption.init_app(app, replace(config, secret_keys=("n" * 40, *config.secret_keys)))
    assert files.open_document(stored.stored_as).read() == content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Πιστοποιητικό γέννησης.pdf", "Πιστοποιητικό γέννησης.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\kep\\scan.PDF", "scan.pdf"),
        ('a"; b\r\nc.pdf', "a__ b__c.pdf"),
        ("", "document.pdf"),
    ],
)
def test_a_file_name_is_made_harmless(
    app: Flask, make_pdf: Callable[..., bytes], given: str, kept: str
) -> None:
    assert files.store_pdf(given, make_pdf()).filename == kept


def test_a_file_without_a_row_is_swept_after_a_day(app: Flask, make_pdf: Callable[..., bytes]) -> None:
    known, old, fresh = (files.store_pdf(f"{n}.pdf", make_pdf()).stored_as for n in range(3))
    age(folder(app) / known, 25)
    age(folder(app) / old, 25)
    age(folder(app) / fresh, 23)
    assert files.sweep(lambda names: names & {known.partition(".")[0]}) == 1
    assert {file.name for file in folder(app).iterdir()} == {known, fresh}


def test_an_expired_document_is_erased_and_its_neighbour_stays(case: Any, clock: Any) -> None:
    first, second = case.issued(), case.issued("pickup")
    with transaction():
        second.document.expires_at = second.document.expires_at.replace(year=2027, month=6)
    clock.move_to(first.document.expires_at)
    case.work()
    assert {file.name for file in folder(case.app).iterdir()} == {second.document.stored_as}


def test_a_number_that_was_used_again_does_not_erase_the_new_document(
    case: Any, make_pdf: Callable[..., bytes], clock: Any
) -> None:
    from portal.documents.jobs import forget

    request = case.issued()
    clerk = request.appointment.clerk
    with transaction():
        wrong = lifecycle.take_back(request, clerk)
    files.forget(wrong)
    right = files.store_pdf("b.pdf", make_pdf())
    with transaction():
        lifecycle.issue(request, right, clerk, 30)
    forget(db.session.query(IssuedDocument).one().id)
    assert files.open_document(request.document.stored_as)


def launch(pdf: pikepdf.Pdf) -> None:
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 1, 1]))
    link.A = Dictionary(S=Name.Launch, F=String("calc.exe"))
    pdf.pages[0].Annots = Array([link])


def script_on_opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def named_script(pdf: pikepdf.Pdf) -> None:
    action = pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=String("app.alert(1)")))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), action])))


def page_on_opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.URI, URI=String("https://example.org"))


def script_of_a_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].AA = Dictionary(O=Dictionary(S=Name.URI, URI=String("https://example.org")))


def program_inside(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["setup.exe"] = b"MZ"


@pytest.mark.parametrize(
    "change", [launch, script_on_opening, named_script, page_on_opening, script_of_a_page, program_inside]
)
def test_a_pdf_that_acts_by_itself_is_refused(
    app: Flask, make_pdf: Callable[..., bytes], change: Callable[[pikepdf.Pdf], None]
) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        with pytest.raises(files.NotAcceptable, match="Print it to a new PDF"):
            files.store_pdf("a.pdf", make_pdf(change))
        assert not folder(app).exists()


def first_page_on_opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.XYZ, None, None, 0])


def jump_on_opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]))


def link_to_a_site(pdf: pikepdf.Pdf) -> None:
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 1, 1]))
    link.A = Dictionary(S=Name.URI, URI=String("https://www.gov.gr"))
    pdf.pages[0].Annots = Array([link])


def data_inside(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["data.xml"] = b"<data/>"


@pytest.mark.parametrize("change", [first_page_on_opening, jump_on_opening, link_to_a_site, data_inside])
def test_what_word_processors_and_registers_write_is_accepted(
    app: Flask, make_pdf: Callable[..., bytes], change: Callable[[pikepdf.Pdf], None]
) -> None:
    assert files.store_pdf("a.pdf", make_pdf(change)).size


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a text document", "not a PDF"),
        (b"%PDF-1.7\nand then nothing", "damaged"),
        (b"%PDF-1.7\n" + bytes(10 * 1024 * 1024), "larger than 10 MB"),
    ],
)
def test_what_is_no_pdf_is_refused_with_the_reason(app: Flask, content: bytes, reason: str) -> None:
    with (
        app.test_request_context(headers={"Accept-Language": "en"}),
        pytest.raises(files.NotAcceptable, match=reason),
    ):
        files.store_pdf("a.pdf", content)


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_protected_pdf_is_refused(app: Flask, make_pdf: Callable[..., bytes], password: str) -> None:
    content = make_pdf(encryption=pikepdf.Encryption(owner="owner", user=password))
    with (
        app.test_request_context(headers={"Accept-Language": "en"}),
        pytest.raises(files.NotAcceptable, match="password"),
    ):
        files.store_pdf("a.pdf", content)
