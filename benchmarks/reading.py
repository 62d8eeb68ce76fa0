"""Free times of a month and of a day, beside an empty page on the same kind of server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks import data
from benchmarks.client import Browser
from benchmarks.data import FIRST_OFFICE, SERVICE, Size
from benchmarks.figures import Figure
from benchmarks.load import awaken, hammer
from benchmarks.rounds import Speed, interleaved, percentile, say
from benchmarks.worlds import Bench, World

NAMES = ("month", "day", "half full", "3,000 clerks", "1 million past")
EMPTY_PAGE = "empty page"
TURNS = 8
"""Short ones within each round: a page is asked for and the empty one, and again."""


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group."""
    half_full(bench)
    yield from _beside_empty_page(bench)
    yield from _beside_others(bench)


def half_full(bench: Bench) -> None:
    """Ten clerks of one office, half of their time taken."""
    bench.world("half", Size(booked=0.5))


def national(bench: Bench) -> World:
    """All offices of the country; half of everybody's time is taken."""
    elsewhere = 0.05 if bench.quick else 0.5
    return bench.world("national", Size(1023, 3000, booked=0.5, booked_elsewhere=elsewhere))


def pages(office: str = "any") -> Mapping[str, tuple[str, str]]:
    """The addresses that are asked for, by what they are, each with its goal."""
    first = data.open_days(1)[0]
    day = data.open_days(1, after=7)[0]
    base = f"/services/{SERVICE}"
    return {
        "month of 30 days, JSON": (f"{base}/free.json?office={office}&from={first}&days=30", ">= 0.20"),
        "month of 30 days, HTML": (f"{base}/month?office={office}&month={day:%Y-%m}", ">= 0.10"),
        "one day, JSON": (f"{base}/free.json?office={office}&from={day}&days=1", ">= 0.30"),
        "one day, HTML": (f"{base}/times?office={office}&day={day}", ">= 0.12"),
    }


def _beside_empty_page(bench: Bench) -> Iterator[Figure]:
    port, empty = bench.port("half"), bench.port(EMPTY_PAGE)
    offered = {name: page for name, page in pages().items() if is_there(port, page[0])}
    say("pages beside the empty page, requests/s on 8 connections")
    sides = {EMPTY_PAGE: _asking(empty, "/", bench.seconds / TURNS)}
    sides |= {name: _asking(port, path, bench.seconds / TURNS) for name, (path, _) in offered.items()}
    speeds = interleaved(sides, bench.rounds, TURNS)
    for name, (_, goal) in offered.items():
        yield Figure(f"{name} beside an empty page", speeds[name], "requests/s", speeds[EMPTY_PAGE], goal)
    for name, (path, _) in offered.items():
        waits = hammer(port, path, bench.seconds).waits
        yield Figure(f"{name}: p95 on 8 connections", percentile(waits, 0.95) * 1000, "ms")


def _beside_others(bench: Bench) -> Iterator[Figure]:
    """The same month where there is more, or less, in the database."""
    path = pages(FIRST_OFFICE)["month of 30 days, JSON"][0]
    if not is_there(bench.port("half"), path):
        return
    bench.world("bare")
    national(bench)
    bench.world("old", Size(booked=0.5, past=50_000 if bench.quick else 1_000_000))
    say("one office's month in databases of other sizes, requests/s")
    sides = {
        name: _asking(bench.port(name), path, bench.seconds / TURNS)
        for name in ("half", "bare", "national", "old")
    }
    speeds = interleaved(sides, bench.rounds, TURNS)
    past = "50,000 past appointments (quick)" if bench.quick else "1 million past appointments"
    yield Figure("half-full beside empty calendar", speeds["half"], "requests/s", speeds["bare"], ">= 0.6")
    yield Figure("3,000 clerks beside 10", speeds["national"], "requests/s", speeds["half"], ">= 0.9")
    yield Figure(f"{past} beside none", speeds["old"], "requests/s", speeds["half"], ">= 0.95")


def _asking(port: int, path: str, seconds: float) -> Speed:
    awaken(port, path)
    return lambda: hammer(port, path, seconds).per_second


def is_there(port: int, path: str) -> bool:
    """False for a page that this version of the portal does not have; said on standard error."""
    browser = Browser(port)
    status = browser.get(path).status
    browser.close()
    if status != 200:
        say(f"LEFT OUT: {path} answers {status}")
    return status == 200
