"""Real worker and dispatcher processes on a real store: they may die at any moment and lose nothing."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from portal import clock, outbox, queues, worker
from portal.db import transaction

LEASE_OVER = {"TOWN_CLOCK_AHEAD": "120"}
"""For a process that comes after the lease of a dead one has run out."""


@pytest.fixture
def redis(store):
    with Redis.from_url(store) as connection:
        yield connection


def is_done(town, key: str) -> bool:
    return town.row(key).state == "done"


def test_a_worker_is_nudged_and_does_the_work_at_once(each_town, store, until):
    each_town.start("work", "mail")
    each_town.module.post_parcel("a")
    until(lambda: is_done(each_town, "parcel.send:a"))
    assert each_town.module.parcels() == ["a"]


def test_an_idle_worker_and_a_dispatcher_end_on_request(town, store, redis, until):
    mail, dispatcher = town.start("work", "mail"), town.start("dispatch")
    until(lambda: redis.scard("rq:workers:mail"))
    assert town.stop(mail) == 0
    assert town.stop(dispatcher) == 0


def test_two_workers_do_each_piece_once(each_town, store, until):
    for name in range(20):
        each_town.module.post_parcel(f"p{name}", kind="parcel.send_unkeyed")
    for _ in range(2):
        each_town.start("work", "mail")
    until(lambda: all(is_done(each_town, f"parcel.send_unkeyed:p{name}") for name in range(20)))
    assert len(each_town.module.parcels()) == 20


def test_work_posted_while_the_store_is_away_is_done_when_it_is_back(each_town, open_store, until):
    each_town.module.post_parcel("a")
    each_town.start("work", "mail")
    each_town.start("dispatch")
    time.sleep(2)
    assert each_town.row("parcel.send:a").state == "waiting"
    with open_store():
        until(lambda: is_done(each_town, "parcel.send:a"))
    assert each_town.module.parcels() == ["a"]


def test_worker_and_dispatcher_outlive_a_restart_of_the_store(town, open_store, until):
    mail, dispatcher = town.start("work", "mail"), town.start("dispatch")
    with open_store():
        town.module.post_parcel("a")
        until(lambda: is_done(town, "parcel.send:a"))
    time.sleep(1)
    town.module.post_parcel("b")
    with open_store():
        until(lambda: is_done(town, "parcel.send:b"))
        assert mail.poll() is None
        assert dispatcher.poll() is None


def test_two_dispatchers_at_once_do_no_harm(town, store, until):
    for _ in range(2):
        town.start("dispatch")
    town.start("work", "mail")
    # No nudge: the rows are posted as if the store had been away.
    town.app.extensions["portal.store"] = queues._Store(queues.store(town.app), away_until=float("inf"))
    for name in range(10):
        town.module.post_parcel(f"p{name}", kind="parcel.send_unkeyed")
    until(lambda: all(is_done(town, f"parcel.send_unkeyed:p{name}") for name in range(10)))
    assert len(town.module.parcels()) == 10


@pytest.mark.parametrize(("kind", "expected"), [("parcel.send", 1), ("parcel.send_unkeyed", 2)])
def test_a_worker_killed_after_the_carriers_yes_repeats_with_the_same_key(
    each_town, store, until, kind, expected
):
    """With a carrier that knows the key there is one parcel; the control, without keys, shows two."""
    first = each_town.start("work", "mail", TOWN_CRASH="worker")
    each_town.module.post_parcel("a", kind)
    assert first.wait(timeout=30) == -signal.SIGKILL
    assert each_town.row(f"{kind}:a").state == "waiting"
    each_town.start("dispatch", **LEASE_OVER)
    each_town.start("work", "mail", **LEASE_OVER)
    until(lambda: is_done(each_town, f"{kind}:a"))
    assert each_town.row(f"{kind}:a").attempts == 2
    assert len(each_town.module.parcels()) == expected


def test_the_row_of_a_killed_child_is_tried_again_without_waiting_for_the_lease(town, store, until):
    town.start("work", "mail", TOWN_CRASH="child")
    town.start("dispatch")
    town.module.post_parcel("a")
    until(lambda: is_done(town, "parcel.send:a"))
    assert town.row("parcel.send:a").attempts == 2
    assert town.module.parcels() == ["a"]


def test_one_child_does_many_rows_one_after_the_other(each_town, store, until):
    names = [f"p{number:02}" for number in range(30)]
    for name in names:
        each_town.module.post_parcel(name)
    each_town.start("work", "mail")
    until(lambda: all(is_done(each_town, f"parcel.send:{name}") for name in names))
    children = {(each_town.module.carrier() / "keyed" / name).read_text() for name in names}
    assert len(children) < 5


def test_the_row_at_which_a_child_is_killed_is_tried_again_and_no_other(town, store, until):
    names = ["a", "b", "c", "d"]
    for name in names:
        town.module.post_parcel(name)
    town.start("work", "mail", TOWN_CRASH="child", TOWN_CRASH_AT="c")
    town.start("dispatch")
    until(lambda: all(is_done(town, f"parcel.send:{name}") for name in names), seconds=30)
    assert [town.row(f"parcel.send:{name}").attempts for name in names] == [1, 1, 2, 1]


def test_a_worker_that_is_asked_to_end_begins_no_other_row(town, store, until):
    for number in range(20):
        town.module.post_parcel(f"p{number:02}")
    process = town.start("work", "mail", TOWN_SLOW="0.3")
    until(town.module.parcels)
    assert town.stop(process) == 0
    assert len(town.module.parcels()) < 10
    rows = [town.row(f"parcel.send:p{number:02}") for number in range(20)]
    assert not [row.key for row in rows if row.state == "waiting" and row.claimed_until]


def test_work_that_takes_too_long_is_broken_off_and_tried_again(town, store, until, monkeypatch):
    monkeypatch.setitem(queues.QUEUES, "mail", replace(queues.QUEUES["mail"], limit=timedelta(seconds=1)))
    town.start("work", "mail", TOWN_SLOW="30")
    town.module.post_parcel("a")
    until(lambda: town.row("parcel.send:a").last_error == "unexpected JobTimeoutException")
    assert town.row("parcel.send:a").state == "waiting"


def test_a_long_queue_is_not_fed_until_it_is_shorter(town, store, redis, clock, monkeypatch):
    monkeypatch.setattr(worker, "FULL", 4)
    for name in range(3):
        town.module.post_parcel(f"p{name}")
    town.module.post_parcel("a", kind="parcel.refuse")
    clock.shift(3)
    assert worker.dispatch_once(town.app) == 2
    assert (queues.queue("mail", redis).count, queues.queue("delivery", redis).count) == (4, 2)


def test_a_worker_calls_nothing_but_our_own_function(town, store, redis, tmp_path, until):
    """Whoever can write to the store must not be able to run code in the worker."""
    town.start("work", "mail")
    foreign = Queue("mail", connection=redis, serializer=JSONSerializer)
    target = tmp_path / "made-by-a-stranger"
    job = foreign.enqueue_call("os.mkdir", args=(str(target),))
    until(lambda: Job.fetch(job.id, connection=redis, serializer=JSONSerializer).is_failed)
    assert not target.exists()


def test_the_store_keeps_numbers_and_no_pickles(town, store, redis):
    town.module.post_parcel("a")
    [job_id] = queues.queue("mail", redis).job_ids
    stored = queues.RowJob.fetch(job_id, connection=redis, serializer=JSONSerializer)
    assert (stored.func_name, list(stored.args)) == ("portal.worker.run", [1, "mail"])
    assert (stored.timeout, stored.failure_ttl) == (70, 7 * 24 * 3600)


def test_a_round_without_the_store_leaves_the_rows_unheard(town, clock):
    town.module.post_parcel("a")
    clock.shift(3)
    with pytest.raises(RedisError):
        worker.dispatch_once(town.app)
    assert town.row("parcel.send:a").nudged_at is None


def test_staff_reviving_a_row_nudges_the_worker(town, store, redis):
    with transaction():
        outbox.post("parcel.send", "parcel:1", {"name": "a"}, key="a", give_up_at=clock.now())
    outbox.run_due(town.app)
    before = len(queues.queue("mail", redis).job_ids)
    with transaction():
        outbox.retry_now(outbox.buried_rows()[0].id)
    assert len(queues.queue("mail", redis).job_ids) == before + 1
