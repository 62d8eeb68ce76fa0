"""A complete booking over HTTP by one client, beside the bare database, and with a slow mail relay.

Complete is: take the time, open the form of details, send it. The page of times, opened before, is
measured with the other pages that only read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from statistics import median

from benchmarks import data
from benchmarks.bare import BareBookings
from benchmarks.citizen import Deeds, book, times_page
from benchmarks.counting import double_bookings
from benchmarks.figures import Figure
from benchmarks.rounds import interleaved, percentile, say
from benchmarks.servers import Relay
from benchmarks.worlds import Bench

NAMES = ("complete booking over HTTP", "mail relay", "one client on SQLite")
DELAY = 0.010
"""Seconds that the slow relay takes for each reply."""
IN_TURN = 4
"""Bookings one after the other, so that the mail of the first is sent while the last are made."""
LONGEST = 2.0


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group."""
    yield from _beside_bare(bench)
    yield from _with_slow_relay(bench)
    yield from _on_sqlite(bench)


def _beside_bare(bench: Bench) -> Iterator[Figure]:
    world = bench.world("booking")
    client = Client(bench, "booking")
    bare = BareBookings(bench.new_database("bare_booking"))
    many = 20 if bench.quick else 60
    say(f"{many} complete bookings, one client; beside them bare guarded inserts on one connection")
    sides = {
        "bare": lambda: bare.inserts_per_second(bench.seconds),
        "bookings": lambda: many / sum(client.book(many)),
    }
    speeds = interleaved(sides, bench.rounds)
    name = "complete booking over HTTP, one client, beside a bare guarded insert"
    yield Figure(name, speeds["bookings"], "bookings/s", speeds["bare"], ">= 0.10")
    for step in ("hold", "details", "confirm"):
        yield Figure(f"booking, one client: p50 of {step}", median(client.deeds.waits[step]) * 1000, "ms")
        yield Figure(
            f"booking, one client: p95 of {step}", percentile(client.deeds.waits[step], 0.95) * 1000, "ms"
        )
    yield from _correct("", client, double_bookings(world))


def _with_slow_relay(bench: Bench) -> Iterator[Figure]:
    """In short turns, so that the load of the machine is the same for both. The worker lives all the while,
    but has nothing to do in the turns without mail."""
    turns = 10 if bench.quick else 30
    say(f"{turns * IN_TURN} bookings with a relay of {DELAY * 1000:g} ms per reply; beside them without mail")
    with Relay(DELAY) as relay:
        bench.world("mail_off")
        world = bench.world("mail_on", relay=relay)
        off, on = Client(bench, "mail_off"), Client(bench, "mail_on")
        without, with_mail = [], []
        with bench.worker("mail_on"):
            for turn in range(turns + 1):
                without += off.book(IN_TURN)
                with_mail += on.book(IN_TURN)
                relay.await_mails(on.deeds.won)
                if not turn:  # Pages and statements are made when they are first needed.
                    without, with_mail = [], []
    name = "booking with a relay of 10 ms per reply beside mail off, p50"
    yield Figure(name, median(with_mail) * 1000, "ms", median(without) * 1000, "<= 1.05")
    missing = on.deeds.won - len(relay.taken)
    yield Figure("mails that did not arrive for these bookings", missing, "", goal="= 0")
    yield from _correct(" with mail", on, double_bookings(world))


def _on_sqlite(bench: Bench) -> Iterator[Figure]:
    many = 40 if bench.quick else 200
    say(f"{many} bookings of one client on SQLite")
    world = bench.world("booking_sqlite", sqlite=True)
    client = Client(bench, "booking_sqlite")
    waits = client.book(many)
    yield Figure("bookings of one client on SQLite", many / sum(waits), "bookings/s")
    longest = max(wait for of_step in client.deeds.waits.values() for wait in of_step)
    yield Figure("longest wait of one client on SQLite", longest, "s", goal=f"<= {LONGEST:g}")
    yield from _correct(" on SQLite", client, double_bookings(world))


def _correct(where: str, client: Client, doubles: int) -> Iterator[Figure]:
    for strange in sorted(set(client.deeds.strange)):
        say(f"  unexpected: {strange}")
    wrong = client.deeds.errors + client.deeds.lost
    yield Figure(f"double bookings, one client{where}", doubles, "", goal="= 0")
    yield Figure(f"bookings of one client that failed{where}", wrong, "", goal="= 0")


class Client:
    """One client who books free times one after the other, for one citizen after the other."""

    def __init__(self, bench: Bench, name: str) -> None:
        bench.port(name)
        self.bench, self.name = bench, name
        self.deeds = Deeds()
        self._numbers = count()
        self._starts = [(day, start) for day in data.open_days(data.DAYS) for start in data.starts_of(day)]
        self._browser = bench.browser(name, 0)

    def book(self, many: int) -> list[float]:
        """Book so many times; the answer is how long each took in seconds."""
        return [self._one(next(self._numbers)) for _ in range(many)]

    def _one(self, number: int) -> float:
        # Nobody has more than twelve appointments: with many, a citizen's own pages grow.
        if number % data.SLOTS == 0:
            self._browser.close()
            self._browser = self.bench.browser(self.name, number // data.SLOTS)
        day, start = self._starts[number % len(self._starts)]
        hidden = times_page(self._browser, day)
        begin = time.perf_counter()
        book(self._browser, hidden, start, self.deeds)
        return time.perf_counter() - begin
