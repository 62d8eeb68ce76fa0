"""Posting and calling off work."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest

from portal import clock, due, outbox
from portal.db import db, transaction


def rows() -> list[tuple[str, str]]:
    db.session.rollback()
    return [(row.key, row.state) for row in db.session.scalars(db.select(outbox.OutboxRow).order_by("id"))]


def in_days(days: int) -> datetime:
    return clock.now() + timedelta(days=days)


def post(key: str, subject: str = "parcel:1", kind: str = "parcel.send", **values: object) -> None:
    outbox.post(kind, subject, {"name": key}, key=key, **{"give_up_at": in_days(1)} | values)


def unheard() -> list[tuple[int, str]]:
    return due.to_nudge("mail", 100)


def test_posting_outside_a_transaction_is_refused(town):
    with pytest.raises(RuntimeError, match="transaction"):
        post("a")


def test_work_without_a_job_is_refused(town):
    with pytest.raises(KeyError), transaction():
        post("a", kind="parcel.unheard_of")


def test_the_same_key_leaves_one_row(each_town):
    for _ in range(2):
        with transaction():
            post("a")
    assert rows() == [("a", "waiting")]


def test_the_same_key_posted_by_many_at_once_leaves_one_row(each_town):
    def one() -> None:
        with each_town.app.app_context(), transaction():
            post("a")

    threads = [Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows() == [("a", "waiting")]


def test_work_of_a_transaction_that_failed_does_not_exist(each_town):
    with pytest.raises(ZeroDivisionError), transaction():
        post("a")
        1 / 0  # noqa: B018
    assert rows() == []


def test_calling_off_touches_one_subject_and_the_named_kinds(each_town):
    with transaction():
        post("a")
        post("b", kind="parcel.refuse")
        post("c", subject="parcel:2")
    with transaction():
        assert outbox.cancel("parcel:1", ["parcel.send"]) == 1
    assert rows() == [("a", "cancelled"), ("b", "waiting"), ("c", "waiting")]
    with transaction():
        assert outbox.cancel("parcel:1") == 1
        assert outbox.cancel("parcel:1") == 0


def test_work_of_later_is_not_due_yet(town):
    with transaction():
        post("a", due_at=in_days(1))
    assert outbox.due() == []
    assert outbox.run_due(town.app) == 0


def test_two_functions_cannot_do_the_same_kind():
    with pytest.raises(ValueError, match=r"parcel\.send: .*send_parcel does that already"):

        @outbox.job("parcel.send", queue="mail")
        def another(name: str) -> None:
            """Never called."""


def test_a_job_needs_a_queue_that_exists():
    with pytest.raises(ValueError, match="no queue letters"):
        outbox.job("parcel.burn", queue="letters")


def test_the_dispatcher_leaves_time_for_the_first_nudge(town, clock):
    with transaction():
        post("a")
    assert unheard() == []
    clock.shift(3)
    assert len(unheard()) == 1


def test_a_nudge_is_repeated_after_a_minute(town, clock):
    with transaction():
        post("a")
    clock.shift(3)
    with transaction():
        due.mark_nudged(row_id for row_id, _ in unheard())
    assert unheard() == []
    clock.shift(61)
    assert len(unheard()) == 1


def test_the_age_of_the_oldest_due_row_grows_until_it_is_done(town, clock):
    assert due.oldest_due_age() == timedelta()
    with transaction():
        post("a")
    clock.shift(90)
    assert due.oldest_due_age() == timedelta(seconds=90)
    outbox.run_due(town.app)
    db.session.rollback()
    assert due.oldest_due_age() == timedelta()


def test_done_work_is_forgotten_after_a_month_and_buried_work_never(town, clock):
    with transaction():
        post("done")
        post("buried", kind="parcel.refuse", give_up_at=in_days(0))
        post("waiting", due_at=in_days(90))
    outbox.run_due(town.app)
    clock.shift(timedelta(days=31))
    with transaction():
        assert due.forget_finished() == 1
    assert rows() == [("buried", "buried"), ("waiting", "waiting")]
