"""Jitsi keeps the contract; its tokens and pages carry what they must, and nothing else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import time_machine
from portal_video_jitsi.overrides import BUTTONS
from portal_video_jitsi.provider import JitsiRooms
from portal_video_jitsi.tokens import LIFETIME
from pydantic import SecretStr

from portal import clock
from portal.plugin_api import ConfigurationFailure, Join, PluginContext, Role, TemporaryFailure, VideoProvider
from portal.testing.contracts import OutsideFailures, VideoProviderContract
from portal.testing.contracts.common import GREEK_NAME
from portal.testing.contracts.video import CITIZEN, CLERK, ROLES, an_order
from portal.testing.jitsi import JitsiSimulator, TokenRefused, overrides, tokens
from portal.testing.remote import RemoteServer

from .conftest import APP_SECRET, PROOF, RoomsOn, claims_of, options_of, token_of

NO_CAPTURE = (
    "recording",
    "livestreaming",
    "transcription",
    "file-upload",
    "outbound-call",
    "sip-outbound-call",
)


class TestContract(VideoProviderContract):
    secrets = (APP_SECRET, PROOF)

    @pytest.fixture
    def provider(self, rooms_on: RoomsOn, clock: time_machine.Traveller) -> VideoProvider:
        return rooms_on(reservations=True, reservations_secret=SecretStr(PROOF))

    def recording_is_refused(self, provider: VideoProvider, join: Join) -> bool:
        """The server refuses by the token, even to a moderator, and the page does not offer it."""
        options = options_of(join)
        features = claims_of(options["jwt"])["context"]["features"]
        forbidden = all(features[name] is False for name in NO_CAPTURE)
        passed_on = tokens.allows(claims_of(options["jwt"]), "recording", moderates=True)
        return forbidden and not passed_on and overrides.troubles(options["configOverwrite"]) == []

    def name_shown(self, join: Join) -> str:
        return str(claims_of(options_of(join)["jwt"])["context"]["user"]["name"])


class TestOutside(OutsideFailures):
    @pytest.fixture
    def provider(self, contexts_of: Callable[..., PluginContext[Any]], remote: RemoteServer) -> VideoProvider:
        return JitsiRooms(contexts_of(remote.url))

    def exercise(self, provider: VideoProvider) -> None:
        provider.check()


def test_a_server_that_is_away_is_noticed_while_another_system_can_be_chosen(
    provider: JitsiRooms, jitsi: JitsiSimulator
) -> None:
    jitsi.close()
    with pytest.raises(TemporaryFailure, match="does not answer"):
        provider.open_room(an_order())


def test_where_no_jitsi_is_the_setting_is_named(
    contexts_of: Callable[..., PluginContext[Any]], remote: RemoteServer
) -> None:
    with pytest.raises(ConfigurationFailure, match="check base_url"):
        JitsiRooms(contexts_of(remote.url)).check()


# --- Rooms -----------------------------------------------------------------------------------------------


def test_a_room_has_a_long_name_that_tells_nothing(provider: JitsiRooms) -> None:
    order = an_order("a1b2c3d4-e5f6")
    name = provider.open_room(order).data["name"]
    assert re.fullmatch(r"[a-z0-9]{40}", name)
    assert order.key.replace("-", "") not in name


def test_another_portal_thinks_of_other_names(provider: JitsiRooms, rooms_on: RoomsOn) -> None:
    """The name is made with the portal's secret key, so the key of a room alone does not lead to it."""
    assert provider.open_room(an_order()).data["name"] == rooms_on().open_room(an_order()).data["name"]
    assert provider.open_room(an_order()).data["name"] != provider.open_room(an_order("room-2")).data["name"]


# --- Tokens ----------------------------------------------------------------------------------------------


