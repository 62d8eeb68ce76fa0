"""What the tests share: the stand-in for BigBlueButton, and our provider beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portal_video_bbb.provider import BbbRooms
from portal_video_bbb.settings import BbbSettings
from pydantic import SecretStr

from portal.plugin_api import PluginContext
from portal.testing.bbb import BbbSimulator


@pytest.fixture
def simulator() -> Iterator[Callable[..., BbbSimulator]]:
    """``simulator("b3lb")``: a server of that kind."""
    made: list[BbbSimulator] = []

    def make(mode: Any = "bbb") -> BbbSimulator:
        made.append(BbbSimulator(mode))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def bbb(simulator: Callable[..., BbbSimulator]) -> BbbSimulator:
    """One BigBlueButton server without a balancer."""
    return simulator()


@pytest.fixture
def rooms_on(plugin_context: Callable[..., PluginContext[Any]]) -> Callable[..., BbbRooms]:
    """``rooms_on(bbb, checksum="sha1")``: our provider for that server."""

    def make(server: BbbSimulator, **changed: Any) -> BbbRooms:
        values = {"base_url": server.url, "secret": SecretStr(server.secret), **changed}
        return BbbRooms(plugin_context("video_bbb", BbbSettings(**values)))

    return make


@pytest.fixture
def provider(bbb: BbbSimulator, rooms_on: Callable[..., BbbRooms], clock: Any) -> BbbRooms:
    """Our provider for ``bbb``, on a day that stands still."""
    return rooms_on(bbb)
