"""The door changes by itself, says so to everybody, and leads into the call and out of it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.appointments.models import Appointment, VideoRoom
from portal.db import db

PATIENCE = 15_000


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(locale="en-GB", permissions=["camera", "microphone"])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: "Security Policy" in line.text and faults.append(line.text))
    yield page
    context.close()
    assert faults == []


def heading(page: Any, words: str) -> Any:
    found = page.get_by_role("heading", level=1, name=words)
    found.wait_for(timeout=PATIENCE)
    return found


def test_the_door_opens_without_a_reload_leads_into_the_call_and_closes_behind(
    page: Any, counter: Any
) -> None:
    page.goto(f"{counter.link()}?lang=en")
    heading(page, "Please wait, the clerk has been told")
    assert page.locator(".countdown").inner_text() == "in 9 minutes"
    page.evaluate("window.loadedOnce = true")
    counter.admit()
    heading(page, "The clerk is expecting you")
    assert page.evaluate("window.loadedOnce && document.activeElement.tagName") == "H1"
    assert "Press the button" in page.locator("body > [role=status]").inner_text()
    assert page.title().startswith("The clerk is expecting you")
    page.get_by_role("link", name="Enter the call").click()
    page.get_by_text("You are in the call.").wait_for(timeout=PATIENCE)
    counter.change(lambda row: setattr(row, "state", "done"))
    heading(page, "The appointment is over")


def test_a_portal_that_is_away_for_a_moment_is_forgiven(page: Any, counter: Any) -> None:
    page.goto(f"{counter.link()}?lang=en")
    heading(page, "Please wait, the clerk has been told")
    page.route("**/state", lambda route: route.abort())
    page.wait_for_timeout(4000)
    heading(page, "Please wait, the clerk has been told")
    page.unroute("**/state")
    counter.admit()
    heading(page, "The clerk is expecting you")


def test_who_comes_early_sees_the_waiting_room_open_by_itself(page: Any, counter: Any) -> None:
    opens_soon = clock.now() + timedelta(minutes=15, seconds=6)
    counter.change(lambda row: setattr(row, "starts_at", opens_soon))
    page.goto(f"{counter.link()}?lang=en")
    heading(page, "You are early")
    heading(page, "Please wait, the clerk has been told")


def test_the_countdown_follows_the_portals_clock_and_not_that_of_the_device(page: Any, counter: Any) -> None:
    page.add_init_script(
        "const real = Date.now; Date.now = () => real() + 3600000;"  # the device is an hour ahead
    )
    page.goto(f"{counter.link()}?lang=en")
    assert page.locator(".countdown").inner_text() == "in 9 minutes"


def test_a_page_that_comes_back_catches_up_at_once(page: Any, counter: Any) -> None:
    page.goto(f"{counter.link()}?lang=en")
    heading(page, "Please wait, the clerk has been told")
    page.evaluate("window.setTimeout = () => 0")  # as on a locked phone: nothing is asked by itself
    page.wait_for_timeout(3500)
    counter.admit()
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    heading(page, "The clerk is expecting you")


def test_what_changes_in_the_line_is_told_and_the_focus_stays(page: Any, counter: Any) -> None:
    counter.change(lambda row: setattr(row, "starts_at", clock.now() + timedelta(seconds=55)))
    page.goto(f"{counter.link()}?lang=en")
    page.get_by_role("link", name="Check camera, microphone and line").focus()
    counter.change(colleague_before)
    page.get_by_text("The clerk is in another call. You are next.").first.wait_for(timeout=PATIENCE)
    assert "You are next." in page.locator("body > [role=status]").inner_text()
    assert page.evaluate("document.activeElement.textContent") == "Check camera, microphone and line"


def colleague_before(row: Appointment) -> None:
    """The same clerk holds another call, which ends in time."""
    begun = clock.now() - timedelta(minutes=15)
    other = Appointment(
        service=row.service, office=row.office, clerk=row.clerk, starts_at=begun, started_at=begun, minutes=15
    )
    other.state = "in_call"
    db.session.add(other)


def test_a_withdrawn_link_ends_the_call_on_the_page(page: Any, counter: Any) -> None:
    counter.admit()
    page.goto(f"{counter.link()}/call?lang=en")
    page.get_by_text("You are in the call.").wait_for(timeout=PATIENCE)
    counter.change(lambda row: setattr(row.participants[0], "link_version", 2))
    page.locator("[data-call]").wait_for(state="detached", timeout=PATIENCE)


def test_the_call_moves_with_its_room_though_the_door_says_the_same(page: Any, counter: Any) -> None:
    counter.admit()
    page.goto(f"{counter.link()}/call?lang=en")
    page.get_by_text("You are in the call.").wait_for(timeout=PATIENCE)
    with page.expect_navigation(timeout=PATIENCE):
        counter.change(another_room)
    page.get_by_text("You are in the call.").wait_for(timeout=PATIENCE)


def another_room(row: Appointment) -> None:
    """The clerk went on in another room, quicker than any page could notice."""
    former = row.rooms[0]
    former.state = "closed"
    room = VideoRoom(
        provider="direct", key="b-room", state="open", closes_at=former.closes_at, data=former.data
    )
    row.rooms.append(room)


def test_the_device_check_passes_with_working_devices(page: Any, counter: Any) -> None:
    page.goto(f"{counter.link()}/check?lang=en")
    page.get_by_role("button", name="Start the check").click()
    page.get_by_text("The camera works.").wait_for(timeout=PATIENCE)
    page.get_by_text("The microphone works.").wait_for(timeout=PATIENCE)
    page.get_by_text("Mbit/s to you").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Play the test sound").click()
    page.get_by_role("button", name="I heard it").click()
    page.get_by_role("button", name="I can read it").click()
    page.get_by_role("button", name="Save: everything works").click()
    page.get_by_text("Your camera and microphone have been checked.").wait_for(timeout=PATIENCE)
    assert counter.device_check() == "passed"


def test_the_device_check_says_what_to_do_and_records_the_failure(page: Any, counter: Any) -> None:
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.goto(f"{counter.link()}/check?lang=en")
    page.get_by_role("button", name="Start the check").click()
    page.get_by_text("The browser was not allowed to use the camera.").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Save: something does not work").click()
    heading(page, "Please wait, the clerk has been told")
    assert counter.device_check() == "failed"


def test_nobody_reports_more_than_passed_or_failed(counter: Any) -> None:
    counter.app.config["WTF_CSRF_ENABLED"] = False
    client = counter.app.test_client()
    path = counter.link().removeprefix(counter.url)
    assert client.post(f"{path}/check", data={"result": "camera broken"}).status_code == 400
    assert counter.device_check() == ""
