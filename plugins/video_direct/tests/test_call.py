"""Real calls between real browsers: what arrives is asked of the browsers' own statistics."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from portal.testing.webrtc import pass_time, received, sees_and_hears, sent_kbit, wait_until

Join = Callable[..., Any]


def status(page: Any) -> str:
    return str(page.locator("[data-status]").inner_text())


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_two_people_see_and_hear_each_other(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    for page in (clerk, citizen):
        sees_and_hears(page)
    assert "Μαρία Παπαδοπούλου" in clerk.locator("[data-tiles]").inner_text()
    assert status(clerk) == "Μαρία Παπαδοπούλου is connected."


def test_the_picture_is_there_within_five_seconds(join: Join) -> None:
    clerk = join("clerk")
    wait_until(lambda: clerk.evaluate("document.querySelector('[data-guest=p1] video')?.videoWidth > 0"))
    citizen = join("citizen")
    wait_until(lambda: received(citizen)["frames"] > 0 and received(clerk)["frames"] > 0, seconds=5)


def test_a_third_person_joins_and_leaves(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    interpreter = join("interpreter")
    for page in (clerk, citizen, interpreter):
        sees_and_hears(page, lines=2)
    press(interpreter, "Leave the call")
    assert "You have left the call" in status(interpreter)
    wait_until(lambda: status(clerk) == "Eleni Dimou has left the call.")
    assert clerk.locator(".direct-tile").count() == 2
    sees_and_hears(citizen)


def test_four_people_are_in_one_call_and_a_fifth_is_told_that_it_is_full(join: Join) -> None:
    pages = [join(guest) for guest in ("clerk", "citizen", "interpreter", "companion")]
    for page in pages:
        wait_until(lambda page=page: received(page)["lines"] == 3 and received(page)["frames"] > 0, 90)
    fifth = join("fifth")
    wait_until(lambda: "The call is full" in status(fifth))
    time.sleep(1)
    assert "The call is full" in status(fifth), "it is still told when the page has come to rest"


def switch_sound(page: Any, on: bool) -> None:
    """What the portal's pages do when they learn what the clerk has chosen."""
    page.evaluate(
        """on => import("/sound-only.js").then(({ followSound }) =>
          followSound(document.querySelector("[data-call]"), String(on)))""",
        on,
    )


def sends_pictures(page: Any) -> bool:
    return bool(
        page.evaluate(
            """window.connections.some((connection) => connection.getSenders()
              .some(({ track }) => track?.kind === "video"))"""
        )
    )


