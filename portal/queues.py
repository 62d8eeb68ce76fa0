"""The queues in the store: what they are called, how long their work may take, and the nudge.

A nudge is only the number of an outbox row. A lost nudge delays the row by a minute, nothing else, so
nobody who nudges ever fails because the store is away.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

log = structlog.get_logger()

RUN = "portal.worker.run"
"""The only function that a worker ever calls."""
KEPT_FAILURES = timedelta(days=7)
KEPT_RESULTS = timedelta(minutes=1)
PATIENCE = timedelta(seconds=5)
"""A store that was away is not asked again for so long: a page must not wait for it at each row."""


@dataclass(frozen=True)
class Pace:
    """Times of one queue: after a failed attempt wait ``first``, then double, up to ``longest``."""

    limit: timedelta
    """Work that takes longer is broken off. More than a provider may take (60 s), or two for deliveries."""
    first: timedelta
    longest: timedelta


BURST = timedelta(seconds=5)
"""For so long a worker's child goes on with other due rows of its queue; to begin is its slowest part."""
QUEUES = {
    "video": Pace(limit=timedelta(seconds=65), first=timedelta(seconds=2), longest=timedelta(seconds=20)),
    "mail": Pace(limit=timedelta(seconds=65), first=timedelta(seconds=15), longest=timedelta(hours=1)),
    "delivery": Pace(limit=timedelta(seconds=125), first=timedelta(seconds=30), longest=timedelta(hours=1)),
    "events": Pace(limit=timedelta(seconds=65), first=timedelta(seconds=30), longest=timedelta(hours=1)),
}


class RowJob(Job):
    """Runs `RUN` and nothing else, whatever a job in the store claims to be."""

    @property
    def func(self) -> Any:
        if self.func_name != RUN:
            raise PermissionError(f"a job may only call {RUN}")
        return import_attribute(RUN)

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, status: Any, *, exc_string: str | None = None) -> None:
        """Never: the portal posts none, so one that is there was put there by somebody else."""


def queue(name: str, store: Redis) -> Queue:
    """The queue ``name``: plain JSON, because a pickle would run the code of whoever wrote it."""
    return Queue(name, connection=store, serializer=JSONSerializer, job_class=RowJob)


def enqueue(rows: Iterable[tuple[int, str]], store: Redis) -> None:
    """Put (row id, queue name) pairs before the workers. Raises RedisError when the store is away."""
    for row_id, name in rows:
        queue(name, store).enqueue_call(
            RUN,
            args=(row_id, name),
            timeout=int((QUEUES[name].limit + BURST).total_seconds()),
            result_ttl=int(KEPT_RESULTS.total_seconds()),
            failure_ttl=int(KEPT_FAILURES.total_seconds()),
            description=f"outbox row {row_id}",
        )


def nudge(rows: Iterable[tuple[int, str]]) -> None:
    """Tell the workers at once. When the store is away, log it and go on: the rows wait."""
    state = _state(current_app)
    if time.monotonic() < state.away_until:
        return
    try:
        enqueue(rows, state.store)
    except RedisError as error:
        state.away_until = time.monotonic() + PATIENCE.total_seconds()
        log.warning("store away, work waits", error=type(error).__name__)


def store(app: Flask) -> Redis:
    """The store for short questions: answers soon or raises RedisError."""
    return _state(app).store


@dataclass
class _Store:
    store: Redis
    away_until: float = 0.0


def _state(app: Flask) -> _Store:
    state: _Store | None = app.extensions.get("portal.store")
    if state is None:
        connection = Redis.from_url(
            app.config["PORTAL"].redis_url,
            socket_connect_timeout=1,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )
        state = app.extensions["portal.store"] = _Store(connection)
    return state
