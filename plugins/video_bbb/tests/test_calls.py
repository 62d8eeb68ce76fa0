"""What can go wrong between the portal and BigBlueButton, and that no secret shows when it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from portal_video_bbb import calls
from portal_video_bbb.provider import BbbRooms
from pydantic import SecretStr

from portal.plugin_api import ConfigurationFailure, PermanentFailure, ProviderFailure, TemporaryFailure
from portal.testing.bbb import BbbSimulator, faults
from portal.testing.contracts.video import CLERK, an_order

Simulator = Callable[..., BbbSimulator]
RoomsOn = Callable[..., BbbRooms]


@pytest.mark.parametrize(
    ("fault", "failure", "told"),
    [
        (faults.page, TemporaryFailure, "no XML"),
        (faults.truncated, TemporaryFailure, "only a part"),
        (faults.bomb, TemporaryFailure, "BigBlueButton answers"),
        (faults.definitions, TemporaryFailure, "definitions"),
        (faults.huge, TemporaryFailure, "more than makes sense"),
        (faults.without("returncode"), TemporaryFailure, "something else"),
        (faults.status(500), TemporaryFailure, "500"),
        (faults.status(503), TemporaryFailure, "503"),
        (faults.status(429), TemporaryFailure, "429"),
        (faults.dropped, TemporaryFailure, "does not answer"),
        (faults.failed(""), TemporaryFailure, "does not say why"),
        (faults.failed("serverUnavailable"), TemporaryFailure, "serverUnavailable"),
        (faults.failed("internalError"), TemporaryFailure, "internalError"),
        (faults.failed("checksumError"), ConfigurationFailure, "PORTAL_VIDEO_BBB_SECRET"),
        (faults.failed("unsupportedRequest"), ConfigurationFailure, "base_url"),
        (faults.status(401), ConfigurationFailure, "PORTAL_VIDEO_BBB_SECRET"),
        (faults.status(404), ConfigurationFailure, "base_url"),
        (faults.leads_on("https://elsewhere.example/"), ConfigurationFailure, "leads elsewhere"),
        (faults.status(400), PermanentFailure, "HTTP 400"),
        (faults.failed("sizeError"), PermanentFailure, "sizeError"),
    ],
)
def test_each_trouble_is_told_as_what_it_is(
    provider: BbbRooms, bbb: BbbSimulator, fault: faults.Fault, failure: type[ProviderFailure], told: str
) -> None:
    bbb.faults["create"] = fault
    with pytest.raises(failure, match=told) as raised:
        provider.open_room(an_order())
    assert type(raised.value) is failure
    bbb.faults.clear()
    assert provider.open_room(an_order()).data["create_time"]


@pytest.mark.parametrize("spoiled", [faults.without("createTime"), faults.failed("notFound")])
def test_a_meeting_that_cannot_be_found_after_its_creation_is_asked_for_again_later(
    provider: BbbRooms, bbb: BbbSimulator, spoiled: faults.Fault
) -> None:
    bbb.faults["getMeetingInfo"] = spoiled
    with pytest.raises(TemporaryFailure, match="no meeting"):
        provider.open_room(an_order())


def test_a_slow_answer_is_not_waited_for_for_ever(
    provider: BbbRooms, bbb: BbbSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMES", httpx.Timeout(0.1))
    bbb.faults["create"] = faults.slow(0.5)
    began = time.monotonic()
    with pytest.raises(TemporaryFailure, match="ReadTimeout"):
        provider.open_room(an_order())
    assert time.monotonic() - began < 0.4


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_stumbles_is_asked_once_more(provider: BbbRooms, bbb: BbbSimulator, status: int) -> None:
    bbb.faults["create"] = faults.first(1, faults.status(status))
    provider.open_room(an_order())
    assert len(bbb.calls_of("create")) == 2


@pytest.mark.parametrize(
    ("fault", "calls_made"), [(faults.status(502), 2), (faults.status(500), 1), (faults.dropped, 1)]
)
def test_nothing_is_asked_more_than_twice(
    provider: BbbRooms, bbb: BbbSimulator, fault: faults.Fault, calls_made: int
) -> None:
    bbb.faults["create"] = fault
    with pytest.raises(TemporaryFailure):
        provider.open_room(an_order())
    assert len(bbb.calls_of("create")) == calls_made


def test_a_repeated_order_finds_its_meeting_after_a_lost_answer(
    provider: BbbRooms, bbb: BbbSimulator
) -> None:
    bbb.faults["create"] = faults.first(1, faults.dropped)
    with pytest.raises(TemporaryFailure):
        provider.open_room(an_order())
    made = bbb.meeting("room-1").create_time
    assert provider.open_room(an_order()).data["create_time"] == str(made)


def test_a_certificate_that_nobody_trusts_is_named(provider: BbbRooms) -> None:
    told = calls._no_answer(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] https://host/?checksum=x"))
    assert "certificate at base_url" in str(told) and "checksum=" not in str(told)


@pytest.mark.parametrize("mode", ["bbb", "scalelite", "b3lb"])
def test_a_wrong_secret_is_a_matter_of_configuration_everywhere(
    simulator: Simulator, rooms_on: RoomsOn, mode: str
) -> None:
    rooms = rooms_on(simulator(mode), secret=SecretStr("wrong"))
    for deed in (rooms.check, lambda: rooms.open_room(an_order())):
        with pytest.raises(ConfigurationFailure, match="PORTAL_VIDEO_BBB_SECRET"):
            deed()


def test_neither_address_nor_signature_nor_secret_is_told(
    provider: BbbRooms, bbb: BbbSimulator, logged: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # As in `portal.logs`: these would name every address.
    for talkative in ("httpx", "httpcore"):
        caplog.set_level("WARNING", talkative)
    told = []
    for fault in (faults.page, faults.dropped, faults.status(500), faults.failed("sizeError"), faults.bomb):
        bbb.faults["create"] = fault
        with pytest.raises(ProviderFailure) as raised:
            provider.open_room(an_order())
        told.append(repr(raised.value) + str(raised.value.__cause__))
    bbb.faults.clear()
    provider.close_room(provider.open_room(an_order()))
    provider.join(provider.open_room(an_order()), CLERK)
    everything = "".join(told) + logged()
    for secret in (bbb.secret, "checksum=", "/create?", CLERK.name):
        assert secret not in everything


def test_no_cookie_of_one_call_goes_along_with_another(provider: BbbRooms, bbb: BbbSimulator) -> None:
    def sets_cookie(answer: Any) -> Any:
        answer.set_cookie("JSESSIONID", "of-somebody")
        return answer

    seen: list[str] = []
    bbb.faults["isMeetingRunning"] = sets_cookie
    provider.check()
    answer = bbb._answer
    bbb._answer = lambda request: (seen.append(request.headers.get("Cookie", "")), answer(request))[1]  # type: ignore[method-assign]
    provider.check()
    assert seen == [""]