def test_the_token_says_exactly_this(provider: JitsiRooms, clock: time_machine.Traveller) -> None:
    room = provider.open_room(an_order())
    token = token_of(provider, room, CLERK)
    head = token.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))) == {
        "alg": "HS256",
        "typ": "JWT",
    }
    told = claims_of(token)
    person = told["context"]["user"].pop("id")
    now = int(room.closes_at.timestamp()) - 3600
    assert told == {
        "iss": "portal",
        "aud": "portal",
        "sub": "127.0.0.1",
        "room": room.data["name"],
        "nbf": now - 60,
        "exp": now + 600,
        "context": {
            "user": {"name": "Κώστας Αλεξίου", "moderator": True, "affiliation": "owner"},
            "features": {
                "recording": False,
                "livestreaming": False,
                "transcription": False,
                "outbound-call": False,
                "sip-outbound-call": False,
                "inbound-call": False,
                "sip-inbound-call": False,
                "screen-sharing": False,
                "file-upload": False,
                "create-polls": False,
                "send-groupchat": True,
            },
        },
    }
    assert re.fullmatch(r"[0-9a-f]{24}", person) and CLERK.key not in person


@pytest.mark.parametrize("role", ROLES)
def test_everybody_but_the_leading_clerk_is_a_member(provider: JitsiRooms, role: Role) -> None:
    room = provider.open_room(an_order())
    told = claims_of(token_of(provider, room, replace(CITIZEN, role=role)))
    assert (told["context"]["user"]["moderator"], told["context"]["user"]["affiliation"]) == (False, "member")


def test_a_person_is_the_same_in_one_room_and_another_in_the_next(provider: JitsiRooms) -> None:
    def known_as(key: str) -> str:
        token = token_of(provider, provider.open_room(an_order(key)), CITIZEN)
        return str(claims_of(token)["context"]["user"]["id"])

    assert known_as("room-1") == known_as("room-1") != known_as("room-2")


def test_the_xmpp_domain_may_be_another_than_the_host(rooms_on: RoomsOn) -> None:
    provider = rooms_on(xmpp_domain="meet.jitsi")
    assert claims_of(token_of(provider, provider.open_room(an_order()), CITIZEN))["sub"] == "meet.jitsi"


