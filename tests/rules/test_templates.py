"""Templates: nothing inline, nothing foreign, and every message whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rules.test_structure import ROOT, name_of

OUTWARD_LINKS = {"https://www.dpa.gr", "https://www.synigoros.gr", "https://mhdisef.mindigital.gr"}
"""Authorities to which a citizen can complain; the pages link to them and load nothing from them."""


def templates(ending: str) -> list[Path]:
    return sorted(
        [*ROOT.glob(f"portal/templates/**/*{ending}"), *ROOT.glob(f"plugins/*/portal_*/**/*{ending}")]
    )


def is_mail(path: Path) -> bool:
    """Mail programs know neither style sheets nor our addresses."""
    return path.parent.name in ("mail", "notices") or path.with_suffix(".subject.txt").exists()


FORBIDDEN = {
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)|<script[^>]*>\s*[^<\s]", re.IGNORECASE),
    "inline style": re.compile(r"<style|\sstyle\s*=", re.IGNORECASE),
    "event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "loads from elsewhere": re.compile(
        r"(\b(src|srcset|action|data)|<link[^>]*href)\s*=\s*[\"'](https?:)?//"
    ),
}


def faults(html: str) -> list[str]:
    """What the content policy would refuse in a page."""
    told = [name for name, pattern in FORBIDDEN.items() if pattern.search(html)]
    addresses = set(re.findall(r"https?://[\w.-]+", html)) - OUTWARD_LINKS
    return told + sorted(addresses)


def test_pages_carry_nothing_inline_and_nothing_foreign() -> None:
    pages = [path for path in templates(".html") if not is_mail(path)]
    assert len(pages) > 30
    assert not {
        name_of(path): faults(html) for path in pages if faults(html := path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize(
    "html",
    [
        "<script>go()</script>",
        '<script type="module">go()</script>',
        '<script src="/static/go.js">go()</script>',
        "<style>p { color: red }</style>",
        '<p style="color: red">',
        '<button type="button" onclick="go()">',
        '<a href="javascript:go()">',
        '<img src="//elsewhere.example/x.png">',
        '<link rel="stylesheet" href="https://elsewhere.example/x.css">',
        '<a href="https://elsewhere.example">',
    ],
)
def test_a_fault_of_a_page_is_noticed(html: str) -> None:
    assert faults(html)


def test_every_message_has_a_subject_and_both_bodies() -> None:
    subjects = templates(".subject.txt")
    assert len(subjects) >= 9
    for subject in subjects:
        stem = subject.name.removesuffix(".subject.txt")
        for ending in (".txt", ".html"):
            assert (subject.parent / f"{stem}{ending}").is_file(), f"{name_of(subject)} has no {ending}"
    notices = {path.name.split(".")[0] for path in (ROOT / "portal/templates/notices").iterdir()}
    bodies = {name for name in notices if not name.startswith("_")}
    assert bodies == {path.name.split(".")[0] for path in subjects if path.parent.name == "notices"}
