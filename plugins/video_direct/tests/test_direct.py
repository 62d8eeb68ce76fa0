"""Direct video keeps the contract; its address serves nobody without a valid pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import portal_video_direct
import pytest
import time_machine
from portal_video_direct.passes import LIFETIME, RENEWED_AFTER
from portal_video_direct.provider import DirectRooms
from portal_video_direct.settings import DirectSettings
from pydantic import SecretStr, ValidationError

from portal import clock as portal_clock
from portal.plugin_api import Join, PluginContext, VideoProvider
from portal.testing.contracts import VideoProviderContract
from portal.testing.contracts.video import CITIZEN, an_order

MakeContext = Callable[..., PluginContext[Any]]
FOLDER = Path(str(portal_video_direct.__file__)).parent
ADDRESS = "/plugins/video_direct/rooms/messages"
CAPTURE = re.compile(r"MediaRecorder|captureStream|getDisplayMedia|canvas|takePhoto|grabFrame|Blob\(", re.I)


def hello(session: str = "s1", **more: Any) -> dict[str, Any]:
    return {"kind": "hello", "session": session, **more}


@pytest.fixture
def client(house: Any) -> Any:
    with house.app.test_client() as client:
        yield client


@pytest.fixture
def say(house: Any, client: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``say("clerk", hello())`` as that guest, in a room of this test alone."""

    def say(guest: str, body: dict[str, Any], room: str = "") -> Any:
        token = house.token(room or _room(request), guest)
        return client.post(ADDRESS, json=body, headers={"X-Call-Token": token})

    return say


@pytest.fixture
def hear(house: Any, client: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    def hear(guest: str, after: int = 0, session: str = "", room: str = "") -> Any:
        headers = {"X-Call-Token": house.token(room or _room(request), guest)}
        return client.get(ADDRESS, query_string={"after": after, "session": session}, headers=headers)

    return hear


def _room(request: pytest.FixtureRequest) -> str:
    return hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]


class TestContract(VideoProviderContract):
    secrets = ("the-secret-of-the-relay",)

    @pytest.fixture
    def provider(self, plugin_context: MakeContext, clock: time_machine.Traveller) -> VideoProvider:
        settings = DirectSettings(
            stun_urls=("stun:stun.example:3478",),
            turn_urls=("turn:turn.example:3478",),
            turn_secret=SecretStr(self.secrets[0]),
        )
        return DirectRooms(plugin_context("video_direct", settings))

    def recording_is_refused(self, provider: VideoProvider, join: Join) -> bool:
        """No server is in between; the page that is drawn, and its scripts, capture nothing."""
        template = FOLDER / "templates" / str(join.template)
        files = [template, *(FOLDER / "static").glob("*.js")]
        return join.url is None and not any(CAPTURE.search(file.read_text("utf-8")) for file in files)

    def name_shown(self, join: Join) -> str:
        return str(join.values["me"])


def test_what_one_says_all_others_hear(say: Any, hear: Any) -> None:
    assert say("clerk", hello()).json == {"number": 1}
    (message,) = hear("citizen").json["messages"]
    assert (message["from"], message["name"], message["role"]) == ("p1", "Κώστας Αλεξίου", "clerk")
    assert hear("clerk", session="s1").json["messages"] == []
    assert hear("citizen", after=1).json["messages"] == []


def test_a_word_to_one_is_heard_by_him_alone(say: Any, hear: Any) -> None:
    say("clerk", hello(kind="candidate", to="p2"))
    assert len(hear("citizen").json["messages"]) == 1
    assert hear("interpreter").json["messages"] == []


def test_nobody_speaks_in_anothers_name(say: Any, hear: Any) -> None:
    assert say("citizen", {**hello(), "from": "p1"}).status_code == 400


def test_rooms_are_apart(say: Any, hear: Any) -> None:
    say("clerk", hello(), room="here")
    assert hear("citizen", room="there").json["messages"] == []


@pytest.mark.parametrize("token", ["", "nonsense", "e30.aaaa.bbbb"])
def test_without_a_valid_pass_everything_is_refused(client: Any, token: str) -> None:
    assert client.get(ADDRESS, headers={"X-Call-Token": token}).status_code == 403
    assert client.post(ADDRESS, json=hello(), headers={"X-Call-Token": token}).status_code == 403
    assert client.get(ADDRESS).status_code == 403


def test_a_pass_lives_minutes_and_is_renewed_while_it_is_used(house: Any, client: Any) -> None:
    now = portal_clock.now()
    with time_machine.travel(now, tick=False) as present:
        token = house.token("renewal", "citizen")
        assert "token" not in client.get(ADDRESS, headers={"X-Call-Token": token}).json
        present.shift(RENEWED_AFTER)
        fresh = client.get(ADDRESS, headers={"X-Call-Token": token}).json["token"]
        present.shift(LIFETIME - RENEWED_AFTER + timedelta(seconds=2))
        assert client.get(ADDRESS, headers={"X-Call-Token": token}).json == {"error": "expired"}
        assert client.get(ADDRESS, headers={"X-Call-Token": fresh}).status_code == 200


