"""The next free start of a service over all clerks of the country, from cold, beside a plain sweep.

Cold is a process that has read nothing yet: no roster, no statement, no calendar. The sweep gets the same
facts from the same database, as sorted lists of integers, and looks for the same start in pure Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from statistics import median

import psycopg

from benchmarks import crowd, data
from benchmarks.figures import Figure
from benchmarks.reading import national
from benchmarks.rounds import say
from benchmarks.worlds import Bench, World, driver_url
from portal import clock
from portal.appointments import availability
from portal.db import db
from portal.offices.models import Service
from portal.scheduling import QUANTUM_MINUTES, instant_of, quantum_of

NAMES = ("next free start over 3,000 clerks",)
LENGTH, WITH_BUFFER, RASTER = 20 // QUANTUM_MINUTES, 30 // QUANTUM_MINUTES, 10 // QUANTUM_MINUTES
"""Quanta of a meeting, the same with its buffer, and of the distance between starts."""
BUSY = """
SELECT clerk_id, (extract(epoch FROM starts_at) / 300)::int
FROM appointment WHERE service_id = 1 AND state IN ('held', 'booked') AND starts_at >= %s
ORDER BY clerk_id, starts_at
"""

Spans = list[tuple[int, int]]


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group."""
    world = national(bench)
    say("next free start over 3,000 clerks and 60 days, each time in a fresh process")
    asked, warm, read, swept = [], [], [], []
    for number in range(1, bench.rounds + 1):
        first, cold_seconds, warm_seconds = _alone(lambda: _ask(world))
        found, reading, sweeping = _alone(lambda: _sweep(world))
        if first != found:
            raise AssertionError(f"the sweep finds {instant_of(found)}, the portal {instant_of(first)}")
        asked.append(cold_seconds)
        warm.append(warm_seconds)
        read.append(reading)
        swept.append(sweeping)
        words = f"asked {cold_seconds:.3f} s cold, {warm_seconds:.4f} s warm"
        say(f"  round {number}: {words}; sweep {sweeping:.3f} s after {reading:.3f} s of reading")
    name = "next free start over 3,000 clerks, beside a sweep"
    both = median(r + s for r, s in zip(read, swept, strict=True))
    # Both begin with nothing but the database, and end with the start.
    yield _faster(name, median(asked), both, ">= 20")
    yield _faster(f"{name} that need not read", median(asked), median(swept))
    yield _faster(f"{name}, both with their facts in memory", median(warm), median(swept))


def _faster(name: str, ours: float, theirs: float, goal: str | None = None) -> Figure:
    return Figure(name, 1 / ours, "answers/s", 1 / theirs, goal)


def _alone(work: Callable[[], tuple[int, float, float]]) -> tuple[int, float, float]:
    """Run in a process of its own, which has inherited nothing that was read before."""
    _, results = crowd.together(1, lambda number: work)
    found: tuple[int, float, float] = results[0]
    return found


def _ask(world: World) -> tuple[int, float, float]:
    """What the portal answers: the start, seconds from cold, and seconds when asked once more."""
    with world.inside():
        db.session.connection()
        rules = world.app.config["PORTAL"].booking
        times = [time.perf_counter()]
        for _ in range(2):
            service = db.session.get_one(Service, 1)
            found = availability.next_start(service, rules)
            times.append(time.perf_counter())
        assert found is not None
        return quantum_of(found), times[1] - times[0], times[2] - times[1]


def _sweep(world: World) -> tuple[int, float, float]:
    with psycopg.connect(driver_url(world.database_url)) as connection:
        begin = time.perf_counter()
        busy = _busy(connection, world.size.clerks)
        between = time.perf_counter()
        days = _working_days()
        found = min(start for taken in busy for start in free_starts(days, taken, _earliest()))
        return found, between - begin, time.perf_counter() - between


def _busy(connection: psycopg.Connection, clerks: int) -> list[Spans]:
    """When each clerk is taken, in order."""
    taken: list[Spans] = [[] for _ in range(clerks)]
    yesterday = (clock.now() - timedelta(days=1)).replace(tzinfo=None)
    with connection.cursor(binary=True) as cursor:
        for clerk, start in cursor.execute(BUSY, (yesterday,)):
            taken[clerk - 1].append((start, start + WITH_BUFFER))
    return taken


def _working_days() -> Spans:
    """When everybody works."""
    starts = (data.starts_of(day) for day in data.open_days(data.DAYS, after=0))
    return [(quantum_of(day[0]), quantum_of(day[-1]) + WITH_BUFFER) for day in starts]


def _earliest() -> int:
    """The first quantum that has not begun."""
    return quantum_of(clock.now()) + 1


def free_starts(
    days: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]], earliest: int
) -> list[int]:
    """All free starts of one clerk: one walk over his days and his sorted appointments together.

    The buffer lies after a meeting, and may reach beyond the end of the day.
    """
    found: list[int] = []
    number = 0
    for begin, end in days:
        free = max(begin, earliest)
        while number < len(taken) and taken[number][0] < end:
            start, until = taken[number]
            found += range(_on_raster(free), start - WITH_BUFFER + 1, RASTER)
            free = max(free, until)
            number += 1
        found += range(_on_raster(free), end - LENGTH + 1, RASTER)
    return found


def _on_raster(quantum: int) -> int:
    return -(-quantum // RASTER) * RASTER
