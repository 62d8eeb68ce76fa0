"""Calls through a real coturn, and what it refuses; what `portal try video` says about it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from portal_video_direct import stun
from portal_video_direct.addresses import ServerAddress
from portal_video_direct.ice import turn_login
from portal_video_direct.provider import DirectRooms
from portal_video_direct.settings import DirectSettings
from pydantic import SecretStr

from portal import clock
from portal.plugin_api import Finding
from portal.testing.servers import free_port, turn_server

FRESH = timedelta(minutes=1)


@pytest.fixture
def try_out(plugin_context: Callable[..., Any]) -> Callable[[DirectSettings], list[Finding]]:
    def try_out(settings: DirectSettings) -> list[Finding]:
        # Not the demonstration, which needs no servers.
        return DirectRooms(replace(plugin_context("video_direct", settings), demo=False)).try_out()

    return try_out


def only_trouble(findings: list[Finding]) -> str:
    (trouble,) = [finding.trouble for finding in findings if finding.trouble]
    return trouble


@pytest.mark.parametrize("transport", ["", "?transport=tcp"])
def test_the_relay_serves_who_has_a_password_of_ours(relay: Any, transport: str) -> None:
    address = ServerAddress.read(relay.url + transport)
    assert address is not None
    assert stun.allocation(address, *turn_login(relay.secret, "g1", clock.now() + FRESH)) == 0


@pytest.mark.parametrize(("secret", "age"), [("another", FRESH), ("", -FRESH)])
def test_the_relay_refuses_another_secret_and_a_time_that_is_over(
    relay: Any, secret: str, age: timedelta
) -> None:
    address = ServerAddress.read(relay.url)
    assert address is not None
    login = turn_login(secret or relay.secret, "g1", clock.now() + age)
    assert stun.allocation(address, *login) == 401


def test_a_trial_finds_a_relay_in_order(relay: Any, try_out: Any) -> None:
    stun_url = relay.url.replace("turn:", "stun:")
    findings = try_out(relay.settings(stun_urls=(stun_url,)))
    assert [finding.trouble for finding in findings] == ["", "", ""]
    assert findings[1].tried == f"{stun_url} answers"
    assert findings[2].tried == f"{relay.url} relays for our guests and for nobody else"


def test_a_trial_tells_that_the_secret_is_another_one_without_telling_it(relay: Any, try_out: Any) -> None:
    settings = DirectSettings(turn_urls=(relay.url,), turn_secret=SecretStr("not-the-relays"))
    trouble = only_trouble(try_out(settings))
    assert "PORTAL_VIDEO_DIRECT_TURN_SECRET" in trouble and "static-auth-secret" in trouble
    assert "not-the-relays" not in trouble


@pytest.mark.parametrize("transport", ["", "?transport=tcp"])
def test_a_trial_tells_that_nobody_listens(try_out: Any, transport: str) -> None:
    url = f"turn:127.0.0.1:{free_port()}{transport}"
    trouble = only_trouble(try_out(DirectSettings(turn_urls=(url,), turn_secret=SecretStr("x"))))
    assert trouble.startswith("nobody listens there") and "mend turn_urls" in trouble


def test_a_trial_tells_that_something_else_answers(another_server: str, try_out: Any) -> None:
    trouble = only_trouble(try_out(DirectSettings(stun_urls=(another_server,))))
    assert "no STUN or TURN server" in trouble and "mend stun_urls" in trouble


def test_a_trial_tells_that_a_relay_is_open_to_everybody(try_out: Any, tmp_path: Path) -> None:
    with turn_server(tmp_path, secret="", port=free_port()) as url:
        settings = DirectSettings(turn_urls=(url,), turn_secret=SecretStr("x"))
        assert "use-auth-secret" in only_trouble(try_out(settings))


def test_a_trial_tells_that_there_are_no_servers_at_all(try_out: Any) -> None:
    assert "stun_urls" in only_trouble(try_out(DirectSettings()))


@pytest.fixture
def another_server() -> Iterator[str]:
    """Something that answers on UDP, in a language of its own."""
    with socket.socket(type=socket.SOCK_DGRAM) as served:
        served.bind(("127.0.0.1", 0))

        def answer() -> None:
            _, caller = served.recvfrom(2048)
            served.sendto(b"good morning", caller)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"stun:127.0.0.1:{served.getsockname()[1]}"
        thread.join(5)
