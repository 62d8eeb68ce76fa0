"""The catalogues of the core and of each bundled plugin are complete, sound, and agree with one another."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from babel.messages.catalog import Catalog, Message

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")
GREEK_LETTER = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
SAME_IN_GREEK = {"E-mail", "Cookies"}
"""Texts which Greeks write with Latin letters too."""


class Project(NamedTuple):
    """The texts in the code of the core or of one plugin, and what each language has for them."""

    name: str
    in_code: Catalog
    files: dict[str, Path]
    catalogues: dict[str, Catalog]


class AnyValues(dict[str, int]):
    """Something for every placeholder."""

    def __missing__(self, name: str) -> int:
        return 1


@pytest.fixture(scope="module")
def projects() -> list[Project]:
    """The core, then the bundled plugins."""
    spec = spec_from_file_location("translate_script", ROOT / "scripts" / "translate.py")
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)

    def project(name: str, code: Path, folder: Path) -> Project:
        files = {language: folder / language / "LC_MESSAGES" / "messages.po" for language in ("el", "en")}
        catalogues = {language: script.read(file, language) for language, file in files.items()}
        return Project(name, script.collect(name, code), files, catalogues)

    packages = sorted(ROOT.glob("plugins/*/portal_*"))
    assert len(packages) >= 4
    return [
        project("core", ROOT / "portal", ROOT / "translations"),
        *(project(package.name, package, package / "translations") for package in packages),
    ]


def forms(text: Any) -> tuple[str, ...]:
    """A text has one form, or one for each number."""
    return tuple(text) if isinstance(text, (tuple, list)) else (text or "",)


def messages(catalogue: Catalog) -> list[Message]:
    """All texts without the header."""
    return [message for message in catalogue if message.id]


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in PLACEHOLDER.finditer(text)}


def broken_placeholders(message: Message) -> bool:
    """True when a form misses, adds or spoils a placeholder of the text it translates."""
    pairs = list(zip(forms(message.id), forms(message.string), strict=False))
    return len(forms(message.id)) != len(forms(message.string)) or any(
        placeholders(source) != placeholders(translated) or not fills_in(translated)
        for source, translated in pairs
    )


def fills_in(text: str) -> bool:
    """True when values can be put in; a lone % beside a placeholder would break the page."""
    if "%(" not in text:
        return True
    try:
        return bool(text % AnyValues())
    except (ValueError, TypeError):
        return False


def test_every_text_in_the_code_is_translated(projects: list[Project]) -> None:
    missing = []
    for project in projects:
        assert messages(project.in_code), f"no texts found in the code of {project.name}"
        for language, catalogue in project.catalogues.items():
            for text in messages(project.in_code):
                found = catalogue.get(text.id, text.context)
                if found is None or found.fuzzy or not all(forms(found.string)):
                    missing.append(f"{project.name} {language}: {text.id!r}")
    assert not missing, "run `make translate` and fill in:\n" + "\n".join(missing)


def test_a_translation_has_the_placeholders_of_its_text(projects: list[Project]) -> None:
    wrong = [
        f"{project.name} {language}: {message.id!r} -> {message.string!r}"
        for project in projects
        for language, catalogue in project.catalogues.items()
        for message in messages(catalogue)
        if broken_placeholders(message)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "translated", "broken"),
    [
        ("Until %(time)s", "Έως %(time)s", False),
        ("Until %(time)s", "Έως %(hour)s", True),
        ("Until {time}", "Έως", True),
        ("%(part)s per cent", "%(part)s % από", True),
        (("%(num)d day", "%(num)d days"), ("%(num)d ημέρα", "%(num)d ημέρες"), False),
        (("%(num)d day", "%(num)d days"), ("%(num)d ημέρα", "ημέρες"), True),
        (("%(num)d day", "%(num)d days"), ("%(num)d ημέρα",), True),
    ],
)
def test_a_broken_placeholder_is_noticed(source: Any, translated: Any, broken: bool) -> None:
    assert broken_placeholders(Message(source, translated)) is broken


def test_every_catalogue_tells_its_two_plural_forms(projects: list[Project]) -> None:
    for project in projects:
        for file in project.files.values():
            header = file.read_text(encoding="utf-8").split("\n\n", 1)[0]
            assert '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"' in header, file


def test_the_same_text_has_the_same_translation_everywhere(projects: list[Project]) -> None:
    translations: dict[tuple[str, Any, Any], dict[tuple[str, ...], list[str]]] = defaultdict(dict)
    for project in projects:
        for language, catalogue in project.catalogues.items():
            for message in messages(catalogue):
                told = translations[language, message.id, message.context]
                told.setdefault(forms(message.string), []).append(project.name)
    assert any(len(names) > 1 for told in translations.values() for names in told.values())
    differing = [f"{key}: {told}" for key, told in translations.items() if len(told) > 1]
    assert not differing, "\n".join(differing)


def test_greek_texts_are_greek(projects: list[Project]) -> None:
    latin = [
        f"{project.name}: {form!r}"
        for project in projects
        for message in messages(project.catalogues["el"])
        for form in forms(message.string)
        if form and form not in SAME_IN_GREEK and not GREEK_LETTER.search(form)
    ]
    assert not latin, "\n".join(latin)
