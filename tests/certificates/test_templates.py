"""Templates: what they may do, what they are told when they are wrong, and the PDF that comes of them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from flask import Flask

from portal.certificates import checking, drawing, templates
from portal.certificates.forms import TemplateProblem
from portal.certificates.verification_block import Block
from portal.documents.issuing import finishing
from portal.documents.issuing.pdf_check import check_pdf
from portal.files import NotAcceptable
from tests.certificates.conftest import codes_in, make_pdf, text_of

TITLE = 'title = { el = "Δοκιμή", en = "Trial" }\n'


def write(folder: Path, html: str, form: str = TITLE, name: str = "trial") -> None:
    (folder / f"{name}.html").write_text(html, encoding="utf-8")
    (folder / f"{name}.toml").write_text(form, encoding="utf-8")


def drawn(html: str, folder: Path, **given: Any) -> bytes:
    write(folder, html)
    return drawing.certificate("trial", given, Block("", ""))


def trouble(folder: Path) -> str:
    """What `portal check` says of the template ``trial``."""
    return dict(checking.troubles())["certificate trial"]


@pytest.mark.parametrize("demo", [True, False])
def test_without_pango_the_demonstration_issues_without_codes_and_real_portals_say_what_is_missing(
    app: Flask, settings: Any, with_codes: None, monkeypatch: pytest.MonkeyPatch, demo: bool
) -> None:
    monkeypatch.setattr(drawing, "ready", lambda: "Pango is not installed")
    settings(portal=app.config["PORTAL"].portal.model_copy(update={"demo": demo}))
    if demo:
        assert finishing.upload("a.pdf", make_pdf()).code == ""
    else:
        with pytest.raises(NotAcceptable, match="Pango"):
            finishing.upload("a.pdf", make_pdf())


def test_the_bundled_examples_are_in_order(app: Flask, owed: Any) -> None:
    found = dict(checking.troubles())
    assert set(found) == {"certificate no-debt", "certificate permanent-residence"}
    assert not any(found.values())


def test_a_certificate_is_a_pdf_a_with_every_font_inside(app: Flask, folder: Path) -> None:
    content = drawn('<html lang="el"><title>Βεβαίωση</title><p>Ευάγγελος ΐΰϋ <b>Ώρα</b> — «ναι»', folder)
    check_pdf(content)
    with pikepdf.open(BytesIO(content)) as pdf:
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("3", "A")
        assert meta["dc:title"] == "Βεβαίωση"
        assert pdf.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert pdf.Root.MarkInfo.Marked and pdf.Root.Lang == "el"
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        inside = [font.DescendantFonts[0].FontDescriptor for font in fonts]
        assert len(inside) >= 2
        assert all("/FontFile2" in one or "/FontFile3" in one for one in inside)
        assert all("/ToUnicode" in font for font in fonts)
    assert "Ευάγγελος ΐΰϋ Ώρα — «ναι»" in text_of(content)


def test_values_are_escaped(app: Flask, folder: Path) -> None:
    assert "<b>Ν & Ν</b>" in text_of(drawn("<p>{{ name }}", folder, name="<b>Ν & Ν</b>"))


def test_a_letter_that_no_font_knows_is_a_problem_and_no_empty_box(app: Flask, folder: Path) -> None:
    with pytest.raises(TemplateProblem, match="in none of the fonts"):
        drawn("<p>\N{PHAISTOS DISC SIGN PEDESTRIAN}", folder)


@pytest.mark.parametrize(
    "source",
    [
        "https://elsewhere.example/emblem.png",
        "file:///etc/hostname",
        "../secret.png",
        "%2e%2e/secret.png",
        "/etc/hostname.png",
        "missing.png",
    ],
)
def test_nothing_comes_from_elsewhere(app: Flask, folder: Path, source: str) -> None:
    (folder.parent / "secret.png").write_bytes(b"x")
    with pytest.raises(TemplateProblem, match="is not loaded; put it into the folder certificates"):
        drawn(f'<p>a<img alt="" src="{source}">', folder)


def test_the_emblem_of_the_municipality_is_drawn(app: Flask, folder: Path) -> None:
    square = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
    (folder / "emblem.svg").write_text(square)
    assert drawn('<p>a<img alt="" src="emblem.svg">', folder).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<p>\n{{ citizen.nam }}", "trial.html line 2: citizen has no nam; it has name, first_name"),
        ("<p>\n\n{{ citzen.name }}", "trial.html line 3: there is no citzen; there are citizen, applicant"),
        ("{{ fields.year }}", "trial.html line 1: there is no field year; add it to the TOML file"),
        ("\n{% if %}", "trial.html line 2: Expected an expression"),
        ("{% include 'gone.html' %}", "there is no file gone.html; add it"),
        ("\n{{ today.__class__.__mro__ }}", "trial.html line 2: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", "trial.html line 1: division by zero"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_mend(app: Flask, folder: Path, html: str, told: str) -> None:
    write(folder, html)
    assert told in trouble(folder)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("title = 1", "trial.toml title"),
        (f'{TITLE}colour = "red"', "trial.toml colour: unknown setting"),
        (f'{TITLE}[[fields]]\nkey = "Έτος"\nlabel = {{ el = "α", en = "a" }}', '"Έτος" is no key'),
        (f'{TITLE}[[fields]]\nkey = "a"', "trial.toml fields.0.label: is missing; add it"),
        (
            f'{TITLE}[[fields]]\nkey = "a"\nkind = "choice"\nlabel = {{ el = "α", en = "a" }}',
            "a choice needs at least two choices",
        ),
        ("title", "trial.toml: is not valid TOML"),
    ],
)
def test_a_mistake_in_the_form_is_told(app: Flask, folder: Path, form: str, told: str) -> None:
    write(folder, "<p>a", form)
    assert told in trouble(folder)


def test_a_form_that_is_missing_is_told(app: Flask, folder: Path) -> None:
    (folder / "trial.html").write_text("<p>a")
    assert "trial.toml: is missing; write it beside the template" in trouble(folder)


def test_the_sandbox_does_not_leave_its_folder(app: Flask, folder: Path) -> None:
    (folder.parent / "secret.html").write_text("secret")
    write(folder, "{% include '../secret.html' %}")
    assert "there is no file ../secret.html" in trouble(folder)


def test_an_own_template_replaces_the_bundled_one_of_its_name(app: Flask, folder: Path) -> None:
    write(folder, "<p>ours", name="no-debt")
    assert templates.fill_in("no-debt", {}) == "<p>ours"


def test_the_code_in_a_template_can_be_scanned(app: Flask, folder: Path) -> None:
    block = Block("7KQM-2XHD-9TRB-WZ4C", "https://counter.example.gr/verify")
    write(folder, "<p>{{ verification }}")
    content = drawing.certificate("trial", {}, block)
    assert block.drawn
    assert codes_in(content) == ["https://counter.example.gr/verify/7KQM-2XHD-9TRB-WZ4C"]
    assert "7KQM-2XHD-9TRB-WZ4C" in text_of(content)
    assert "gov.gr" in text_of(content)


def test_without_pango_the_portal_says_what_to_install(
    app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "portal.certificates.rendering", None)
    write(folder, "<p>a")
    assert "pip install 'thyrida[certificates]'" in trouble(folder)


def test_a_service_whose_template_is_gone_is_told(app: Flask, owed: Any) -> None:
    from portal.db import db, transaction
    from portal.offices.models import Service

    with transaction():
        db.session.query(Service).filter_by(key="no-debt-certificate").one().certificate = "gone"
    found = dict(checking.troubles())
    assert found["service no-debt-certificate"] == "its certificate gone is not there; add gone.html"
