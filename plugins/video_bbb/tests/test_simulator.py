"""The stand-in for BigBlueButton refuses what the real one refuses; else our tests would prove little."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from portal_video_bbb import signing

from portal.testing.bbb import BbbSimulator, checksums
from portal.testing.bbb.server import EXAMPLE

Simulator = Callable[..., BbbSimulator]
ROOM = {"meetingID": "room-1", "name": "Room"}
BACK = "https://portal.example/left"


# Nothing here is encrypted, and to read all certificates takes longer than a test.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(verify=False) as browser:
        yield browser


def signed(server: BbbSimulator, call: str, query: str, algorithm: str = "sha256", secret: str = "") -> str:
    text = f"{call}{query}{secret or server.secret}".encode()
    return f"{server.url}/api/{call}?{query}&checksum={hashlib.new(algorithm, text).hexdigest()}"


def ask(server: BbbSimulator, call: str, **values: object) -> httpx.Response:
    return get(signed(server, call, urlencode({**ROOM, **values})))


def create_time(server: BbbSimulator) -> int:
    return server.meeting("room-1").create_time


def join(server: BbbSimulator, **values: object) -> httpx.Response:
    known = {"fullName": "Μαρία", "role": "VIEWER", "guest": "true", "errorRedirectUrl": BACK}
    return ask(server, "join", **{**known, **values})


# --- Checksums -------------------------------------------------------------------------------------------


def test_the_example_of_the_reference_is_signed_as_the_reference_says() -> None:
    query = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
    proof = "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17"
    assert signing.checksum("create", query, EXAMPLE, "sha1") == proof
    assert checksums.is_signed("create", f"{query}&checksum={proof}", EXAMPLE, {40})
    assert (
        signing.query_of({"name": "Test Meeting", "record": False, "x": None})
        == "name=Test+Meeting&record=false"
    )


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_each_algorithm_is_known_by_its_length_unless_the_server_dropped_it(
    bbb: BbbSimulator, algorithm: str
) -> None:
    address = signed(bbb, "isMeetingRunning", "meetingID=x", algorithm)
    assert "SUCCESS" in get(address).text
    bbb.lengths.remove(hashlib.new(algorithm).digest_size * 2)
    assert "checksumError" in get(address).text


def test_the_checksum_may_stand_anywhere_but_the_rest_counts_letter_for_letter(bbb: BbbSimulator) -> None:
    good = signed(bbb, "isMeetingRunning", "meetingID=a+b&x=%CE%B1")
    path, _, query = good.partition("?")
    rest, _, proof = query.rpartition("&")
    assert "SUCCESS" in get(f"{path}?{proof}&{rest}").text
    for changed in (
        good.replace("a+b", "a%20b"),
        good.replace("%CE%B1", "%ce%b1"),
        good.replace("meetingID=a+b&x", "x=1&meetingID=a+b&x"),
        f"{good}&y=1",
        good.replace("isMeetingRunning", "end"),
        f"{path}?{rest}",
        signed(bbb, "isMeetingRunning", "meetingID=a", secret="another"),
    ):
        assert "checksumError" in get(changed).text, changed


def test_capital_letters_in_the_checksum_are_taken_by_bbb_alone(simulator: Simulator) -> None:
    for mode, taken in (("bbb", True), ("scalelite", False), ("b3lb", False)):
        server = simulator(mode)
        path, _, proof = signed(server, "isMeetingRunning", "meetingID=x").rpartition("=")
        assert ("SUCCESS" in get(f"{path}={proof.upper()}").text) is taken


def test_control_characters_are_taken_out_before_the_checksum_is_made(bbb: BbbSimulator) -> None:
    dirty = urlencode({"meetingID": "room\x00\n1"})
    assert "checksumError" in get(signed(bbb, "isMeetingRunning", dirty)).text
    clean = checksums.without_control(dirty)
    proof = signed(bbb, "isMeetingRunning", clean).rpartition("&")[2]
    assert "SUCCESS" in get(f"{bbb.url}/api/isMeetingRunning?{dirty}&{proof}").text


# --- Meetings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": ""}, "emptyError"),
        ({"name": "x"}, "sizeError"),
        ({"meetingID": "x" * 257}, "sizeError"),
        ({"meetingID": "a,b"}, "validationError"),
        ({"meetingID": ""}, "missingParamMeetingID"),
        ({"record": "False"}, "validationError"),
        ({"duration": "None"}, "validationError"),
    ],
)
def test_wrong_parameters_make_no_meeting(bbb: BbbSimulator, values: dict[str, str], key: str) -> None:
    answer = ask(bbb, "create", **values)
    assert answer.status_code == 200
    assert f"<messageKey>{key}</messageKey>" in answer.text and "FAILED" in answer.text


def test_a_second_create_changes_nothing_and_other_passwords_are_refused(
    bbb: BbbSimulator, clock: Any
) -> None:
    assert "duplicateWarning" not in ask(bbb, "create", record="false").text
    made = create_time(bbb)
    clock.shift(timedelta(seconds=30))
    again = ask(bbb, "create", record="true").text
    assert "SUCCESS" in again and "duplicateWarning" in again
    assert (create_time(bbb), bbb.meeting("room-1").asked["record"]) == (made, "false")
    assert "idNotUnique" in ask(bbb, "create", attendeePW="a", moderatorPW="b").text


def test_whatever_could_capture_is_seen_also_when_it_was_only_not_forbidden(bbb: BbbSimulator) -> None:
    ask(bbb, "create", record="true", autoStartRecording="false")
    captures = bbb.meeting("room-1").captures
    assert {"record", "allowStartStopRecording", "meetingKeepEvents"} <= set(captures)
    assert "autoStartRecording" not in captures
    assert "<recording>true</recording>" in ask(bbb, "getMeetingInfo").text


@pytest.mark.parametrize(
    ("values", "minutes", "state"),
    [
        ({}, 4, "living"),
        ({}, 5, "gone"),
        ({"meetingExpireIfNoUserJoinedInMinutes": 0}, 500, "living"),
        ({"meetingExpireIfNoUserJoinedInMinutes": 0, "duration": 20}, 19, "living"),
        ({"meetingExpireIfNoUserJoinedInMinutes": 0, "duration": 20}, 20, "ended"),
    ],
)
def test_an_unused_meeting_expires_and_a_duration_ends_any(
    bbb: BbbSimulator, clock: Any, values: dict[str, object], minutes: int, state: str
) -> None:
    ask(bbb, "create", **values)
    clock.shift(timedelta(minutes=minutes))
    answer = ask(bbb, "getMeetingInfo").text
    assert ("notFound" in answer) is (state == "gone")
    assert ("<hasBeenForciblyEnded>true" in answer) is (state == "ended")


def test_a_meeting_runs_while_somebody_is_in_it_and_goes_a_minute_after_the_last(
    bbb: BbbSimulator, clock: Any, browser: httpx.Client
) -> None:
    def is_running() -> bool:
        return "<running>true" in ask(bbb, "isMeetingRunning").text

    assert not is_running()
    ask(bbb, "create", logoutURL=BACK)
    way = join(bbb, role="MODERATOR")
    assert way.status_code == 302 and not is_running()
    browser.cookies.extract_cookies(way)
    page = browser.get(bbb.origin + way.headers["Location"])
    assert "Μαρία" in page.text and is_running()
    [visit] = bbb.meeting("room-1").visits
    left = browser.post(f"{bbb.origin}/client/leave", data={"token": visit.token})
    assert left.headers["Location"] == BACK and not is_running()
    clock.shift(timedelta(seconds=61))
    assert "notFound" in ask(bbb, "getMeetingInfo").text


def test_an_ended_meeting_lets_nobody_in_and_may_be_created_anew(bbb: BbbSimulator, clock: Any) -> None:
    ask(bbb, "create")
    made = create_time(bbb)
    assert "sentEndMeetingRequest" in ask(bbb, "end").text
    assert "meetingForciblyEnded" in join(bbb).headers["Location"]
    assert "duplicateWarning" not in ask(bbb, "create").text
    assert create_time(bbb) > made


# --- Joining ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"createTime": 5}, "mismatchCreateTimeParam"),
        ({"createTime": "x"}, "validationError"),
        ({"fullName": ""}, "missingParamFullName"),
        ({"role": "viewer"}, "validationError"),
        ({"guest": "True"}, "validationError"),
        ({"meetingID": "room-2"}, "notFound"),
    ],
)
def test_a_refused_join_leads_back_with_its_key(
    bbb: BbbSimulator, values: dict[str, object], key: str
) -> None:
    ask(bbb, "create")
    answer = join(bbb, **values)
    assert answer.headers["Location"].startswith(f"{BACK}?errors=")
    assert key in answer.headers["Location"]


def test_without_a_role_or_a_way_back_the_refusal_stays_on_the_screen(bbb: BbbSimulator) -> None:
    ask(bbb, "create")
    assert "Params required" in join(bbb, role="").text
    assert "notFound" in join(bbb, meetingID="room-2", errorRedirectUrl="").text
    unsigned = join(bbb).request.url.copy_remove_param("checksum")
    assert "checksumError" in get(unsigned).text


def test_guests_wait_until_a_moderator_lets_them_in(bbb: BbbSimulator, browser: httpx.Client) -> None:
    ask(bbb, "create", guestPolicy="ASK_MODERATOR")
    for role, guest in (("MODERATOR", "true"), ("VIEWER", "true"), ("VIEWER", "false")):
        join(bbb, role=role, guest=guest)
    moderator, waiting, walks_in = bbb.meeting("room-1").visits
    assert (moderator.waits, waiting.waits, walks_in.waits) == (False, True, False)
    address = f"{bbb.origin}/client/html5?sessionToken={waiting.token}"
    assert browser.get(address, headers={"Cookie": f"JSESSIONID={waiting.cookie}"}).status_code == 302
    for admitting, still_waits in ((walks_in, True), (moderator, False)):
        data = {"token": admitting.token, "guest": waiting.token}
        cookie = {"Cookie": f"JSESSIONID={admitting.cookie}"}
        browser.post(f"{bbb.origin}/client/admit", data=data, headers=cookie)
        assert waiting.waits is still_waits


def test_a_session_opens_only_in_the_browser_that_has_its_cookie(bbb: BbbSimulator) -> None:
    ask(bbb, "create")
    location = join(bbb, role="MODERATOR").headers["Location"]
    assert get(bbb.origin + location).status_code == 401


def test_a_full_meeting_takes_nobody_more_but_those_who_are_in_it(bbb: BbbSimulator) -> None:
    ask(bbb, "create", maxParticipants=1)
    join(bbb, userID="a", role="MODERATOR")
    meeting = bbb.meeting("room-1")
    meeting.enter(meeting.visits[0])
    assert "maxParticipantsReached" in join(bbb, userID="b").headers["Location"]
    assert "errors" not in join(bbb, userID="a").headers["Location"]


# --- Clusters --------------------------------------------------------------------------------------------


def test_scalelite_knows_three_algorithms_and_no_other_calls(simulator: Simulator) -> None:
    server = simulator("scalelite")
    assert "checksumError" in get(signed(server, "isMeetingRunning", "meetingID=x", "sha384")).text
    assert "unsupportedRequest" in get(signed(server, "getMeetings", "")).text
    assert "notFound" in ask(server, "end").text


def test_b3lb_answers_with_a_status_where_others_answer_xml(simulator: Simulator) -> None:
    server = simulator("b3lb")
    wrong = get(signed(server, "create", urlencode(ROOM), secret="wrong"))
    assert (wrong.status_code, "xml" in wrong.headers["Content-Type"]) == (401, False)
    unknown = join(server)
    assert (unknown.status_code, unknown.content) == (400, b"")
    assert get(signed(server, "getMeetings", "")).status_code == 403


def test_b3lb_sends_browsers_to_a_server_that_has_another_secret(simulator: Simulator) -> None:
    server = simulator("b3lb")
    ask(server, "create")
    onward = join(server, role="MODERATOR", createTime=create_time(server)).headers["Location"]
    assert onward.startswith(f"{server.origin}/node/")
    assert get(onward).headers["Location"].startswith("/client/html5")
    assert "checksumError" in get(onward.replace("MODERATOR", quote("VIEWER"))).text


def test_what_is_not_asked_by_get_is_refused(bbb: BbbSimulator) -> None:
    assert "unsupportedContentType" in post(signed(bbb, "create", urlencode(ROOM))).text
    assert get(f"{bbb.url}/api").text.startswith("<response><returncode>SUCCESS")
    assert get(f"{bbb.origin}/elsewhere/api").status_code == 404
