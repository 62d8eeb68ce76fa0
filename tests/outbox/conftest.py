"""The town of `town.py` on both databases, with a store that can be started and stopped."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import db, outbox
from portal.testing import servers

SCRIPT = Path(__file__).with_name("town.py")


def _load_town() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outbox_town", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


town_module = _load_town()


@dataclass
class Town:
    """One application, its environment, and the processes that were started for it."""

    app: Flask
    environment: dict[str, str]
    module: ModuleType = town_module
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start ``town.py`` with these words; further variables tell it what goes wrong."""
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *words],
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[str]) -> int:
        """Ask a process to end, as the supervisor does; the answer is its exit code."""
        process.terminate()
        process.communicate(timeout=20)
        return process.returncode

    def row(self, key: str) -> Any:
        """The row with this key, as it is now."""
        db.db.session.rollback()
        return db.db.session.scalars(select(outbox.OutboxRow).filter_by(key=key)).one()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until ``condition()`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(name="until")
def until_() -> Callable[..., None]:
    return until


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL for all tests of this folder; each test finds empty tables."""
    with servers.postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def make_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Town]]:
    carrier = tmp_path / "carrier"
    carrier.mkdir()
    monkeypatch.setenv("TOWN_CARRIER", str(carrier))
    with ExitStack() as stack:

        def make(database_url: str) -> Town:
            environment = dict(os.environ) | {
                "PORTAL_INSTANCE": str(tmp_path / "instance"),
                "PORTAL_DATABASE_URL": database_url,
                "PORTAL_REDIS_URL": f"unix://{tmp_path / 'store' / 'store.sock'}",
            }
            town = Town(town_module.make_app(environment), environment)
            stack.callback(_close, town)
            stack.enter_context(town.app.app_context())
            db.db.drop_all()
            db.db.create_all()
            return town

        yield make


def _close(town: Town) -> None:
    for process in town.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
    with town.app.app_context():
        db.db.engine.dispose()
    held = town.app.extensions.get("portal.store")
    if held:
        held.store.close()


@pytest.fixture
def town(make_town: Callable[[str], Town], tmp_path: Path) -> Town:
    """The town on SQLite."""
    (tmp_path / "instance").mkdir()
    return make_town(f"sqlite:///{tmp_path / 'instance' / 'town.sqlite3'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def each_town(request: pytest.FixtureRequest, make_town: Callable[[str], Town], tmp_path: Path) -> Town:
    """The town on SQLite, then on PostgreSQL."""
    if request.param == "sqlite":
        return request.getfixturevalue("town")
    return make_town(request.getfixturevalue("postgres"))


@pytest.fixture
def open_store(tmp_path: Path) -> Callable[[], AbstractContextManager[str]]:
    """``with open_store():`` the town's store runs; its folder stays, so it can come back."""
    folder = tmp_path / "store"
    folder.mkdir()
    return lambda: servers.store_server(folder)


@pytest.fixture
def store(open_store: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The store, for the whole test."""
    with open_store() as url:
        yield url
