"""Calls that go through a real coturn and no other way: they arrive, and survive what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import time_machine

from portal import clock
from portal.testing.webrtc import pass_time, sees_and_hears, wait_until, ways

Join = Callable[..., Any]


def status(page: Any) -> str:
    return str(page.locator("[data-status]").inner_text())


def own_ends(page: Any) -> set[str]:
    """Where the page's own ends of its connections lie. What it calls the other end depends on whether that
    was told of or heard from first."""
    return {way.partition("-")[0] for way in ways(page)}


def test_a_call_goes_through_the_relay_alone_and_finds_it_again_after_a_break(
    join: Join, relayed: Any
) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    for page in (clerk, citizen):
        sees_and_hears(page)
        assert own_ends(page) == {"relay"}
    made = "window.connections.length"
    before = [page.evaluate(made) for page in (clerk, citizen)]
    relayed.stop()
    wait_until(lambda: "is interrupted" in status(citizen))
    relayed.begin()
    wait_until(lambda: "is connected again" in status(citizen))
    for page in (clerk, citizen):
        sees_and_hears(page)
        assert own_ends(page) == {"relay"}
    assert [page.evaluate(made) for page in (clerk, citizen)] == before, "found by a new way, not begun anew"


def test_a_phone_that_was_locked_for_five_minutes_is_back_in_the_call(join: Join, relayed: Any) -> None:
    clerk, citizen = join("clerk"), join("citizen")
    sees_and_hears(clerk)
    page = citizen.context.new_cdp_session(citizen)
    # A phone in sleep has no network, neither to the portal nor to the relay.
    citizen.context.set_offline(True)
    page.send("Page.setWebLifecycleState", {"state": "frozen"})
    relayed.stop()
    wait_until(lambda: "is interrupted" in status(clerk))
    pass_time(clerk, seconds=300)
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=True):
        # What had been on its way may be heard only now, and counts for as long as any word.
        wait_until(lambda: clerk.locator(".direct-tile").count() == 1, seconds=120)
        relayed.begin()
        citizen.context.set_offline(False)
        page.send("Page.setWebLifecycleState", {"state": "active"})
        for page in (clerk, citizen):
            sees_and_hears(page)
        assert clerk.locator(".direct-tile").count() == 2
