"""The world of `world.py`, made once for a session; the clock stands still, and nobody is too quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from portal import security
from portal.db import db
from portal.testing.fixtures import A_MONDAY

from . import world as world_module


@pytest.fixture(scope="session")
def kept_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[world_module.World]:
    """Made on a Monday morning."""
    with time_machine.travel(A_MONDAY, tick=False):
        made = world_module.make(tmp_path_factory.mktemp("world"))
    yield made
    with made.app.app_context():
        db.session.remove()
        db.engine.dispose()
        made.app.extensions["portal.exchange"].disconnect()


@pytest.fixture
def world(
    kept_world: world_module.World, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[world_module.World]:
    """The world as it was made, on that same morning."""
    monkeypatch.setattr(security.limiter, "enabled", False)
    with kept_world.app.app_context():
        kept_world.put_back()
        yield kept_world
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def ask(world: world_module.World, log_in: Callable[..., None]) -> Callable[..., Any]:
    """``ask("clerk", "GET", "/staff/")``: the answer to this caller."""

    def ask(caller: str, method: str, path: str) -> Any:
        return world.ask(world_module.CALLERS[caller], method, path, log_in)

    return ask


@pytest.fixture
def browser_of(world: world_module.World, log_in: Callable[..., None]) -> Callable[[str], Any]:
    """``browser_of("clerk")``: his browser, in English."""
    return lambda caller: world.browser(world_module.CALLERS[caller], log_in)
