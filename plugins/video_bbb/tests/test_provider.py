"""BigBlueButton keeps the contract; what the server is told is looked up on the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from portal_video_bbb import provider as provider_module
from portal_video_bbb.provider import BbbRooms
from portal_video_bbb.settings import BbbSettings
from pydantic import SecretStr

from portal.plugin_api import (
    ConfigurationFailure,
    Guest,
    Join,
    PermanentFailure,
    PluginContext,
    TemporaryFailure,
    VideoProvider,
)
from portal.testing.bbb import BbbSimulator
from portal.testing.contracts import OutsideFailures, VideoProviderBehaviour, VideoProviderContract
from portal.testing.contracts.common import GREEK_NAME
from portal.testing.contracts.video import CITIZEN, CLERK, an_order
from portal.testing.remote import RemoteServer

Simulator = Callable[..., BbbSimulator]
RoomsOn = Callable[..., BbbRooms]
BACK = "https://portal.example/left"
# Nothing here is encrypted, and to read all certificates takes longer than a test.
get = partial(httpx.get, verify=False)


def asked_in(join: Join) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(join.url)).query).items()}


def follow(join: Join) -> httpx.Response:
    """One step of a browser."""
    return get(str(join.url))


def is_let_in(response: httpx.Response) -> bool:
    return response.status_code == 302 and response.headers["Location"].startswith("/client/")


class BbbBehaviour(VideoProviderBehaviour):
    mode = "bbb"
    secrets = ("639259d4-9dd8-4b25-bf01-95f9567eaf4b",)

    @pytest.fixture
    def server(self, simulator: Simulator) -> BbbSimulator:
        return simulator(self.mode)

    @pytest.fixture
    def provider(self, server: BbbSimulator, rooms_on: RoomsOn, clock: Any) -> VideoProvider:
        self.server_now = server
        return rooms_on(server)

    def recording_is_refused(self, provider: VideoProvider, join: Join) -> bool:
        """What the server was told when the meeting was made, and what the way in tells it."""
        asked = asked_in(join)
        meeting = self.server_now.meeting(asked["meetingID"])
        kept = {"captions", "liveTranscription", "sharedNotes", "learningDashboard"}
        return (
            meeting.captures == []
            and kept <= set(meeting.asked["disabledFeatures"].split(","))
            and meeting.asked["learningDashboardCleanupDelayInMinutes"] == "1"
            and asked["userdata-bbb_record_video"] == asked["userdata-bbb_record_permission"] == "false"
        )


class TestAlone(BbbBehaviour, VideoProviderContract):
    """One server."""


class TestBehindB3lb(BbbBehaviour):
    """Several behind b3lb."""

    mode = "b3lb"


class TestOutside(OutsideFailures):
    """A server that answers something else."""

    @pytest.fixture
    def provider(
        self, plugin_context: Callable[..., PluginContext[Any]], remote: RemoteServer
    ) -> VideoProvider:
        settings = BbbSettings(base_url=f"{remote.url}/bigbluebutton", secret=SecretStr("a-secret"))
        return BbbRooms(plugin_context("video_bbb", settings))

    def exercise(self, provider: Any) -> None:
        provider.open_room(an_order())


# --- The meeting -----------------------------------------------------------------------------------------


def test_nothing_that_matters_is_left_to_the_servers_defaults(provider: BbbRooms, bbb: BbbSimulator) -> None:
    provider.open_room(an_order())
    asked = bbb.meeting("room-1").asked
    assert asked["name"] == "Ραντεβού"
    assert (asked["guestPolicy"], asked["logoutURL"]) == ("ASK_MODERATOR", BACK)
    assert (asked["duration"], asked["maxParticipants"]) == ("60", "5")
    assert asked["meetingExpireIfNoUserJoinedInMinutes"] == "60"
    assert asked["webcamsOnlyForModerator"] == asked["lockSettingsDisableCam"] == "false"
    assert "attendeePW" not in asked and "None" not in asked.values()


def test_a_window_that_is_nearly_over_still_gives_a_meeting_an_end(
    provider: BbbRooms, bbb: BbbSimulator, clock: Any
) -> None:
    provider.open_room(replace(an_order("room-a"), closes_at=an_order().opens_at - timedelta(seconds=5)))
    provider.open_room(replace(an_order("room-b"), closes_at=an_order().opens_at + timedelta(seconds=61)))
    assert [bbb.meeting(f"room-{key}").asked["duration"] for key in "ab"] == ["1", "2"]


def test_the_server_ends_the_meeting_when_its_window_is_over(
    provider: BbbRooms, bbb: BbbSimulator, clock: Any
) -> None:
    room = provider.open_room(an_order())
    clock.shift(timedelta(minutes=59))
    assert is_let_in(follow(provider.join(room, CITIZEN)))
    clock.shift(timedelta(minutes=1))
    assert "meetingForciblyEnded" in follow(provider.join(room, CITIZEN)).headers["Location"]


def test_an_empty_meeting_waits_for_its_people(provider: BbbRooms, clock: Any) -> None:
    room = provider.open_room(an_order())
    clock.shift(timedelta(minutes=30))
    assert is_let_in(follow(provider.join(room, CLERK)))


def test_a_room_for_sound_only_has_no_cameras(provider: BbbRooms, bbb: BbbSimulator) -> None:
    room = provider.open_room(replace(an_order(), sound_only=True))
    assert bbb.meeting("room-1").asked["lockSettingsDisableCam"] == "true"
    for guest in (CITIZEN, CLERK):
        asked = asked_in(provider.join(replace(room, sound_only=True), guest))
        assert asked["userdata-bbb_enable_video"] == asked["userdata-bbb_auto_share_webcam"] == "false"


def test_a_meeting_that_lives_under_passwords_is_still_the_room(
    provider: BbbRooms, bbb: BbbSimulator
) -> None:
    asked = {"meetingID": "room-1", "name": "Room", "attendeePW": "a", "moderatorPW": "b", "record": "false"}
    meeting = bbb.meetings.create(asked)
    assert provider.open_room(an_order()).data["create_time"] == str(meeting.create_time)


def test_a_meeting_that_may_record_is_never_taken_for_the_room(provider: BbbRooms, bbb: BbbSimulator) -> None:
    asked = {"meetingID": "room-1", "name": "Room", "attendeePW": "a", "moderatorPW": "b", "record": "true"}
    bbb.meetings.create(asked)
    with pytest.raises(ConfigurationFailure, match="disableRecordingDefault=true"):
        provider.open_room(an_order())


def test_a_server_that_records_all_the_same_gets_no_call(provider: BbbRooms, bbb: BbbSimulator) -> None:
    bbb.records_anyway = True
    with pytest.raises(ConfigurationFailure, match="disableRecordingDefault=true"):
        provider.open_room(an_order())


def test_control_characters_in_names_do_not_spoil_the_signature(
    provider: BbbRooms, bbb: BbbSimulator
) -> None:
    room = provider.open_room(replace(an_order(), title="Ραντεβού\x00\n\tαύριο\u200b"))
    assert bbb.meeting("room-1").asked["name"] == "Ραντεβούαύριο"
    join = provider.join(room, replace(CITIZEN, name="Μαρία\x1b\r\n " + "Π" * 300))
    assert len(asked_in(join)["fullName"]) == 64 and is_let_in(follow(join))


@pytest.mark.parametrize("title", ["", "Α", "\n"])
def test_a_title_that_is_too_short_for_the_server_gives_way_to_the_key(
    provider: BbbRooms, bbb: BbbSimulator, title: str
) -> None:
    provider.open_room(replace(an_order(), title=title))
    assert bbb.meeting("room-1").asked["name"] == "room-1"


# --- The way in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["bbb", "scalelite", "b3lb"])
@pytest.mark.parametrize("checksum", ["sha1", "sha256", "sha512"])
def test_the_server_accepts_the_way_in_with_a_greek_name(
    simulator: Simulator, rooms_on: RoomsOn, mode: str, checksum: str, clock: Any
) -> None:
    server = simulator(mode)
    rooms = rooms_on(server, checksum=checksum)
    room = rooms.open_room(an_order())
    name = f"{GREEK_NAME} 'ο' \"~*(),;|\" & Υιός + 😀"
    with httpx.Client(follow_redirects=True, verify=False) as browser:
        page = browser.get(str(rooms.join(room, replace(CLERK, name=name)).url))
    assert page.status_code == 200
    assert [visit.name for visit in server.meeting("room-1").present] == [name]


def test_the_clerk_moderates_and_everybody_else_waits_for_him(provider: BbbRooms, bbb: BbbSimulator) -> None:
    room = provider.open_room(an_order())
    second = replace(CLERK, key="g5", moderates=False)
    companion = Guest("g3", "Anna", "companion", "en")
    for guest in (CLERK, second, CITIZEN, companion):
        assert is_let_in(follow(provider.join(room, guest)))
    visits = bbb.meeting("room-1").visits
    assert [(visit.asked["role"], visit.asked["guest"], visit.waits) for visit in visits] == [
        ("MODERATOR", "false", False),
        ("VIEWER", "false", False),
        ("VIEWER", "true", True),
        ("VIEWER", "true", True),
    ]
    assert visits[3].asked["userdata-bbb_override_default_locale"] == "en"


def test_the_server_learns_nothing_of_a_person_but_the_name(provider: BbbRooms) -> None:
    here, there = (provider.open_room(an_order(key)) for key in ("room-1", "room-2"))
    ids = [asked_in(provider.join(room, CITIZEN))["userID"] for room in (here, here, there)]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 32 and CITIZEN.key not in ids[0]


def test_a_way_in_is_bound_to_the_very_meeting_and_a_meeting_made_anew_has_new_ones(
    provider: BbbRooms, bbb: BbbSimulator
) -> None:
    room = provider.open_room(an_order())
    bbb.restart()
    assert "notFound" in follow(provider.join(room, CITIZEN)).headers["Location"]
    again = provider.open_room(an_order())
    refused = follow(provider.join(room, CITIZEN)).headers["Location"]
    assert refused.startswith(BACK) and "mismatchCreateTimeParam" in refused
    assert is_let_in(follow(provider.join(again, CITIZEN)))


def test_a_way_in_that_was_changed_by_hand_is_refused(provider: BbbRooms) -> None:
    room = provider.open_room(an_order())
    address = str(provider.join(room, CITIZEN).url)
    for before, after in (("VIEWER", "MODERATOR"), ("guest=true", "guest=false")):
        assert before in address
        assert "checksumError" in get(address.replace(before, after)).text


# --- The end ---------------------------------------------------------------------------------------------


def test_closing_ends_the_call_for_everybody(provider: BbbRooms, bbb: BbbSimulator) -> None:
    room = provider.open_room(an_order())
    with httpx.Client(follow_redirects=True, verify=False) as browser:
        browser.get(str(provider.join(room, CLERK).url))
    assert bbb.meeting("room-1").is_running
    provider.close_room(room)
    assert not bbb.meeting("room-1").is_running
    assert "meetingForciblyEnded" in follow(provider.join(room, CITIZEN)).headers["Location"]


@pytest.mark.parametrize(("later", "ends"), [(0, True), (2, True), (9, False)])
def test_closing_waits_a_little_until_the_order_is_obeyed_and_tries_again_later(
    provider: BbbRooms, bbb: BbbSimulator, monkeypatch: pytest.MonkeyPatch, later: int, ends: bool
) -> None:
    monkeypatch.setattr(provider_module, "PAUSES", (0.0, 0.01, 0.01))
    room = provider.open_room(an_order())
    with httpx.Client(follow_redirects=True, verify=False) as browser:
        browser.get(str(provider.join(room, CLERK).url))
    bbb.ends_after = later
    if ends:
        provider.close_room(room)
    else:
        with pytest.raises(TemporaryFailure, match="goes on"):
            provider.close_room(room)


@pytest.mark.parametrize("mode", ["bbb", "scalelite", "b3lb"])
def test_a_meeting_that_is_gone_is_closed(
    simulator: Simulator, rooms_on: RoomsOn, mode: str, clock: Any
) -> None:
    server = simulator(mode)
    rooms = rooms_on(server)
    room = rooms.open_room(an_order())
    server.restart()
    rooms.close_room(room)


# --- Coming back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ('[{"key": "mismatchCreateTimeParam", "message": "x"}]', "opened anew"),
        ('[{"key": "notFound"}]', "opened anew"),
        ('[{"key": "meetingForciblyEnded"}]', "has ended"),
        ('[{"key": "maxParticipantsReached"}]', "is full"),
        ('[{"key": "guestDeniedAccess"}]', "not let into"),
        ('[{"key": "neverHeardOf"}]', "did not let you in"),
        ('[{"key": "<script>"}, 5, {"key": ["x"]}]', "did not let you in"),
        ("<b>nonsense", "did not let you in"),
        ("[" * 3000, "did not let you in"),
        ('{"key": "notFound"}', "did not let you in"),
    ],
)
def test_who_comes_back_refused_reads_why_in_our_own_words(
    provider: BbbRooms, errors: str, told: str, logged: Any
) -> None:
    words = str(provider.explain_return({"errors": errors}))
    assert told in words and "<" not in words
    assert "<" not in logged()


def test_who_left_by_himself_reads_nothing(provider: BbbRooms) -> None:
    assert provider.explain_return({}) is None
    assert provider.explain_return({"reason": "left"}) is None


def test_a_refusal_that_cannot_pass_by_itself_names_its_key(provider: BbbRooms, bbb: BbbSimulator) -> None:
    with pytest.raises(PermanentFailure, match="refuses create: validationError"):
        provider.open_room(replace(an_order(), key="a,b"))