def test_the_server_takes_the_token_for_ten_minutes_and_not_a_second_longer(
    provider: JitsiRooms, jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    room = provider.open_room(an_order())
    token = token_of(provider, room, CITIZEN)
    clock.shift(LIFETIME - timedelta(seconds=1))
    assert jitsi.rooms.join(room.data["name"], token).name == GREEK_NAME
    clock.shift(timedelta(seconds=1))
    assert refusal(jitsi, room.data["name"], token) == "Not acceptable by exp"


def test_near_the_end_the_token_ends_with_the_room(
    provider: JitsiRooms, jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    room = provider.open_room(an_order())
    clock.move_to(room.closes_at - timedelta(seconds=2))
    token = token_of(provider, room, CITIZEN)
    clock.shift(timedelta(seconds=1))
    jitsi.rooms.join(room.data["name"], token)
    clock.shift(timedelta(seconds=1))
    assert refusal(jitsi, room.data["name"], token) == "Not acceptable by exp"


def test_the_servers_clock_may_be_a_minute_behind_ours_and_not_a_second_more(
    provider: JitsiRooms, jitsi: JitsiSimulator, clock: time_machine.Traveller
) -> None:
    room = provider.open_room(an_order())
    token = token_of(provider, room, CITIZEN)
    jitsi.clock_ahead = timedelta(seconds=-60)
    jitsi.rooms.join(room.data["name"], token)
    jitsi.clock_ahead = timedelta(seconds=-61)
    assert refusal(jitsi, room.data["name"], token) == "Not acceptable by nbf"


def test_the_token_opens_no_other_appointments_room(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    here, there = (provider.open_room(an_order(key)) for key in ("room-1", "room-2"))
    token = token_of(provider, here, CITIZEN)
    assert refusal(jitsi, there.data["name"], token) == "Room and token mismatched"


def test_a_token_with_another_secret_is_refused(rooms_on: RoomsOn, jitsi: JitsiSimulator) -> None:
    provider = rooms_on(app_secret=SecretStr("w" * 40))
    room = provider.open_room(an_order())
    assert refusal(jitsi, room.data["name"], token_of(provider, room, CITIZEN)) == "Invalid signature"


@pytest.mark.parametrize("guest", [CLERK, CITIZEN])
def test_the_server_records_for_nobody(provider: JitsiRooms, jitsi: JitsiSimulator, guest: Any) -> None:
    room = provider.open_room(an_order())
    person = jitsi.rooms.join(room.data["name"], token_of(provider, room, guest))
    assert person.role == ("moderator" if guest is CLERK else "participant")
    assert not jitsi.rooms.may_record(person.id)


def refusal(jitsi: JitsiSimulator, room: str, token: str) -> str:
    """What the server says to somebody whom it does not let in."""
    with pytest.raises(Exception, match=r".") as told:
        jitsi.rooms.join(room, token)
    assert not isinstance(told.value, TokenRefused)
    return str(told.value)


# --- The page --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sound_only", [False, True])
@pytest.mark.parametrize("guest", [CLERK, CITIZEN])
def test_the_page_offers_nothing_that_captures(provider: JitsiRooms, guest: Any, sound_only: bool) -> None:
    room = replace(provider.open_room(an_order()), sound_only=sound_only)
    config = options_of(provider.join(room, guest))["configOverwrite"]
    assert overrides.troubles(config) == []
    assert set(config["toolbarButtons"]) <= set(BUTTONS)
    assert config["remoteVideoMenu"]["disableGrantModerator"] is True


def test_without_pictures_the_page_starts_so_and_has_no_button_for_them(provider: JitsiRooms) -> None:
    room = replace(provider.open_room(an_order()), sound_only=True)
    config = options_of(provider.join(room, CITIZEN))["configOverwrite"]
    names = ("startAudioOnly", "startLowBandwidthMode", "startWithVideoMuted")
    assert [config[name] for name in names] == [True] * 3
    assert {"camera", "videoquality"} & set(config["toolbarButtons"]) == set()
    assert "hangup" in config["toolbarButtons"]


def test_the_page_knows_when_the_call_ends(provider: JitsiRooms, clock: time_machine.Traveller) -> None:
    room = provider.open_room(an_order())
    assert provider.join(room, CITIZEN).values["jitsi_seconds_left"] == 3600
    clock.move_to(room.closes_at + timedelta(seconds=5))
    assert provider.join(room, CITIZEN).values["jitsi_seconds_left"] == 0


def test_scripts_come_from_the_server_of_the_settings_alone(rooms_on: RoomsOn, jitsi: JitsiSimulator) -> None:
    provider = rooms_on(base_url="https://meet.example.gr:8443")
    assert provider.origins == provider.script_origins == {"https://meet.example.gr:8443"}
    room = replace(rooms_on().open_room(an_order()))
    join = provider.join(room, CITIZEN)
    assert join.values["jitsi_script"] == "https://meet.example.gr:8443/external_api.js"
    assert claims_of(options_of(join)["jwt"])["sub"] == "meet.example.gr"
    assert "noSSL" not in options_of(join)


def test_the_address_without_a_page_hides_everything_behind_the_hash(provider: JitsiRooms) -> None:
    room = provider.open_room(an_order())
    address = provider.join_url(room, CLERK)
    assert address is not None
    parts = urlsplit(address)
    assert (parts.path, parts.query) == (f"/{room.data['name']}", "lang=el")
    values = dict(part.split("=") for part in parts.fragment.split("&"))
    told = {key: json.loads(unquote(value)) for key, value in values.items()}
    assert claims_of(told["jwt"])["room"] == room.data["name"]
    assert told["config.toolbarButtons"] == list(BUTTONS)
    assert told["config.recordingService.enabled"] is False
    # Outside a frame a page without prejoin starts without camera and microphone.
    assert (told["config.prejoinConfig.enabled"], told["config.prejoinConfig.hideDisplayName"]) == (
        True,
        True,
    )
    assert clock.now() < room.closes_at
