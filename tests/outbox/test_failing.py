"""What happens to work that fails: again later, given up, shown to staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal import clock as portal_clock
from portal import outbox
from portal.db import transaction
from portal.plugin_api import ConfigurationFailure, PermanentFailure, TemporaryFailure

told: list[tuple[str, str]] = []
failures: list[Exception] = []


@outbox.job("letter.send", queue="mail")
def send_letter(name: str) -> None:
    if failures:
        raise failures.pop(0)


@outbox.when_buried("letter.send")
def letter_given_up(name: str, reason: str) -> None:
    with transaction():
        told.append((name, reason))


@pytest.fixture(autouse=True)
def _quiet() -> None:
    told.clear()
    failures.clear()


@pytest.fixture
def letter(town, clock):
    """One letter, posted; ``letter()`` is its row, ``letter(failure)`` lets the next attempt fail first."""
    with transaction():
        outbox.post(
            "letter.send",
            "letter:1",
            {"name": "one"},
            key="letter",
            give_up_at=portal_clock.now() + timedelta(days=1),
        )

    def attempt(*failing: Exception):
        failures.extend(failing)
        if failing:
            outbox.run_due(town.app)
        return town.row("letter")

    return attempt


def waits(row) -> float:
    return (row.due_at - portal_clock.now()).total_seconds()


def test_work_that_succeeds_is_done(letter, town):
    assert outbox.run_due(town.app) == 1
    assert (letter().state, letter().attempts) == ("done", 1)


def test_a_temporary_failure_is_tried_again_later_and_later(letter, clock, town):
    expected = 15
    for _ in range(4):
        row = letter(TemporaryFailure("busy"))
        assert row.state == "waiting"
        assert row.last_error == "busy"
        assert expected * 0.5 <= waits(row) <= expected * 1.5
        clock.shift(waits(row) + 1)
        expected *= 2
    outbox.run_due(town.app)
    assert letter().state == "done"


def test_the_wait_never_exceeds_an_hour(town):
    claimed = outbox.Claim(1, 30, "letter.send", "mail", {}, portal_clock.now())
    waits = {outbox._pause(claimed, None) for _ in range(200)}
    assert max(waits) == timedelta(hours=1)
    assert min(waits) >= timedelta(minutes=30)


def test_the_other_side_may_name_the_earliest_moment(letter):
    row = letter(TemporaryFailure("busy", retry_after=timedelta(minutes=40)))
    assert waits(row) == 40 * 60


def test_a_permanent_failure_is_given_up_and_whoever_asked_is_told(letter, town):
    row = letter(PermanentFailure("there is no such box"))
    assert (row.state, row.last_error) == ("buried", "there is no such box")
    assert told == [("one", "there is no such box")]
    assert [buried.key for buried in outbox.buried_rows()] == ["letter"]


def test_a_wrong_setting_waits_for_a_person(letter):
    assert waits(letter(ConfigurationFailure("wrong password"))) == 300


def test_an_unexpected_error_is_tried_again_and_its_words_are_not_told(letter, logged):
    row = letter(ValueError("maria@example.gr"))
    assert (row.state, row.last_error) == ("waiting", "unexpected ValueError")
    assert "send_letter" in logged()
    assert "maria@example.gr" not in logged()


def test_work_that_would_come_too_late_is_given_up(letter):
    row = letter(TemporaryFailure("busy", retry_after=timedelta(days=2)))
    assert row.state == "buried"
    assert told == [("one", "busy")]


def test_work_whose_time_is_over_is_not_even_tried(letter, clock, town):
    clock.shift(timedelta(days=2))
    row = letter(AssertionError("must not be called"))
    assert row.state == "buried"
    assert row.last_error == "it was too late when its turn came"
    assert len(failures) == 1


def test_work_that_nobody_does_any_more_is_shown_to_staff(town, monkeypatch):
    town.module.post_parcel("a")
    monkeypatch.delitem(outbox._jobs, "parcel.send")
    outbox.run_due(town.app)
    assert [row.last_error for row in outbox.buried_rows()] == [
        "nobody does work of the kind parcel.send any more"
    ]


def test_staff_lets_buried_work_be_tried_again(letter, clock, town):
    row = letter(PermanentFailure("full"))
    clock.shift(timedelta(days=3))
    with transaction():
        assert outbox.retry_now(row.id)
        assert not outbox.retry_now(row.id)
    outbox.run_due(town.app)
    assert letter().state == "done"
    assert outbox.buried_rows() == []


def test_staff_closes_buried_work(letter):
    row = letter(PermanentFailure("full"))
    with transaction():
        assert outbox.close(row.id)
        assert not outbox.close(row.id)
    assert letter().state == "cancelled"
    assert outbox.buried_rows() == []


def test_rows_that_a_job_changed_outside_a_transaction_count_as_its_failure(town, monkeypatch):
    from portal.db import db

    town.module.post_parcel("a")

    def careless(name: str) -> None:
        db.session.add(outbox.OutboxRow(key="x"))

    monkeypatch.setitem(outbox._jobs, "parcel.send", outbox.Job("parcel.send", "mail", careless))
    outbox.run_due(town.app)
    assert town.row("parcel.send:a").last_error == "unexpected RuntimeError"
