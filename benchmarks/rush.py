"""The day of the rush: new times are released, and 2,000 citizens come within a minute.

They come when they come, however slowly the portal answers the others. Beside it stands the ceiling:
the same visits as fast as the machine can, by few clients that wait for each answer.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from benchmarks import crowd, data
from benchmarks.citizen import TIMES, Deeds, book
from benchmarks.counting import double_bookings
from benchmarks.data import Size
from benchmarks.figures import Figure
from benchmarks.rounds import percentile, say
from benchmarks.worlds import Bench

NAMES = ("rush",)
PROCESSES = 4
CLIENTS = 16
"""Clients with which the ceiling is measured."""
TRIES = 10
"""How often a citizen looks for another time after somebody else was faster."""
STEPS = ("search", "hold", "details", "confirm")

_START = re.compile(r'name="start" value="([^"]+)"')


@dataclass
class Visits:
    """What many citizens did."""

    deeds: Deeds = field(default_factory=Deeds)
    served: int = 0
    without: int = 0
    """They gave up after so many tries."""
    visits: list[float] = field(default_factory=list)
    """Seconds from the first page to the appointment."""
    failures: list[str] = field(default_factory=list)
    last: float = 0.0
    """When the last of them was served, on the clock of the machine."""

    def add(self, other: Visits) -> None:
        self.deeds.add(other.deeds)
        self.served += other.served
        self.without += other.without
        self.visits += other.visits
        self.failures += other.failures
        self.last = max(self.last, other.last)


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group."""
    citizens, seconds = (200, 6.0) if bench.quick else (2_000, 60.0)
    world = bench.world("rush", Size(offices=6, clerks=60))
    bench.port("rush")
    # The first citizens wake the portal, those after them find the ceiling; the last are for the rush.
    _closed(bench, range(32))
    ceiling = _ceiling(bench, range(32, 132 if bench.quick else 432))
    say(f"{citizens} citizens come within {seconds:g} s")
    rush = _rush(bench, citizens, seconds)
    for words in sorted(set(rush.failures + rush.deeds.strange)):
        say(f"  unexpected: {words}")
    name = f"rush of {citizens:,} citizens in {seconds:g} s"
    pace = rush.served / max(rush.last, seconds)
    yield Figure(f"{name}: bookings beside the ceiling of the machine", pace, "bookings/s", ceiling)
    yield from _waits(name, rush)
    yield Figure(f"{name}: errors", len(rush.failures) + rush.deeds.errors, "", goal="= 0")
    yield Figure(f"{name}: citizens without an appointment", rush.without, "", goal="= 0")
    yield Figure(f"{name}: double bookings", double_bookings(world), "", goal="= 0")
    yield Figure(f"{name}: times that somebody else had taken", rush.deeds.lost, "")


def _waits(name: str, rush: Visits) -> Iterator[Figure]:
    waits = {step: rush.deeds.waits.get(step, []) for step in STEPS} | {"whole visit": rush.visits}
    for step, numbers in waits.items():
        for part in (50, 95, 99) if numbers else ():
            yield Figure(f"{name}: {step} p{part}", percentile(numbers, part / 100) * 1000, "ms")


def _ceiling(bench: Bench, citizens: range) -> float:
    """Complete visits per second when citizens come as soon as others are served."""
    say(f"the ceiling: {len(citizens)} visits of {CLIENTS} clients without pauses")
    speed = _closed(bench, citizens)
    say(f"  {speed:.1f} visits/s")
    return speed


def _closed(bench: Bench, citizens: range) -> float:
    def begin(process: int) -> Callable[[], Visits]:
        mine = citizens[process::PROCESSES]
        return lambda: _in_threads(CLIENTS // PROCESSES, _taking_turns(bench, mine))

    seconds, parts = crowd.together(PROCESSES, begin)
    return sum(part.served for part in parts) / seconds


def _rush(bench: Bench, citizens: int, seconds: float) -> Visits:
    first = data.CITIZENS - citizens

    def begin(process: int) -> Callable[[], Visits]:
        dice = random.Random(data.SEED + process)
        mine = range(first + process, first + citizens, PROCESSES)
        arrivals = sorted(dice.uniform(0, seconds) for _ in mine)

        def come() -> Visits:
            start = time.perf_counter()

            def visitor(number: int) -> Visits:
                time.sleep(max(0.0, start + arrivals[number] - time.perf_counter()))
                done = visit(bench, mine[number])
                done.last = time.perf_counter() - start
                return done

            return _in_threads(len(mine), visitor)

        return come

    _, parts = crowd.together(PROCESSES, begin)
    rush = Visits()
    for part in parts:
        rush.add(part)
    return rush


def _in_threads(count: int, work: Callable[[int], Visits]) -> Visits:
    """Each number in a thread of its own, all at once."""
    results = [Visits() for _ in range(count)]

    def run(number: int) -> None:
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = Visits()
    for result in results:
        together.add(result)
    return together


def _taking_turns(bench: Bench, citizens: range) -> Callable[[int], Visits]:
    """What a thread does that serves every fourth of the citizens, one after the other."""

    def work(number: int) -> Visits:
        done = Visits()
        for citizen in citizens[number :: CLIENTS // PROCESSES]:
            done.add(visit(bench, citizen))
        return done

    return work


def visit(bench: Bench, citizen: int) -> Visits:
    """One citizen: search, take one of the times that are shown, tell the details, book."""
    done = Visits()
    browser = bench.browser("rush", citizen)
    dice = random.Random(citizen)
    begin = time.perf_counter()
    try:
        for _ in range(TRIES):
            asked = time.perf_counter()
            page = browser.get(f"{TIMES}?office=any")
            done.deeds.timed("search", asked)
            done.deeds.statuses.append(page.status)
            start = datetime.fromisoformat(dice.choice(_START.findall(page.text)))
            if book(browser, page.hidden_fields(TIMES), start, done.deeds):
                done.served = 1
                done.visits.append(time.perf_counter() - begin)
                break
        else:
            done.without = 1
    except (OSError, LookupError) as error:
        done.failures.append(f"{type(error).__name__} {error}"[:200])
    finally:
        browser.close()
    return done