def test_sound_only_ends_the_pictures_of_everybody_and_brings_them_back(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    for page in (clerk, citizen):
        switch_sound(page, on=True)
        assert "sound only" in status(page)
    hears_without_pictures(clerk, citizen)
    assert citizen.get_by_role("button", name="Turn camera on").is_disabled()
    for page in (clerk, citizen):
        switch_sound(page, on=False)
    for page in (clerk, citizen):
        sees_and_hears(page)


def hears_without_pictures(*pages: Any) -> None:
    for page in pages:
        wait_until(lambda page=page: not sends_pictures(page))
    time.sleep(0.5)
    before = [received(page) for page in pages]
    for page, then in zip(pages, before, strict=True):
        wait_until(lambda page=page, then=then: received(page)["sound"] > then["sound"])
    time.sleep(1)
    # Of a line that is closed the browser tells nothing, so there may be fewer, but never more.
    assert all(received(page)["frames"] <= then["frames"] for page, then in zip(pages, before, strict=True))


def test_a_page_that_sends_pictures_all_the_same_is_not_let_through(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    switch_sound(clerk, on=True)
    # The citizen's page has not learnt it, and the clerk's asks for no picture any more.
    line = """window.connections.at(-1).getTransceivers()
      .find((line) => line.receiver.track.kind === "video").currentDirection"""
    wait_until(lambda: citizen.evaluate(line) == "inactive")
    assert sends_pictures(citizen)
    hears_without_pictures(clerk)


def test_whoever_comes_during_sound_only_sends_no_picture(join: Join, house: Any, room: str) -> None:
    house.sound_only.add(room)
    clerk, citizen = join("clerk"), join("citizen")
    wait_until(lambda: received(clerk)["sound"] > 0 and received(citizen)["sound"] > 0)
    hears_without_pictures(clerk, citizen)
    assert citizen.get_by_role("button", name="Turn camera on").is_disabled()
    assert not citizen.evaluate("Boolean(document.querySelector('[data-guest=p2] video').srcObject.active)")
    for page in (clerk, citizen):
        switch_sound(page, on=False)
    for page in (clerk, citizen):
        sees_and_hears(page)


def test_a_page_loaded_again_is_back_in_the_call(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    citizen.reload()
    for page in (clerk, citizen):
        sees_and_hears(page)
    assert clerk.locator(".direct-tile").count() == 2
    clerk.reload()
    for page in (clerk, citizen):
        sees_and_hears(page)


def test_the_older_of_two_windows_gives_way(join: Join) -> None:
    clerk, first = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    second = join("citizen")
    wait_until(lambda: "another window" in status(first))
    sees_and_hears(second)
    sees_and_hears(clerk)
    assert clerk.locator(".direct-tile").count() == 2


def test_a_muted_microphone_and_a_camera_switched_off_are_shown_to_the_others(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    press(citizen, "Turn microphone off")
    press(citizen, "Turn camera off")
    note = clerk.locator("[data-guest=p2] [data-note]")
    wait_until(lambda: note.inner_text() == "microphone off, no picture")
    assert (
        citizen.evaluate("document.querySelector('[data-guest=p2] video').srcObject.getTracks().length") == 0
    )
    press(citizen, "Turn microphone on")
    press(citizen, "Turn camera on")
    wait_until(lambda: note.inner_text() == "")
    sees_and_hears(clerk)


def test_a_change_of_network_is_noticed_before_the_old_way_is_found_dead(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    fragment = "window.connections.at(-1).remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"
    before = clerk.evaluate(fragment)
    citizen.context.set_offline(True)
    citizen.context.set_offline(False)
    wait_until(lambda: clerk.evaluate(fragment) != before)
    for page in (clerk, citizen):
        sees_and_hears(page)


def test_a_connection_beyond_rescue_is_made_anew(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    clerk.evaluate("window.connections.forEach((connection) => connection.close())")
    wait_until(lambda: "is interrupted" in status(citizen), 40)
    pass_time(citizen, seconds=21)
    wait_until(lambda: status(citizen) == "Κώστας Αλεξίου is connected again.", 40)
    for page in (clerk, citizen):
        sees_and_hears(page)


def test_on_a_poor_line_the_picture_takes_less_until_the_line_is_good_again(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    wait_until(lambda: sent_kbit(citizen) > 250)
    citizen.evaluate(
        """() => {
          const ask = RTCPeerConnection.prototype.getStats;
          window.lineIsPoor = true;
          RTCPeerConnection.prototype.getStats = async function () {
            const reports = new Map(await ask.call(this));
            for (const [id, report] of reports)
              if (report.nominated && window.lineIsPoor)
                reports.set(id, { ...report, availableOutgoingBitrate: 6e4 });
            return reports;
          };
        }"""
    )
    wait_until(lambda: "Your line is poor" in status(citizen), 30)
    wait_until(lambda: sent_kbit(citizen) < 200)
    sees_and_hears(clerk)
    citizen.evaluate("{ lineIsPoor = false; }")
    pass_time(citizen, seconds=31)
    wait_until(lambda: "in full size again" in status(citizen), 30)
    wait_until(lambda: sent_kbit(citizen) > 250)


def test_the_call_goes_on_while_the_portal_is_away(join: Join, house: Any) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    house.store_is_away = True
    try:
        wait_until(lambda: "portal is interrupted" in status(clerk), 40)
        sees_and_hears(clerk)
        sees_and_hears(citizen)
    finally:
        house.store_is_away = False
    wait_until(lambda: status(clerk) == "The portal is reached again.")


def test_a_page_whose_browser_died_disappears(join: Join, house: Any, room: str) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    citizen.route("**/messages**", lambda route: route.abort())
    citizen.evaluate("window.connections.forEach((connection) => connection.close())")
    citizen.context.close()
    pass_time(clerk, seconds=36)
    wait_until(lambda: clerk.locator(".direct-tile").count() == 1, 60)


def test_the_end_of_the_room_ends_the_call_and_frees_the_camera(join: Join, house: Any, room: str) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    citizen.evaluate("addEventListener('call:ended', ({detail}) => (window.ended = detail.reason))")
    tracks = "window.connections.at(-1).getSenders().map((sender) => sender.track)"
    citizen.evaluate(f"window.tracks = {tracks}")
    house.provider.close_room(house.room(room))
    for page in (clerk, citizen):
        wait_until(lambda page=page: "The call has ended" in status(page), 5)
    assert citizen.evaluate("window.ended") == "closed"
    assert citizen.evaluate("window.tracks.every((track) => track.readyState === 'ended')")


def test_the_clerk_can_remove_the_companion(join: Join) -> None:
    clerk, companion = join("clerk"), join("companion")
    sees_and_hears(clerk)
    clerk.on("dialog", lambda dialog: dialog.accept())
    press(clerk, "Remove Anna Rigas")
    wait_until(lambda: "ended your part" in status(companion))
    companion.reload()
    wait_until(lambda: "ended your part" in status(companion))
    assert clerk.locator(".direct-tile").count() == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotAllowedError", "was not allowed to use the camera"), ("NotReadableError", "Another program")],
)
def test_without_a_camera_the_call_goes_on_by_sound_and_says_what_to_do(
    join: Join, error: str, words: str
) -> None:
    clerk = join("clerk")
    citizen = join("citizen")
    citizen.add_init_script(
        f"""const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wish) =>
          wish.video ? Promise.reject(new DOMException("", "{error}")) : ask(wish);"""
    )
    citizen.reload()
    wait_until(lambda: words in citizen.locator("[data-problem]").inner_text())
    wait_until(lambda: received(clerk)["sound"] > 0 and received(citizen)["frames"] > 5)


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_page_is_usable_on_a_phone_and_by_everybody(join: Join, language: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    clerk = join("clerk", language, viewport={"width": 320, "height": 640})
    join("interpreter", language)
    sees_and_hears(clerk)
    assert clerk.evaluate("document.documentElement.scrollWidth") <= 320
    violations = [found["id"] for found in Axe().run(clerk).response["violations"]]
    assert violations == []


def test_another_camera_and_another_microphone_can_be_chosen(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    device = """kind => window.connections.at(-1).getSenders()
      .find(({ track }) => track.kind === kind).track.getSettings().deviceId"""
    for label, kind in (("Camera", "video"), ("Microphone", "audio")):
        choice = citizen.locator(f"[data-do=choose-{kind}]")
        other = choice.evaluate("list => [...list.options].findLast((one) => !one.selected).value")
        choice.select_option(other)
        wait_until(lambda kind=kind, other=other: citizen.evaluate(device, kind) == other)
        wait_until(lambda label=label: status(citizen) == f"The chosen {label.lower()} is used.")
    sees_and_hears(clerk)


def test_a_device_that_goes_away_is_followed_by_another_one_and_stays_mute(join: Join) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    press(citizen, "Turn microphone off")
    citizen.evaluate(
        """for (const { track } of window.connections.at(-1).getSenders()) {
             track.stop();
             track.dispatchEvent(new Event("ended"));
           }"""
    )
    tracks = """window.connections.at(-1).getSenders()
      .map(({ track }) => track && [track.kind, track.readyState, track.enabled].join(" ")).sort()"""
    wait_until(lambda: citizen.evaluate(tracks) == ["audio live false", "video live true"])
    assert not citizen.locator("[data-problem]").is_visible()
    press(citizen, "Turn microphone on")
    sees_and_hears(clerk)
