"""The test kit and the limited door into the core do what authors of plugins rely on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from portal import plugin_context as limits
from portal.plugin_api import (
    ConfigurationFailure,
    PermanentFailure,
    PluginContext,
    TemporaryFailure,
    lazy,
)
from portal.plugin_context import PluginSigner, limited_http
from portal.testing.contracts import OutsideFailures
from portal.testing.fakes import FakeVideo
from portal.testing.kit import MemoryExchange
from portal.testing.remote import Asked, RemoteServer, Reply

KEYS = ("new-key-new-key-new-key-new-key-new", "old-key-old-key-old-key-old-key-old")
HOUR = timedelta(hours=1)


class Counting(FakeVideo):
    """A provider that asks its server over HTTP, written the way `docs/plugins.md` recommends."""

    title = lazy("Test video")

    def __init__(self, context: PluginContext[Any], url: str) -> None:
        super().__init__()
        self._http, self._url = context.http, url

    def check(self) -> None:
        try:
            answer = self._http.get(f"{self._url}/rooms", timeout=2)
        except httpx.HTTPError as error:
            raise TemporaryFailure(f"no answer ({type(error).__name__})") from error
        if answer.status_code in (401, 403):
            raise ConfigurationFailure("the server refuses our account")
        if answer.status_code != 200:
            raise TemporaryFailure(f"status {answer.status_code}")
        try:
            answer.json()
        except ValueError as error:
            raise TemporaryFailure("no JSON") from error


class TestOutsideFailures(OutsideFailures):
    @pytest.fixture
    def provider(self, plugin_context: Callable[..., PluginContext[Any]], remote: RemoteServer) -> Counting:
        return Counting(plugin_context("counting"), remote.url)

    def exercise(self, provider: Counting) -> None:
        provider.check()

    def test_a_sound_answer_is_none(self, provider: Counting, remote: RemoteServer) -> None:
        remote.script(Reply())
        provider.check()
        assert [(asked.method, asked.path) for asked in remote.asked] == [("GET", "/rooms")]


def test_the_scripted_server_answers_by_the_request(remote: RemoteServer) -> None:
    def script(asked: Asked) -> Reply:
        return Reply(status=201 if asked.body == b"new" else 404)

    remote.script(script)
    with limited_http() as http:
        assert http.post(remote.url, content=b"new").status_code == 201
        assert http.get(remote.url).status_code == 404


def test_an_answer_that_is_too_large_is_cut_off(
    remote: RemoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LARGEST_ANSWER", 1000)
    remote.script(Reply(body=b"x" * 2000))
    with limited_http() as http, pytest.raises(TemporaryFailure, match="larger"):
        http.get(remote.url)


def test_an_answer_that_takes_too_long_is_cut_off(
    remote: RemoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LONGEST_CALL", -1.0)
    remote.script(Reply(body=b"drip"))
    with limited_http() as http, pytest.raises(TemporaryFailure, match="too long"):
        http.get(remote.url)


def test_redirects_are_not_followed(remote: RemoteServer) -> None:
    remote.script(Reply(status=302, headers={"Location": "https://elsewhere.example/"}))
    with limited_http() as http:
        assert http.get(remote.url).status_code == 302


def test_one_client_serves_many_threads(remote: RemoteServer) -> None:
    remote.script(lambda asked: Reply(body=asked.path.encode()))
    wrong: list[str] = []
    with limited_http() as http:

        def ask(number: int) -> None:
            if http.get(f"{remote.url}/{number}").text != f"/{number}":
                wrong.append(str(number))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_signature_is_read_by_its_own_plugin_alone() -> None:
    token = PluginSigner("acme", KEYS).sign({"room": "17"})
    assert PluginSigner("acme", KEYS).read(token, HOUR) == {"room": "17"}
    assert PluginSigner("other", KEYS).read(token, HOUR) is None
    assert PluginSigner("acme", KEYS).read(token + "x", HOUR) is None


def test_a_signature_of_an_older_key_is_still_read_but_the_first_one_signs() -> None:
    old = PluginSigner("acme", KEYS[1:]).sign({"room": "17"})
    assert PluginSigner("acme", KEYS).read(old, HOUR) == {"room": "17"}
    new = PluginSigner("acme", KEYS).sign({"room": "17"})
    assert PluginSigner("acme", KEYS[1:]).read(new, HOUR) is None


def test_a_signature_grows_old(clock: time_machine.Traveller) -> None:
    signer = PluginSigner("acme", KEYS)
    token = signer.sign({"room": "17"})
    clock.shift(timedelta(minutes=59))
    assert signer.read(token, HOUR) is not None
    clock.shift(timedelta(minutes=2))
    assert signer.read(token, HOUR) is None


def test_what_is_derived_is_always_the_same_and_a_plugins_own() -> None:
    assert PluginSigner("acme", KEYS).derive("17") == PluginSigner("acme", KEYS).derive("17")
    assert PluginSigner("acme", KEYS).derive("17") != PluginSigner("acme", KEYS).derive("18")
    assert PluginSigner("acme", KEYS).derive("17") != PluginSigner("other", KEYS).derive("17")


def test_the_exchange_in_memory_behaves_like_the_real_one() -> None:
    exchange = MemoryExchange()
    assert [exchange.post("room", text) for text in ("one", "two")] == [1, 2]
    assert exchange.read("room", after=1) == [(2, "two")]
    assert exchange.read("elsewhere", after=0) == []
    exchange.close("room")
    exchange.close("room")
    for call in (lambda: exchange.post("room", "three"), lambda: exchange.read("room", 0)):
        with pytest.raises(PermanentFailure):
            call()
