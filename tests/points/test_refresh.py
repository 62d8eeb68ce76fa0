"""Once a day each list of points is fetched; what goes wrong leaves the former list as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from time_machine import Traveller

from portal import outbox, worker
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.plugin_api import ConfigurationFailure, DeliveryProvider, PermanentFailure, TemporaryFailure
from portal.points import jobs, lists
from portal.providers import current_providers, is_paused
from portal.testing.fakes import FakeDelivery, FakePoints, choose

DAY = timedelta(days=1)


@pytest.fixture
def carrier(app: Flask, clock: Traveller, tmp_path: Path) -> FakePoints:
    """A way with points beside one without."""
    way = FakePoints(tmp_path)
    choose(app, delivery=(FakeDelivery(tmp_path), way))
    return way


@pytest.fixture
def day_passes(app: Flask, clock: Traveller, carrier: FakePoints) -> Callable[..., None]:
    """``day_passes()``: the dispatcher's hours of one day, and the workers' work."""

    def pass_by() -> None:
        for _hour in range(24):
            with transaction():
                jobs.post_refreshes()
            outbox.run_due(app)
            clock.shift(timedelta(hours=1))

    return pass_by


def rows() -> list[OutboxRow]:
    db.session.rollback()
    return db.session.query(OutboxRow).filter_by(kind=jobs.REFRESH).order_by(OutboxRow.id).all()


def known() -> list[str]:
    db.session.rollback()
    places = ("15772", "54624")
    return [point.code for place in places for point in lists.near("fake_points", place)]


def test_a_list_is_fetched_once_a_day(carrier: FakePoints, day_passes: Callable[..., None]) -> None:
    day_passes()
    assert known() == ["P1", "P2"]
    # The hours of one day of the clock here lie in two days of the calendar.
    assert carrier.calls == ["points"] * 2
    day_passes()
    assert carrier.calls == ["points"] * 3


def test_the_dispatcher_orders_the_list_when_it_begins(
    carrier: FakePoints, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One round of it; the store and the signals of a process are left out."""
    monkeypatch.setattr(worker, "dispatch_once", lambda app: 0)
    monkeypatch.setattr(worker._Stop, "listen", lambda stop: None)
    monkeypatch.setattr(worker._Stop, "pause", lambda stop, seconds: setattr(stop, "requested", True))
    worker.dispatch(app)
    assert [row.state for row in rows()] == ["waiting"]
    outbox.run_due(app)
    assert known() == ["P1", "P2"]


def test_only_ways_that_need_a_point_are_asked(carrier: FakePoints, app: Flask) -> None:
    with transaction():
        jobs.post_refreshes()
    assert [row.payload for row in rows()] == [{"provider": "fake_points"}]


def test_what_is_gone_is_not_offered_and_what_is_new_is(
    carrier: FakePoints, day_passes: Callable[..., None]
) -> None:
    day_passes()
    carrier.listed = carrier.listed[1:]
    day_passes()
    assert known() == ["P2"]


@pytest.mark.parametrize(
    "failure",
    [
        TemporaryFailure("away"),
        PermanentFailure("no"),
        ConfigurationFailure("account"),
        RuntimeError("broke"),
    ],
)
def test_a_refresh_that_fails_keeps_the_list(
    carrier: FakePoints, day_passes: Callable[..., None], failure: Exception
) -> None:
    day_passes()
    carrier.failures = [failure] * 100
    day_passes()
    day_passes()
    assert known() == ["P1", "P2"]


def test_an_empty_answer_does_not_erase_the_list(
    carrier: FakePoints, day_passes: Callable[..., None]
) -> None:
    day_passes()
    carrier.listed, former = [], carrier.listed
    day_passes()
    assert known() == ["P1", "P2"]
    carrier.listed = former[1:]
    day_passes()
    assert known() == ["P2"]


def test_it_is_tried_again_until_it_works(carrier: FakePoints, app: Flask, clock: Traveller) -> None:
    carrier.failures = [TemporaryFailure("away")] * 3
    with transaction():
        jobs.post_refreshes()
    for known_then in ([], [], [], ["P1", "P2"]):
        outbox.run_due(app)
        assert known() == known_then
        clock.shift(timedelta(minutes=30))


def test_a_list_that_cannot_be_fetched_for_days_is_one_line_of_the_list(
    carrier: FakePoints, day_passes: Callable[..., None]
) -> None:
    carrier.failures = [TemporaryFailure("away")] * 1000
    for _day in range(4):
        day_passes()
    assert [row.state for row in rows()].count("buried") == 1
    carrier.failures = []
    day_passes()
    assert [row for row in rows() if row.state == "buried"] == []


def test_a_failing_list_pauses_its_own_way_and_no_other(
    carrier: FakePoints, day_passes: Callable[..., None], app: Flask
) -> None:
    carrier.failures = [ConfigurationFailure("account")] * 100
    with transaction():
        jobs.post_refreshes()
    outbox.run_due(app)
    assert is_paused("fake_points") and not is_paused("fake_delivery")


def test_work_for_a_way_that_is_not_enabled_any_more_is_done_with(
    carrier: FakePoints, app: Flask, tmp_path: Path
) -> None:
    with transaction():
        jobs.post_refreshes()
    choose(app, delivery=(FakeDelivery(tmp_path),))
    outbox.run_due(app)
    assert [row.state for row in rows()] == ["done"]


def test_without_a_list_the_way_is_not_offered(carrier: FakePoints, day_passes: Callable[..., None]) -> None:
    ways: dict[str, DeliveryProvider] = dict(current_providers().delivery)
    assert set(lists.offered(ways)) == {"fake_delivery"}
    day_passes()
    assert set(lists.offered(ways)) == {"fake_delivery", "fake_points"}
