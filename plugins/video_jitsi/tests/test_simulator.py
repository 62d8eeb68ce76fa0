"""The stand-in refuses what a Jitsi server refuses, with its words; else our tests would prove nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
import time_machine
from portal_video_jitsi.overrides import overrides as our_overrides

from portal import clock as portal_clock
from portal.testing.jitsi import JitsiSimulator, ServerKeys, TokenRefused, verify
from portal.testing.jitsi.overrides import MUST_BE, troubles
from portal.testing.jitsi.rooms import JoinRefused

KEYS = ServerKeys("portal", "s" * 40, "meet.example.gr")
HEADER = {"alg": "HS256", "typ": "JWT"}


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def made(
    header: dict[str, Any] | None = None, secret: str = "s" * 40, without: str = "", **claims: Any
) -> str:
    """A token that the server takes, but for what a test changes."""
    now = int(portal_clock.now().timestamp())
    good = {
        "iss": "portal",
        "aud": "portal",
        "sub": "meet.example.gr",
        "room": "a1",
        "exp": now + 60,
        **claims,
    }
    good.pop(without, None)
    signed = f"{encoded(HEADER if header is None else header)}.{encoded(good)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def refusal(token: str, keys: ServerKeys = KEYS) -> str:
    with pytest.raises(TokenRefused) as refused:
        verify(token, keys, portal_clock.now())
    return str(refused.value)


def test_a_good_token_is_taken(clock: time_machine.Traveller) -> None:
    assert verify(made(), KEYS, portal_clock.now())["room"] == "a1"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"alg": "HS256"}, "Invalid typ"),
        ({"alg": "HS256", "typ": "jwt"}, "Invalid typ"),
        ({"alg": "none", "typ": "JWT"}, "Invalid or incorrect alg"),
        ({"alg": "hs256", "typ": "JWT"}, "Invalid or incorrect alg"),
        ({"alg": "HS512", "typ": "JWT"}, "Invalid or incorrect alg"),
        ({"typ": "JWT"}, "Invalid or incorrect alg"),
    ],
)
def test_the_header_must_be_exact(clock: time_machine.Traveller, header: dict[str, Any], told: str) -> None:
    assert refusal(made(header)) == told


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "room"])
def test_what_a_token_must_say(clock: time_machine.Traveller, name: str) -> None:
    assert refusal(made(without=name)) == f"'{name}' claim is missing"


def test_issuer_and_audience_are_compared(clock: time_machine.Traveller) -> None:
    assert refusal(made(iss="other")) == "invalid 'iss' claim"
    one_audience = ServerKeys("portal", "s" * 40, "meet.example.gr", audiences=("portal",))
    assert verify(made(), one_audience, portal_clock.now())
    assert refusal(made(aud="other"), one_audience) == "invalid 'aud' claim"
    assert refusal(made(aud=["portal"]), one_audience) == "invalid 'aud' claim"


def test_times_have_no_leeway(clock: time_machine.Traveller) -> None:
    now = int(portal_clock.now().timestamp())
    assert verify(made(exp=now + 1, nbf=now), KEYS, portal_clock.now())
    assert refusal(made(exp=now)) == "Not acceptable by exp"
    assert refusal(made(nbf=now + 1)) == "Not acceptable by nbf"
    assert refusal(made(exp=str(now + 60))) == "exp must be number"
    assert refusal(made(nbf="0")) == "nbf must be number"


def test_a_token_without_an_end_is_taken_for_ever(clock: time_machine.Traveller) -> None:
    token = made(without="exp")
    clock.shift(10**8)
    assert verify(token, KEYS, portal_clock.now())


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", "token required"),
        ("a.b", "Invalid token"),
        ("a.b.c=", "Invalid token"),
        ("YQ.YQ.YQ", "Invalid json"),
    ],
)
def test_what_is_no_token_is_refused(token: str, told: str) -> None:
    assert refusal(token) == told


def test_a_signature_with_another_secret_or_of_another_text_is_refused(clock: time_machine.Traveller) -> None:
    assert refusal(made(secret="t" * 40)) == "Invalid signature"
    head, _claims, signature = made().split(".")
    assert refusal(f"{head}.{made(room='*').split('.')[1]}.{signature}") == "Invalid signature"


@pytest.fixture
def jitsi() -> Any:
    server = JitsiSimulator(domain="meet.example.gr")
    yield server
    server.close()


def test_the_room_is_compared_without_regard_to_capitals(
    jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    jitsi.rooms.join("a1", made(room="A1"))
    jitsi.rooms.join("b2", made(room="*"))
    for token in (made(room="a1x"), made(sub="other.example.gr")):
        with pytest.raises(JoinRefused, match="Room and token mismatched"):
            jitsi.rooms.join("a1", token)
    jitsi.set_keys(verifies_domain=False)
    jitsi.rooms.join("a1", made(sub="other.example.gr"))


def test_without_the_module_for_rooms_a_token_opens_any_room(
    jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    jitsi.set_keys(verifies_room=False)
    jitsi.rooms.join("elsewhere", made())


def test_a_moderator_may_record_unless_his_token_forbids_it(
    jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    def may_record(**context: Any) -> bool:
        context["user"] = {"moderator": True}
        return jitsi.rooms.may_record(jitsi.rooms.join("a1", made(context=context)).id)

    assert may_record()
    assert may_record(features={"recording": "true"})
    assert not may_record(features={"recording": False})
    assert not may_record(features={})


def test_a_stock_server_makes_the_first_one_moderator(
    jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    jitsi.rooms.roles_from_tokens = False
    clerk = {"user": {"name": "clerk", "moderator": True}}
    assert jitsi.rooms.join("a1", made()).role == "moderator"
    assert jitsi.rooms.join("a1", made(context=clerk)).role == "participant"


@pytest.mark.parametrize("name", MUST_BE)
def test_a_page_that_could_capture_is_let_into_no_room(
    jitsi: JitsiSimulator, name: str, clock: time_machine.Traveller
) -> None:
    config = json.loads(json.dumps(our_overrides(True, False)))
    place, *keys = config, *name.split(".")
    for key in keys[:-1]:
        place = place[key]
    place.pop(keys[-1])
    assert troubles(config) == [name]
    asked = {"room": "a1", "jwt": made(), "config": config}
    answer = httpx.post(f"{jitsi.url}/stand-in/join", json=asked, verify=False)
    assert answer.status_code == 403
    assert name in answer.json()["error"]["message"]


def test_a_button_that_captures_is_noticed() -> None:
    config = our_overrides(True, False) | {"toolbarButtons": ["hangup", "recording"]}
    assert troubles(config) == ["button recording"]
    assert troubles(our_overrides(True, False) | {"toolbarButtons": None}) == ["toolbarButtons"]
