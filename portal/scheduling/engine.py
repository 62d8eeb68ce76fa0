"""Free starts: calendars of everybody who is needed + busy time + rules -> when a meeting can begin.

Pure functions over the standard library; nothing here reads the database or the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from portal.scheduling.quanta import (
    QUANTUM_MINUTES,
    Window,
    bits,
    quanta_in,
    quantum_after,
    quantum_of,
)


@dataclass(frozen=True)
class Rules:
    """How the time of one person is taken by a meeting; all in minutes."""

    minutes: int
    buffer_before: int = 0
    buffer_after: int = 0
    raster: int = 10


@dataclass(frozen=True)
class Calendar:
    """One person (or place) in a window: when he works, and when he is taken."""

    owner: int
    office: int
    working: int
    busy: int


@dataclass(frozen=True)
class Pool:
    """Calendars of which some must be free at once: the clerks of an office, the interpreters, the places."""

    calendars: Sequence[Calendar]
    rules: Rules
    needed: int = 1


@lru_cache(maxsize=256)
def raster_calendar(raster: int, window: Window) -> int:
    """The quanta at which an appointment may begin: every ``raster`` minutes from local midnight."""
    step = raster // QUANTUM_MINUTES
    allowed = 0
    for first, end in zip(window.midnights, window.midnights[1:], strict=False):
        day = sum(1 << offset for offset in range(0, end - first, step))
        allowed |= day << (first - window.midnights[0])
    return allowed


def limits_calendar(window: Window, earliest: datetime, latest: datetime) -> int:
    """The quanta that begin between two instants, both included."""
    first = quantum_after(earliest) - window.first_quantum
    end = quantum_of(latest) + 1 - window.first_quantum
    return bits(first, min(end, window.length))


def fitting(working: int, rules: Rules) -> int:
    """The quanta at which a meeting can begin so that it lies within working time. Buffers need not."""
    return _runs(working, quanta_in(rules.minutes))


def collisions(busy: int, rules: Rules) -> int:
    """Starts at which the meeting with its buffers would touch taken time."""
    before = quanta_in(rules.buffer_before)
    length = before + quanta_in(rules.minutes) + quanta_in(rules.buffer_after)
    touched, have = busy << before, 1
    while have < length:
        step = min(have, length - have)
        touched |= touched >> step
        have += step
    return touched


def free_calendar(calendar: Calendar, rules: Rules) -> int:
    """The quanta at which a meeting can begin with one person: his hours hold it, and his time is free
    from the buffer before to the buffer after."""
    return fitting(calendar.working, rules) & ~collisions(calendar.busy, rules)


def enough(rows: Iterable[int], needed: int) -> int:
    """The bits that are set in at least ``needed`` of the rows."""
    counted = [0] * needed
    for row in rows:
        for number in range(needed - 1, 0, -1):
            counted[number] |= counted[number - 1] & row
        counted[0] |= row
    return counted[-1]


def free_of_pool(pool: Pool) -> int:
    """The quanta at which enough of a pool are free."""
    return enough((free_calendar(calendar, pool.rules) for calendar in pool.calendars), pool.needed)


def free_of_all(pools: Iterable[Pool]) -> int:
    """The quanta at which every pool has enough who are free.

    Exact as long as nobody stands in two pools: whether somebody is free at a start depends on his own
    calendar alone.
    """
    free = -1
    for pool in pools:
        free &= free_of_pool(pool)
    return free


def claimed_quanta(starts_at: datetime, rules: Rules) -> range:
    """The quanta which a meeting takes of somebody's time, buffers included."""
    first = quantum_of(starts_at)
    return range(
        first - quanta_in(rules.buffer_before),
        first + quanta_in(rules.minutes) + quanta_in(rules.buffer_after),
    )


def meetings_that_fit(free: int, rules: Rules) -> int:
    """How many meetings one after the other these free starts give room for."""
    distance = quanta_in(rules.buffer_before) + quanta_in(rules.minutes) + quanta_in(rules.buffer_after)
    count = 0
    while free:
        first = (free & -free).bit_length() - 1
        free = free >> (first + distance) << (first + distance)
        count += 1
    return count


def _runs(calendar: int, length: int) -> int:
    """The bits at which a run of at least ``length`` set bits begins."""
    result, have = calendar, 1
    while have < length:
        step = min(have, length - have)
        result &= result >> step
        have += step
    return result
