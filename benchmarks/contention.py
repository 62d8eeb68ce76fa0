"""32 clients want the same twelve starts of ten clerks over HTTP: nobody's time may be sold twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from statistics import median

from benchmarks import crowd, data
from benchmarks.bare import LENGTH, BareBookings
from benchmarks.citizen import Deeds, fill_in, take, times_page
from benchmarks.counting import booked, deadlocks, double_bookings
from benchmarks.figures import Figure
from benchmarks.rounds import say
from benchmarks.worlds import Bench

NAMES = ("double bookings", "booked exactly", "deadlocks", "server errors", "slowest attempt", "32 fighting")
CLIENTS = 32
BARE_STARTS = 264
"""The bare statement would be through with twelve before all processes have begun."""
LONGEST = 2.0
"""Seconds that an attempt may take at most."""


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group, on PostgreSQL and then on SQLite."""
    yield from _on_postgres(bench)
    yield from _on_sqlite(bench)


def _on_postgres(bench: Bench) -> Iterator[Figure]:
    world = bench.world("contention")
    bare = BareBookings(bench.new_database("bare_contention"))
    before = deadlocks(world)
    runs, speeds = [], []
    say("32 clients, 12 starts, 10 clerks; beside them the bare statement with 32 processes")
    for number, day in enumerate(_days(bench)):
        runs.append(Run.of(bench, "contention", number, day))
        speeds.append(bare.fight(CLIENTS, [LENGTH * slot for slot in range(BARE_STARTS)]))
        say(f"  run {number + 1}: {runs[-1].in_words()}; bare {speeds[-1]:.0f} attempts/s")
    time.sleep(1.5)  # PostgreSQL counts with a delay of a second.
    yield from _correct("", runs, double_bookings(world))
    yield Figure("deadlocks, 32 clients", deadlocks(world) - before, "", goal="= 0")
    yield Figure("slowest attempt, 32 clients", max(run.slowest for run in runs), "s", goal=f"<= {LONGEST:g}")
    speed = median(run.per_second for run in runs)
    yield Figure(
        "32 fighting over HTTP beside the bare statement", speed, "attempts/s", median(speeds), ">= 0.20"
    )


def _on_sqlite(bench: Bench) -> Iterator[Figure]:
    world = bench.world("contention_sqlite", sqlite=True)
    say("the same on SQLite")
    runs = []
    for number, day in enumerate(_days(bench)):
        runs.append(Run.of(bench, "contention_sqlite", number, day))
        say(f"  run {number + 1}: {runs[-1].in_words()}")
    yield from _correct(" on SQLite", runs, double_bookings(world))
    longest = max(run.longest_request for run in runs)
    yield Figure("longest wait of a writer on SQLite, 32 clients", longest, "s", goal=f"<= {LONGEST:g}")


def _correct(where: str, runs: list[Run], doubles: int) -> Iterator[Figure]:
    wrong = sum(abs(run.booked - data.SLOTS * data.OWN_CLERKS) for run in runs)
    errors = sum(deeds.errors for run in runs for deeds in run.deeds)
    for strange in sorted({words for run in runs for deeds in run.deeds for words in deeds.strange}):
        say(f"  unexpected: {strange}")
    yield Figure(f"double bookings, 32 clients{where}", doubles, "", goal="= 0")
    yield Figure(f"booked beside capacity, double or missing, 32 clients{where}", wrong, "", goal="= 0")
    yield Figure(f"server errors, 32 clients{where}", errors, "", goal="= 0")


def _days(bench: Bench) -> list[date]:
    return data.open_days(3 if bench.quick else 10, after=3)


@dataclass
class Fight(Deeds):
    """What one client did, and when it fought."""

    began: float = 0.0
    ended: float = 0.0
    """When all times were taken or lost; the forms of details are filled in after that."""


class Run:
    """One day for which all clients fight: each tries each start once, in a session of its own."""

    def __init__(self, deeds: list[Fight], count: int) -> None:
        self.deeds, self.booked = deeds, count

    @classmethod
    def of(cls, bench: Bench, name: str, number: int, day: date) -> Run:
        """Let the clients run; each run has its own citizens and its own day."""
        bench.port(name)
        starts = data.starts_of(day)

        def prepare(client: int) -> Callable[[], Fight]:
            browser = bench.browser(name, number * CLIENTS + client)
            logged_in = browser.cookies
            sessions = []
            for _ in starts:
                browser.cookies = dict(logged_in)
                hidden = times_page(browser, day)
                sessions.append((browser.cookies, hidden))

            def fight() -> Fight:
                deeds, won = Fight(began=time.perf_counter()), []
                for (cookies, hidden), start in zip(sessions, starts, strict=True):
                    browser.cookies = cookies
                    if take(browser, hidden, start, deeds):
                        won.append(cookies)
                deeds.ended = time.perf_counter()
                for cookies in won:
                    browser.cookies = cookies
                    begin = time.perf_counter()
                    fill_in(browser, deeds)
                    deeds.timed("form", begin)
                return deeds

            return fight

        _, deeds = crowd.together(CLIENTS, prepare)
        return cls(deeds, booked(bench.world(name), starts[0], starts[-1]))

    @property
    def per_second(self) -> float:
        """Attempts to take a time, all clients together."""
        seconds = max(deeds.ended for deeds in self.deeds) - min(deeds.began for deeds in self.deeds)
        return CLIENTS * data.SLOTS / seconds

    @property
    def slowest(self) -> float:
        """Seconds from the click on a time to the booked appointment, without what the citizen types."""
        return max(max(d.waits["hold"]) + max(d.waits.get("form", (0.0,))) for d in self.deeds)

    @property
    def longest_request(self) -> float:
        return max(
            wait
            for deeds in self.deeds
            for step, waits in deeds.waits.items()
            if step != "form"
            for wait in waits
        )

    def in_words(self) -> str:
        won = sum(deeds.won for deeds in self.deeds)
        speed = f"{self.per_second:.0f} attempts/s, slowest {self.slowest:.2f} s"
        return f"{self.booked} booked ({won} told so), {speed}"