def test_no_pass_outlives_the_room(house: Any, client: Any) -> None:
    now = portal_clock.now()
    with time_machine.travel(now, tick=False) as present:
        room = house.room("short")
        token = house.token("short", "citizen")
        while portal_clock.now() < room.closes_at - timedelta(minutes=5):
            present.shift(LIFETIME / 2)
            token = client.get(ADDRESS, headers={"X-Call-Token": token}).json["token"]
        present.move_to(room.closes_at - timedelta(seconds=1))
        assert client.get(ADDRESS, headers={"X-Call-Token": token}).status_code == 200
        present.move_to(room.closes_at)
        assert client.get(ADDRESS, headers={"X-Call-Token": token}).status_code == 403


def test_only_the_clerk_removes_somebody(say: Any, hear: Any) -> None:
    assert say("citizen", {"kind": "remove", "guest": "p1"}).status_code == 403
    assert hear("clerk").json["removed"] == []


@pytest.mark.parametrize("guest", ["clerk", "citizen"])
def test_nobody_switches_the_pictures_here_for_the_core_knows_who_is_identified(say: Any, guest: str) -> None:
    assert say(guest, {"kind": "sound-only", "on": True}).status_code == 400


@pytest.mark.parametrize("on", [True, False])
def test_who_comes_is_told_whether_the_pictures_are_off(plugin_context: MakeContext, on: bool) -> None:
    provider = DirectRooms(plugin_context("video_direct", DirectSettings()))
    room = replace(provider.open_room(an_order()), sound_only=on)
    assert provider.join(room, CITIZEN).values["sound_only"] is on


def test_who_was_removed_stays_out(say: Any, hear: Any) -> None:
    say("companion", hello())
    say("clerk", {"kind": "remove", "guest": "p4"})
    assert say("companion", hello("s2")).json == {"error": "removed"}
    assert hear("companion").status_code == 403
    assert hear("citizen").json["removed"] == ["p4"]


def test_a_full_room_takes_nobody_more_until_somebody_leaves(say: Any) -> None:
    for guest in ("clerk", "citizen", "interpreter", "companion"):
        assert say(guest, hello()).status_code == 200
    assert say("fifth", hello()).status_code == 409
    assert say("citizen", hello("s2")).status_code == 200
    say("companion", {"kind": "bye", "session": "s1"})
    assert say("fifth", hello()).status_code == 200


def test_a_closed_room_is_gone_for_readers_and_writers(house: Any, say: Any, hear: Any) -> None:
    say("clerk", hello(), room="closing")
    house.provider.close_room(house.room("closing"))
    assert hear("citizen", room="closing").status_code == 410
    assert say("citizen", hello(), room="closing").status_code == 410


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "shout", "session": "s1"},
        {"kind": "hello"},
        hello("s" * 100),
        hello(data="text"),
    ],
)
def test_what_makes_no_sense_is_refused(say: Any, body: dict[str, Any]) -> None:
    assert say("citizen", body).status_code == 400


def test_a_giant_message_is_refused(say: Any) -> None:
    assert say("citizen", hello(data={"description": "x" * 60_000})).status_code == 413


def test_the_relays_password_ends_with_the_room(plugin_context: MakeContext) -> None:
    settings = DirectSettings(turn_urls=("turn:turn.example:3478",), turn_secret=SecretStr("shared"))
    provider = DirectRooms(plugin_context("video_direct", settings))
    room = provider.open_room(an_order())
    (server,) = provider.join(room, CITIZEN).values["rtc"]["iceServers"]
    assert server["username"] == f"{int(room.closes_at.timestamp())}:g2"
    expected = hmac.new(b"shared", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected


def test_a_relay_without_its_secret_is_a_problem_of_the_settings() -> None:
    with pytest.raises(ValidationError, match="PORTAL_VIDEO_DIRECT_TURN_SECRET"):
        DirectSettings(turn_urls=("turn:turn.example:3478",))


@pytest.mark.parametrize(
    "url", ["https://turn.example", "turn:", "turn:a b", "turn:turn.example:0", "turn:x:1?transport=quic"]
)
def test_a_relay_address_that_browsers_do_not_take_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must look like turn:"):
        DirectSettings(turn_urls=(url,), turn_secret=SecretStr("shared"))


def test_only_a_relay_is_no_setting_where_there_is_none() -> None:
    with pytest.raises(ValidationError, match="set turn_urls"):
        DirectSettings(relay_only=True)
