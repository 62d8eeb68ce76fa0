"""The documentation for authors of plugins tells what the code does; its example is run."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import ChosenIdentity, ChosenProviders
from portal.plugin_api import (
    DeliveryProvider,
    Event,
    IdentityProvider,
    PluginContext,
    ProviderFailure,
    VideoProvider,
    hooks,
)
from portal.providers import GUARDED

from .conftest import COMPLETE, Install, Start

DOCS = Path(__file__).parents[2] / "docs"
HOOKS = [getattr(hooks, name) for name in vars(hooks) if name.startswith("portal_")]
METHODS = [
    method
    for base in (VideoProvider, DeliveryProvider, IdentityProvider)
    for name, method in inspect.getmembers(base, inspect.isfunction)
    if not name.startswith("_")
]


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "hooks.md").read_text(encoding="utf-8").replace(r"\|", "|")


def as_written(function: object) -> str:
    """``join(room: Room, guest: Guest) -> Join`` as the documentation spells it."""
    assert callable(function)
    signature = str(inspect.signature(function)).replace("'", "")
    return f"{function.__name__}{signature}".replace("(self, ", "(").replace("(self)", "()")


@pytest.mark.parametrize("function", [*HOOKS, *METHODS], ids=lambda function: function.__qualname__)
def test_every_hook_and_method_is_described_with_its_signature(page: str, function: object) -> None:
    assert f"`{as_written(function)}`" in page


def test_nothing_is_described_that_does_not_exist(page: str) -> None:
    failures = {kind.__name__ for kind in ProviderFailure.__subclasses__()}
    told = {
        line
        for line in re.findall(r"^\| `(\w+\([^`]*)` \|", page, re.M)
        if line.split("(")[0] not in failures
    }
    assert told == {as_written(function) for function in [*HOOKS, *METHODS]}


def test_every_event_every_failure_and_every_part_of_the_context_is_described(page: str) -> None:
    parts = [kind.__name__ for kind in (*Event.__subclasses__(), *ProviderFailure.__subclasses__())]
    parts += list(PluginContext.__dataclass_fields__)
    assert [part for part in parts if f"`{part}" not in page] == []


def test_the_guard_knows_every_method() -> None:
    assert {method.__name__ for method in METHODS} == GUARDED


def test_the_example_of_a_first_plugin_keeps_its_contract(tmp_path: Path) -> None:
    text = (DOCS / "plugins.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"`([\w./]+)`[^`]*:\n\n```\w+\n(.*?)^```", text, re.M | re.S))
    greek = "portal_acme_post/translations/el/LC_MESSAGES/messages.po"
    files[greek.replace("/el/", "/en/")] = re.sub(
        r'msgid "(.+)"\nmsgstr ".*"', r'msgid "\1"\nmsgstr "\1"', files[greek]
    )
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    options = ["-q", "-W", "error", "--import-mode=importlib", "-p", "portal.testing.fixtures"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_the_example_of_a_first_plugin_is_accepted_by_the_loader(install: Install, start: Start) -> None:
    text = (DOCS / "plugins.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"`portal_acme_post/(\w+\.py)`:\n\n```python\n(.*?)^```", text, re.M | re.S))
    install("rest", COMPLETE)
    folder = install("acme_post", "")
    for name, code in files.items():
        (folder / name).write_text(code, encoding="utf-8")
    chosen = ChosenProviders(
        identity=ChosenIdentity(citizens="fake", staff="fake"), video=("fake",), delivery=("acme",)
    )
    providers = start(
        "rest",
        "acme_post",
        providers=chosen,
        tables={"acme_post": {"base_url": "https://api.acme.example"}},
        environment={"PORTAL_ACME_POST_TOKEN": "acme-token"},
    )
    assert list(providers.delivery) == ["acme"]
