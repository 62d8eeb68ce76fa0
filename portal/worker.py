"""The processes behind the pages: `work` does what is nudged, `dispatch` nudges what is due.

Both are started by `portal.cli`, survive a store or a database that is away, and stop on SIGTERM.
Each worker listens on one queue: rq 3.0 can lose a job when one worker listens on two.
"""

from __future__ import annotations

import signal
import sys
import time
from datetime import timedelta
from multiprocessing.sharedctypes import RawValue
from types import FrameType
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import Worker
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, due, housekeeping, mail, outbox, queues
from portal.db import db, transaction

log = structlog.get_logger()

ROUND = 1.0
"""Seconds between two rounds of the dispatcher."""
LONGEST_WAIT = 10.0
"""Seconds between two tries while the store or the database is away."""
FULL = 200
"""A queue that is so long is not fed: its rows would be put there again and again while they wait."""
CLEANING = timedelta(hours=1)
"""How often rows that were done long ago are deleted, and today's lists of points ordered."""

AT_ONCE = 20
"""So many due rows a child looks up at a time."""

_app: Flask | None = None
"""The application of this worker process; set before the fork, used by the child."""
_in_hand = RawValue("q", 0)
"""The row that the child works on, 0 for none. Memory of both processes, as the next one too."""
_ending = RawValue("b", 0)
"""The parent was asked to stop: the child begins no other row."""


def run(row_id: int, queue: str = "") -> None:
    """Do one row, then others of the same queue that are due. Called by rq in a child process of a worker."""
    if _app is None:
        raise RuntimeError("portal.worker.run belongs inside a worker process")
    _leave_connections_of_the_parent(_app)
    end = time.monotonic() + queues.BURST.total_seconds()
    with mail.on_one_line():
        _do(_app, int(row_id))
        while queue and (rows := _due(_app, queue)):
            for other in rows:
                if _ending.value or time.monotonic() >= end:
                    return
                _do(_app, other)


def _do(app: Flask, row_id: int) -> None:
    _in_hand.value = row_id
    with app.app_context():
        outbox.run(row_id)
    _in_hand.value = 0


def _due(app: Flask, queue: str) -> list[int]:
    with app.app_context():
        return [row_id for row_id, _ in outbox.due(AT_ONCE, queue)]


def work(app: Flask, queue: str) -> None:
    """Do the work of one queue until SIGTERM; the row in hand is finished first."""
    global _app
    _app = app
    _leave_connections_of_the_parent(app)
    stop = _Stop()
    wait = ROUND
    while not stop.requested:
        try:
            worker = _worker(app, queue, stop)
            stop.stand_back()
            wait = ROUND
            worker.work(logging_level="WARNING", with_scheduler=False)
        except RedisError as error:
            log.warning("store away, worker waits", queue=queue, error=type(error).__name__)
        stop.listen()
        stop.pause(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def dispatch(app: Flask) -> None:
    """Put due rows before the workers, round after round, until SIGTERM. Two at once do no harm."""
    _leave_connections_of_the_parent(app)
    stop = _Stop()
    wait = ROUND
    cleaned = None
    while not stop.requested:
        try:
            with app.app_context():
                dispatch_once(app)
                if cleaned is None or clock.now() - cleaned >= CLEANING:
                    housekeeping.tidy()
                    cleaned = clock.now()
            wait = ROUND
        except (RedisError, SQLAlchemyError) as error:
            log.warning("dispatcher waits", error=type(error).__name__)
            wait = min(wait * 2, LONGEST_WAIT)
        stop.pause(wait)


def dispatch_once(app: Flask) -> int:
    """One round. Raises RedisError when the store is away; the rows are then as unheard as before."""
    store = queues.store(app)
    count = 0
    for name in queues.QUEUES:
        room = FULL - queues.queue(name, store).count
        rows = due.to_nudge(name, room) if room > 0 else []
        # Nothing is held while talking to the store. If this process dies before the mark, the rows are
        # put there twice, which is harmless: only one worker can claim them.
        db.session.rollback()
        if rows:
            queues.enqueue(rows, store)
            with transaction():
                due.mark_nudged(row_id for row_id, _ in rows)
        count += len(rows)
    return count


class RowWorker(Worker):
    """rq's worker, which tells us when it was asked to stop."""

    stop: _Stop

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stop.requested = True
        _ending.value = 1
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def _worker(app: Flask, queue: str, stop: _Stop) -> RowWorker:
    store = Redis.from_url(app.config["PORTAL"].redis_url, socket_connect_timeout=5)
    worker = RowWorker(
        [queues.queue(queue, store)],
        connection=store,
        job_class=queues.RowJob,
        serializer=JSONSerializer,
        # rq's own values let a job of a killed worker lie for twelve minutes.
        maintenance_interval=60,
        job_monitoring_interval=10,
        log_job_description=False,
        work_horse_killed_handler=_release_after_crash,
    )
    worker.stop = stop
    return worker


def _release_after_crash(job: Job, pid: int, status: int, usage: Any) -> None:
    """The child died, out of memory perhaps: its row need not wait for the end of the lease."""
    row_id, _in_hand.value = _in_hand.value, 0
    if _app is None or not row_id:
        return
    try:
        with _app.app_context():
            with transaction():
                outbox.release(row_id)
            db.engine.dispose()
    except SQLAlchemyError as error:
        log.warning("row stays claimed until its lease ends", error=type(error).__name__)


def _leave_connections_of_the_parent(app: Flask) -> None:
    """A forked process makes its own; closing the others here would close them for the parent."""
    with app.app_context():
        db.engine.dispose(close=False)


class _Stop:
    """Remembers that the process was asked to end."""

    def __init__(self) -> None:
        self.requested = False
        self.listen()

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def stand_back(self) -> None:
        """rq sets handlers of its own; until it does, nothing is in hand and a signal ends the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: sys.exit(0))

    def pause(self, seconds: float) -> None:
        """Sleep, in naps short enough to end soon after a signal."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _request(self, signum: int, frame: FrameType | None) -> None:
        self.requested = True
