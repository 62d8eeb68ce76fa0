"""Tests that hold for every plugin's package and for every provider, whatever its kind."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from portal import plugin_checks
from portal.plugin_api import PluginContext
from portal.testing import kit

GREEK_NAME = "Μαρία Παπαδοπούλου-Ξηροτύρη"
LONGEST_KEY = "A" * 10 + "b" * 10 + "-" * 5 + "12345"
LANGUAGES = ("el", "en")

_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy": None, "translate": None}


@contextmanager
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, opening a socket fails the test."""

    def refuse(*args: object, **kwargs: object) -> None:
        pytest.fail("opened a network connection where the contract allows none")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


class ProviderBehaviour:
    """What can be said of any provider. A subclass defines the fixture ``provider``."""

    base: ClassVar[type]
    secrets: ClassVar[tuple[str, ...]] = ()
    """Secret values in the tested settings; they must not show anywhere."""

    def test_it_passes_the_checks_of_the_loader(self, provider: Any) -> None:
        assert plugin_checks.provider_problems(provider, self.base) == []

    def test_it_can_be_used(self, provider: Any) -> None:
        provider.check()

    def test_its_description_carries_no_secret(self, provider: Any) -> None:
        shown = repr(provider) + str(vars(provider))
        assert [secret for secret in self.secrets if secret in shown] == []


class PackageRules:
    """What can be said of the package in which a provider lives."""

    def test_it_imports_nothing_of_the_portal_but_the_plugin_api(self, provider: Any) -> None:
        foreign = {
            name
            for file in _folder(provider).rglob("*.py")
            for name in _imported(file)
            if name.split(".")[0] == "portal" and name.split(".")[:2] != ["portal", "plugin_api"]
        }
        assert foreign == set()

    def test_it_pickles_nothing(self, provider: Any) -> None:
        imported = {name for file in _folder(provider).rglob("*.py") for name in _imported(file)}
        assert imported & {"pickle", "marshal", "shelve", "dill"} == set()

    def test_its_protected_routes_refuse_whoever_brings_no_proof(
        self, provider: Any, made_contexts: list[PluginContext[Any]]
    ) -> None:
        for context in made_contexts:
            answers = kit.refusals(context)
            assert {way: status for way, status in answers.items() if not 400 <= status < 500} == {}

    def test_its_catalogues_are_complete(self, provider: Any) -> None:
        folder = _folder(provider)
        wanted = _messages(folder)
        missing = [
            f"{language}: {message}"
            for language in LANGUAGES
            for message in sorted(wanted, key=str)
            if not _translated(_catalogue(folder, language), message)
        ]
        assert missing == []

    def test_its_catalogues_count_as_greek_and_english_do(self, provider: Any) -> None:
        for language in LANGUAGES:
            catalogue = _catalogue(_folder(provider), language)
            assert (catalogue.num_plurals, catalogue.plural_expr) == (2, "(n != 1)")

    def test_its_title_is_translated_into_greek(self, provider: Any) -> None:
        title = str(provider.title)
        entry = _catalogue(_folder(provider), "el").get(title)
        assert entry is not None
        assert entry.string
        assert entry.string != title


def module_state(provider: Any) -> dict[str, str]:
    """Everything changeable that the modules of the provider's package keep for themselves."""
    import sys

    package = type(provider).__module__.partition(".")[0]
    return {
        f"{name}.{key}": repr(value)
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] == package
        for key, value in vars(module).items()
        if isinstance(value, dict | list | set) and not key.startswith("__")
    }


def _folder(provider: Any) -> Path:
    module = import_module(type(provider).__module__.partition(".")[0])
    assert module.__file__ is not None
    return Path(module.__file__).parent


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _messages(folder: Path) -> set[Any]:
    found = extract_from_dir(folder, _METHODS, keywords=_KEYWORDS)
    return {message for _file, _line, message, _comments, _context in found}


def _catalogue(folder: Path, language: str) -> Catalog:
    with (folder / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _translated(catalogue: Catalog, message: Any) -> bool:
    entry = catalogue.get(message[0] if isinstance(message, tuple) else message)
    if entry is None or entry.fuzzy:
        return False
    return all(entry.string) if isinstance(entry.string, tuple) else bool(entry.string)
