"""What the tests share: a stand-in for a Jitsi server that knows our portal, and our provider beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portal_video_jitsi.provider import JitsiRooms
from portal_video_jitsi.settings import JitsiSettings
from pydantic import SecretStr

from portal.plugin_api import Guest, Join, PluginContext, Room
from portal.testing.jitsi import JitsiSimulator

APP_SECRET = "the-secret-that-prosody-knows-as-well"
PROOF = "the-proof-of-prosody-for-reservations"
RoomsOn = Callable[..., JitsiRooms]


def claims_of(token: str) -> dict[str, Any]:
    """What a token says; its signature is for others to check."""
    part = token.split(".")[1]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def options_of(join: Join) -> dict[str, Any]:
    """The options with which the page makes its frame."""
    options = join.values["jitsi_options"]
    assert isinstance(options, dict)
    return options


def token_of(provider: JitsiRooms, room: Room, guest: Guest) -> str:
    return str(options_of(provider.join(room, guest))["jwt"])


@pytest.fixture
def jitsi() -> Iterator[JitsiSimulator]:
    """The server; it knows the application ``portal``."""
    server = JitsiSimulator("portal", APP_SECRET)
    yield server
    server.close()


@pytest.fixture
def contexts_of(
    plugin_context: Callable[..., PluginContext[Any]],
) -> Callable[..., PluginContext[Any]]:
    """``contexts_of(base_url, app_id="other")``: the plugin's context with these settings."""

    def make(base_url: str, **changed: Any) -> PluginContext[Any]:
        values = {
            "base_url": base_url,
            "app_id": "portal",
            "app_secret": SecretStr(APP_SECRET),
            **changed,
        }
        return plugin_context("video_jitsi", JitsiSettings(**values))

    return make


@pytest.fixture
def rooms_on(contexts_of: Callable[..., PluginContext[Any]], jitsi: JitsiSimulator) -> RoomsOn:
    """``rooms_on(app_id="other")``: our provider, with other settings than usual."""
    return lambda **changed: JitsiRooms(contexts_of(**{"base_url": jitsi.url, **changed}))


@pytest.fixture
def provider(rooms_on: RoomsOn) -> JitsiRooms:
    """Our provider, set up as it should be."""
    return rooms_on()
