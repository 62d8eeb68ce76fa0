"""The guard in front of each provider: errors become ours, failures in a row become a pause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from structlog.testing import capture_logs

from portal.clock import now
from portal.config import Config
from portal.db import db, init_app, transaction
from portal.plugin_api import (
    ConfigurationFailure,
    Join,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
)
from portal.providers import ProviderPause, guard, is_paused
from portal.testing.contracts.delivery import a_parcel
from portal.testing.contracts.video import CITIZEN, an_order
from portal.testing.fakes import FakeDelivery, FakeVideo

AWAY = TemporaryFailure("no answer")


@pytest.fixture(autouse=True)
def database(portal_config: Config) -> Iterator[None]:
    app = Flask("portal")
    app.config["SQLALCHEMY_DATABASE_URI"] = portal_config.database_url
    init_app(app)
    with app.app_context():
        db.create_all()
        yield
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def post(tmp_path: Path) -> FakeDelivery:
    """The provider itself, without its guard."""
    return FakeDelivery(tmp_path, "post")


def fail(post: FakeDelivery, times: int, failure: Exception = AWAY) -> None:
    """Let a guarded call fail so many times."""
    for _ in range(times):
        post.failures = [failure]
        with pytest.raises(ProviderFailure):
            guard(post).send(a_parcel())
    post.failures = []


def test_a_guarded_provider_looks_like_itself(post: FakeDelivery) -> None:
    guarded = guard(post)
    assert (guarded.name, guarded.needs, guarded.timeout) == (post.name, post.needs, post.timeout)
    assert guarded.send(a_parcel()).state == "sent"


def test_an_unexpected_error_is_temporary_and_its_trace_is_logged(post: FakeDelivery) -> None:
    post.failures = [KeyError("Μαρία")]
    with capture_logs() as lines, pytest.raises(TemporaryFailure, match="unexpected KeyError"):
        guard(post).send(a_parcel())
    assert any(line["event"] == "provider broke" and line["exc_info"] for line in lines)


@pytest.mark.parametrize("kind", [TemporaryFailure, PermanentFailure, ConfigurationFailure])
def test_failures_of_the_contract_pass_unchanged(post: FakeDelivery, kind: type[ProviderFailure]) -> None:
    failure = kind("told by the provider")
    post.failures = [failure]
    with pytest.raises(kind) as raised:
        guard(post).send(a_parcel())
    assert raised.value is failure


def test_each_call_is_logged_with_time_and_outcome_and_nothing_personal(post: FakeDelivery) -> None:
    with capture_logs() as lines:
        guard(post).send(a_parcel())
        fail(post, 1)
    called = [line for line in lines if line["event"] == "provider called"]
    assert [(line["method"], line["outcome"]) for line in called] == [
        ("send", "ok"),
        ("send", "TemporaryFailure"),
    ]
    assert set(called[0]) == {"provider", "method", "ms", "outcome", "event", "log_level"}


def test_four_failures_are_not_yet_a_pause(post: FakeDelivery) -> None:
    fail(post, 4)
    assert not is_paused("post")
    assert guard(post).send(a_parcel()).state == "sent"


def test_five_failures_in_a_row_pause_the_provider(post: FakeDelivery) -> None:
    fail(post, 5)
    assert is_paused("post")
    post.calls.clear()
    with pytest.raises(TemporaryFailure, match="paused") as paused:
        guard(post).send(a_parcel())
    assert paused.value.retry_after is not None
    assert post.calls == []


def test_a_success_in_between_begins_the_count_anew(post: FakeDelivery) -> None:
    fail(post, 4)
    guard(post).send(a_parcel())
    fail(post, 4)
    assert not is_paused("post")


def test_a_refused_parcel_is_no_failure_of_the_provider(post: FakeDelivery) -> None:
    fail(post, 9, PermanentFailure("no such address"))
    assert not is_paused("post")


def test_a_wrong_configuration_pauses_at_once(post: FakeDelivery) -> None:
    fail(post, 1, ConfigurationFailure("wrong password"))
    assert is_paused("post")
    assert "wrong password" in db.session.get_one(ProviderPause, "post").last_error


def test_other_providers_go_on(post: FakeDelivery, tmp_path: Path) -> None:
    fail(post, 5)
    assert guard(FakeDelivery(tmp_path, "other")).send(a_parcel()).state == "sent"


def test_a_probe_that_succeeds_reopens_the_provider(
    post: FakeDelivery, clock: time_machine.Traveller
) -> None:
    fail(post, 5)
    clock.shift(timedelta(minutes=1, seconds=1))
    assert guard(post).send(a_parcel()).state == "sent"
    assert db.session.get(ProviderPause, "post", populate_existing=True) is None


def test_a_probe_that_fails_doubles_the_pause_up_to_a_limit(
    post: FakeDelivery, clock: time_machine.Traveller
) -> None:
    fail(post, 5)
    lengths = []
    for _ in range(6):
        pause = db.session.get_one(ProviderPause, "post", populate_existing=True)
        assert pause.paused_until is not None
        lengths.append((pause.paused_until - now()).seconds // 60)
        clock.move_to(pause.paused_until)
        fail(post, 1)
    assert lengths == [1, 2, 4, 8, 15, 15]


def test_only_one_caller_probes(post: FakeDelivery, clock: time_machine.Traveller) -> None:
    fail(post, 5)
    clock.shift(timedelta(minutes=2))
    seen: list[str] = []

    class Slow(FakeDelivery):
        def send(self, parcel):
            with pytest.raises(TemporaryFailure, match="paused"):
                guard(post).send(a_parcel())
            seen.append("kept away")
            return super().send(parcel)

    guard(Slow(post.folder, "post")).send(a_parcel())
    assert seen == ["kept away"]


def test_pages_use_a_paused_provider_for_what_needs_no_network() -> None:
    video = FakeVideo()
    room = video.open_room(an_order())
    for _ in range(5):
        video.failures = [AWAY]
        with pytest.raises(TemporaryFailure):
            guard(video).open_room(an_order("another"))
    assert is_paused(video.name)
    assert guard(video).join(room, CITIZEN).url


def test_a_way_in_that_leads_elsewhere_is_refused() -> None:
    class Elsewhere(FakeVideo):
        def join(self, room, guest):
            return Join.redirect("https://elsewhere.example/room")

    room = FakeVideo().open_room(an_order())
    with pytest.raises(ConfigurationFailure, match="origins"):
        guard(Elsewhere()).join(room, CITIZEN)


def test_no_provider_is_called_while_a_transaction_is_open(post: FakeDelivery) -> None:
    with pytest.raises(RuntimeError, match="inside transaction"), transaction():
        guard(post).send(a_parcel())
    assert post.calls == []


def test_no_connection_to_the_database_is_held_during_a_call(post: FakeDelivery) -> None:
    fail(post, 1)
    held: list[int] = []

    class Watching(FakeDelivery):
        def send(self, parcel):
            held.append(db.engine.pool.checkedout())
            return super().send(parcel)

    guard(Watching(post.folder, "post")).send(replace(a_parcel(), key="other"))
    assert held == [0]
