"""Plugins written for one test and really installed: a package and its entry point on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from flask import Flask

from portal import plugin_loader
from portal.config import ChosenIdentity, ChosenProviders, Config
from portal.providers import Providers

Install = Callable[..., Path]
Start = Callable[..., Providers]

IMPORTS = """\
from pathlib import Path
from portal.plugin_api import *
from portal.testing.fakes import FakeDelivery, FakeIdentity, FakeVideo
"""

COMPLETE = """\
@hookimpl
def portal_manifest():
    return Manifest(api=1)

@hookimpl
def portal_identity_provider():
    return FakeIdentity({}, "fake")

@hookimpl
def portal_video_provider():
    return FakeVideo("fake")

@hookimpl
def portal_delivery_provider():
    return FakeDelivery(Path("."), "fake")
"""

MANIFEST = """\
@hookimpl
def portal_manifest():
    return Manifest(api=1)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("acme", code)`` makes an installed plugin; the answer is its package's folder."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    packages: list[str] = []

    def install(name: str, code: str, package: str = "") -> Path:
        package = package or f"portal_{name}"
        packages.append(package)
        folder = site / package
        folder.mkdir()
        (folder / "__init__.py").write_text(IMPORTS + dedent(code))
        info = site / f"{package}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[portal.plugins]\n{name} = {package}\n")
        return folder

    yield install
    for package in packages:
        sys.modules.pop(package, None)


@pytest.fixture
def bare_app(portal_config: Config) -> Flask:
    """An application with nothing but its configuration."""
    app = Flask("portal")
    app.config["PORTAL"] = portal_config
    return app


@pytest.fixture
def start(bare_app: Flask, portal_config: Config) -> Start:
    """``start("acme", tables=…, environment=…)`` builds the named plugins beside a complete fake one."""

    def start(*enabled: str, **changes: Any) -> Providers:
        fake = ChosenProviders(
            identity=ChosenIdentity(citizens="fake", staff="fake"), video=("fake",), delivery=("fake",)
        )
        config = replace(
            portal_config,
            enabled_plugins=enabled,
            providers=changes.get("providers", fake),
            plugin_tables=changes.get("tables", {}),
            environment=changes.get("environment", {}),
        )
        bare_app.config["PORTAL"] = config
        return plugin_loader.build(bare_app, plugin_loader.find(config))

    return start


@pytest.fixture
def problems(start: Start) -> Callable[..., list[str]]:
    """The lines with which a start is refused."""

    def problems(*enabled: str, **changes: Any) -> list[str]:
        with pytest.raises(plugin_loader.PluginProblems) as refused:
            start(*enabled, **changes)
        return refused.value.problems

    return problems
