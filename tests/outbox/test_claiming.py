"""Every row is done by one worker, however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

from portal import outbox
from portal.db import transaction

ROWS = 60


def post_many(town) -> None:
    for number in range(ROWS):
        town.module.post_parcel(f"p{number}")


def test_many_threads_claim_each_row_once(each_town):
    post_many(each_town)
    ids = [row_id for row_id, _ in outbox.due(limit=ROWS)]
    taken: Counter[int] = Counter()
    gate = Barrier(8)

    def claim_all() -> None:
        gate.wait()
        with each_town.app.app_context():
            for row_id in ids:
                with transaction():
                    claimed = outbox.claim(row_id)
                if claimed:
                    taken[row_id] += 1

    threads = [Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == dict.fromkeys(ids, 1)


def test_many_processes_claim_each_row_once(each_town):
    post_many(each_town)
    ids = [row_id for row_id, _ in outbox.due(limit=ROWS)]
    processes = [each_town.start("claim") for _ in range(4)]
    taken = [int(line) for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert sorted(taken) == sorted(ids)


def test_a_claim_that_ran_out_cannot_finish_what_another_took(each_town, clock):
    each_town.module.post_parcel("a")
    [(row_id, _)] = outbox.due()
    with transaction():
        stale = outbox.claim(row_id)
    with transaction():
        assert outbox.claim(row_id) is None
    clock.shift(timedelta(minutes=5))
    with transaction():
        fresh = outbox.claim(row_id)
    with transaction():
        assert not outbox.finish(stale)
        assert not outbox.postpone(stale, "late")
        assert not outbox.bury(stale, "late")
        assert outbox.finish(fresh)
    assert each_town.row("parcel.send:a").state == "done"


def test_work_that_is_called_off_while_it_is_done_stays_called_off(each_town):
    each_town.module.post_parcel("a")
    [(row_id, _)] = outbox.due()
    with transaction():
        claimed = outbox.claim(row_id)
    with transaction():
        outbox.cancel("parcel:a")
    with transaction():
        assert not outbox.finish(claimed)
    assert each_town.row("parcel.send:a").state == "cancelled"


def test_the_row_of_a_dead_process_is_free_again_at_once(each_town):
    each_town.module.post_parcel("a")
    [(row_id, _)] = outbox.due()
    with transaction():
        outbox.claim(row_id)
    assert outbox.due() == []
    with transaction():
        outbox.release(row_id)
    assert outbox.due() == [(row_id, "mail")]
