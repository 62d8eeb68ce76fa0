"""The call page in a real browser against the stand-in: both sides, sound only, and all that goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from werkzeug.wrappers import Response

from portal import clock, create_app, demo
from portal.appointments import trial_pages
from portal.config import load
from portal.db import db
from portal.plugin_api import Role, Room, RoomOrder
from portal.providers import current_providers
from portal.testing.jitsi import JitsiSimulator, faults
from portal.testing.page_lint import lint
from portal.testing.serving import Place

from .conftest import APP_SECRET

PATIENCE = 15_000
_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[JitsiSimulator]:
    """The video server: another site than the portal, as in earnest."""
    jitsi = JitsiSimulator("portal", APP_SECRET)
    yield jitsi
    jitsi.close()


@pytest.fixture(scope="module")
def counter(server: JitsiSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole portal, with its own policy for pages, on a real port."""
    folder = tmp_path_factory.mktemp("portal")
    place = Place()
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('"video_direct"', '"video_jitsi"').replace('video = ["direct"]', 'video = ["jitsi"]')
    text += f'\n[plugin.video_jitsi]\nbase_url = "{server.url}"\napp_id = "portal"\n'
    Path(folder, "town.toml").write_text(text, encoding="utf-8")
    environment = {
        "PORTAL_CONFIG": str(folder / "town.toml"),
        "PORTAL_INSTANCE": str(folder / "instance"),
        "PORTAL_BASE_URL": f"http://localhost:{place.port}",
        "PORTAL_VIDEO_JITSI_APP_SECRET": APP_SECRET,
    }
    app = create_app(load(environment))
    with app.app_context():
        db.create_all()
    place.serve(Changed(app))
    yield app
    place.close()
    with app.app_context():
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


@pytest.fixture
def jitsi(server: JitsiSimulator) -> Iterator[JitsiSimulator]:
    """The server as it should be; what a test spoils is mended afterwards."""
    yield server
    server.faults.clear()
    server.rooms.rooms.clear()
    server.rooms.roles_from_tokens, server.generation, server.clock_ahead = True, "2026-08", timedelta()


class Changed:
    """The portal whose pages say something else where a test asks for it."""

    words: tuple[str, str] = ("", "")

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, environ: Any, start: Any) -> Any:
        answer = Response.from_app(self.app, environ)
        old, new = type(self).words
        if old and answer.mimetype == "text/html":
            answer.set_data(answer.get_data(as_text=True).replace(old, new))
        return answer(environ, start)


class Person:
    """Somebody with a browser of his own on the call page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    @property
    def frame(self) -> Any:
        return self.page.frame_locator("iframe")

    def reads(self, words: str) -> None:
        self.page.locator("[data-status]").get_by_text(words).wait_for(timeout=PATIENCE)

    def is_warned(self, words: str) -> None:
        self.page.get_by_role("alert").get_by_text(words).wait_for(timeout=PATIENCE)

    def is_told_in_the_frame(self, name: str, value: str) -> None:
        self.frame.locator(f"body[data-{name}='{value}']").wait_for(timeout=PATIENCE)

    def is_in(self) -> None:
        self.frame.locator("body[data-audio='on']").wait_for(timeout=PATIENCE)
        self.page.locator("[data-status]").get_by_text("You are in the call.").wait_for(timeout=PATIENCE)

    def has_no_frame(self) -> None:
        self.page.locator("iframe").wait_for(state="detached", timeout=PATIENCE)

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def is_told_by_the_portal(self, sound_only: bool) -> None:
        """As the door's script does it when the clerk has switched."""
        told = f"new CustomEvent('call:sound-only', {{ detail: {{ on: {str(sound_only).lower()} }} }})"
        self.page.evaluate(f"document.dispatchEvent({told})")


Enter = Callable[..., Person]


@pytest.fixture
def room(counter: Flask, jitsi: JitsiSimulator) -> Room:
    now = clock.now()
    order = RoomOrder(f"browser-{next(_numbers)}", "", now, now + timedelta(hours=1), 4, "el")
    with counter.app_context():
        return current_providers().video["jitsi"].open_room(order)


@pytest.fixture
def enter(chromium: Any, counter: Flask, room: Room) -> Iterator[Enter]:
    """``enter("clerk")`` opens the page of a role; no page may break the policy or throw."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def enter(role: Role, language: str = "en-GB") -> Person:
            context = chromium.new_context(locale=language, viewport={"width": 360, "height": 740})
            stack.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda line: (
                    ("Policy" in line.text or "Not supported" in line.text) and complaints.append(line.text)
                ),
            )
            with counter.test_request_context():
                address = trial_pages.address("jitsi", room, role)
            page.goto(address)
            return Person(page)

        yield enter
    assert complaints == []


def wait_until(told: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while not told():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("language", ["el", "en"])
def test_the_page_is_in_order_and_allows_the_servers_script_and_frame_alone(
    counter: Flask, server: JitsiSimulator, room: Room, language: str
) -> None:
    with counter.test_request_context():
        address = trial_pages.address("jitsi", room, "clerk")
    answer = counter.test_client().get(urlsplit(address).path, headers={"Accept-Language": language})
    assert lint(answer.text, language) == []
    policy = answer.headers["Content-Security-Policy"]
    assert f"script-src 'self' {server.url};" in policy and f"frame-src {server.url}" in policy
    assert f'camera=(self "{server.url}")' in answer.headers["Permissions-Policy"]
    assert "<script>" not in answer.text


def test_both_sides_meet_and_only_the_clerk_leads(enter: Enter, jitsi: JitsiSimulator) -> None:
    clerk, citizen = enter("clerk"), enter("citizen", "el-GR")
    clerk.is_in()
    clerk.is_told_in_the_frame("role", "moderator")
    citizen.is_told_in_the_frame("role", "participant")
    citizen.reads("Είστε στην κλήση.")
    for person in (clerk, citizen):
        person.is_told_in_the_frame("video", "on")
        assert person.page.locator("iframe").bounding_box()["width"] > 250
    citizen.is_told_in_the_frame("lang", "el")
    assert citizen.page.locator("iframe").get_attribute("title") == "Βιντεοκλήση"
    assert not citizen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    assert Axe().run(citizen.page).response["violations"] == []
    citizen.presses("Αποχώρηση από την κλήση")
    citizen.reads("Αποχωρήσατε από την κλήση.")
    citizen.has_no_frame()
    [left] = jitsi.rooms.rooms.values()
    assert [person.role for person in left.people.values()] == ["moderator"]
    citizen.presses("Επιστροφή στην κλήση")
    citizen.reads("Είστε στην κλήση.")


@pytest.mark.parametrize("generation", ["2026-01", "2026-08"])
def test_sound_only_switches_cameras_off_and_brings_them_back(
    enter: Enter, jitsi: JitsiSimulator, generation: str
) -> None:
    jitsi.generation = generation
    clerk = enter("clerk")
    clerk.is_in()
    clerk.is_told_in_the_frame("video", "on")
    clerk.is_told_by_the_portal(sound_only=True)
    clerk.is_told_in_the_frame("video", "off")
    clerk.is_told_in_the_frame("audio-only", "true")
    clerk.is_told_in_the_frame("moderation", "video true")
    clerk.reads("The call goes on with sound only.")
    assert "camera" not in clerk.frame.locator("#toolbar").inner_text()
    clerk.is_told_by_the_portal(sound_only=False)
    clerk.is_told_in_the_frame("video", "on")
    clerk.is_told_in_the_frame("audio-only", "false")
    assert "camera" in clerk.frame.locator("#toolbar").inner_text()


def test_whoever_comes_during_sound_only_obeys_from_the_start(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Changed, "words", ('data-sound-only="false"', 'data-sound-only="true"'))
    citizen = enter("citizen")
    citizen.reads("The call goes on with sound only.")
    citizen.is_told_in_the_frame("audio-only", "true")
    citizen.is_told_in_the_frame("video", "off")


def test_before_the_identification_a_citizen_is_asked_for_the_picture(enter: Enter) -> None:
    citizen = enter("citizen")
    citizen.is_in()
    citizen.frame.get_by_role("button", name="camera", exact=True).click()
    citizen.reads("The clerk must see you to identify you")


@pytest.mark.parametrize("event", ["recordingStatusChanged", "transcribingStatusChanged"])
def test_a_recording_that_the_server_reports_ends_the_call(
    enter: Enter, jitsi: JitsiSimulator, event: str
) -> None:
    citizen = enter("citizen")
    citizen.is_in()
    jitsi.report(event, on=False)
    jitsi.report(event, on=True, mode="file")
    citizen.is_warned("reported that the call is being recorded or transcribed")
    citizen.has_no_frame()
    wait_until(lambda: not jitsi.rooms.rooms)
    assert not citizen.page.get_by_role("button", name="Back into the call").is_visible()


def test_a_clerk_who_does_not_lead_is_told_so(enter: Enter, jitsi: JitsiSimulator) -> None:
    jitsi.rooms.roles_from_tokens = False
    citizen = enter("citizen")
    citizen.is_in()
    clerk = enter("clerk")
    clerk.is_warned("has not made you the leader of this call")
    assert citizen.page.get_by_role("alert").count() == 0


def test_a_server_that_is_down_is_told_and_the_way_back_works(enter: Enter, jitsi: JitsiSimulator) -> None:
    jitsi.faults["external_api"] = faults.status(503)
    citizen = enter("citizen")
    citizen.is_warned("The video server does not answer, or your browser blocks it.")
    jitsi.faults.clear()
    citizen.presses("Back into the call")
    citizen.is_in()


def test_a_refused_token_is_told_and_a_fresh_one_is_fetched(enter: Enter, jitsi: JitsiSimulator) -> None:
    jitsi.clock_ahead = timedelta(minutes=30)
    citizen = enter("citizen")
    citizen.is_warned("The video server did not accept this page.")
    jitsi.clock_ahead = timedelta()
    citizen.presses("Back into the call")
    citizen.is_in()


def test_a_broken_line_is_mended_with_a_fresh_token(enter: Enter, jitsi: JitsiSimulator) -> None:
    citizen = enter("citizen")
    citizen.is_in()
    before = citizen.page.locator("iframe").get_attribute("src")
    jitsi.report(
        "errorOccurred", error={"type": "CONNECTION", "name": "connection.droppedError", "isFatal": True}
    )
    citizen.reads("The connection is interrupted.")
    citizen.is_in()
    assert citizen.page.locator("iframe").get_attribute("src") != before


def test_the_time_is_told_and_ends_the_call(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Changed, "words", ('data-seconds-left="3', 'data-seconds-left="5" data-before="'))
    citizen = enter("citizen")
    citizen.reads("The call ends in one minute.")
    citizen.reads("The call has ended. Camera and microphone are off.")
    citizen.has_no_frame()
    assert not citizen.page.get_by_role("button", name="Back into the call").is_visible()
