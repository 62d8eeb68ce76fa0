"""The booking functions themselves, on every path and from many processes, after a few starts of one day.

A watcher counts double use of anybody's time all the while, and once more when everybody has ended. The
control runs the same with the guard off, and must find some, or the figure would prove nothing.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, bindparam, func, select, text

from benchmarks import crowd, data
from benchmarks.counting import deadlocks, double_bookings
from benchmarks.data import Size
from benchmarks.figures import Figure
from benchmarks.rounds import say
from benchmarks.worlds import Bench, World
from portal.appointments import lifecycle, occupancy
from portal.appointments.lifecycle import Details, NotPossible, TooMany
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import Wish
from portal.config import BookingRules
from portal.db import UtcDateTime, attempt, db, retries
from portal.offices.models import Service
from portal.people.models import Person

NAMES = ("double bookings on all paths", "control", "paths", "attempts")
PROCESSES = 8
CITIZENS = 80
"""They are shared by all processes, so that citizens, too, are wanted at two places at once."""
PLACES = 8
"""Calls at once; fewer than there are clerks, so that places, too, are contested."""
FIRST_STARTS = 18
"""Starts every ten minutes, so that appointments overlap partly, too."""
HOLD_MINUTES = 0.02
"""Holds lapse during the run, and others take their time over."""
LONGEST = 2.0
"""Seconds that a writer may wait on SQLite."""
DETAILS = Details("Μαρία Παπαδοπούλου", "maria@example.gr", "+306900000000", "el", "id_card")


def measure(bench: Bench) -> Iterator[Figure]:
    """All figures of this group: PostgreSQL, the control, SQLite."""
    yield from _on_postgres(bench, 5_000 if bench.quick else 100_000)
    yield from _control(bench)
    # Writers come one after the other there, so less of it says as much.
    yield from _on_sqlite(bench, 1_000 if bench.quick else 10_000)


def _on_postgres(bench: Bench, attempts: int) -> Iterator[Figure]:
    world = bench.world("paths", Size(places=PLACES))
    say(f"{attempts} attempts on all paths from {PROCESSES} processes")
    before = deadlocks(world)
    result = run(world, attempts)
    time.sleep(1.5)  # PostgreSQL counts with a delay of a second.
    yield from _told("", attempts, result)
    yield Figure("deadlocks on all paths", deadlocks(world) - before, "")


def _on_sqlite(bench: Bench, attempts: int) -> Iterator[Figure]:
    world = bench.world("paths_sqlite", Size(places=PLACES), sqlite=True)
    say(f"{attempts} attempts on SQLite")
    result = run(world, attempts)
    yield from _told(" on SQLite", attempts, result)
    yield Figure("longest wait of a writer on SQLite, all paths", result.longest, "s", goal=f"<= {LONGEST:g}")


def _told(where: str, attempts: int, result: Result) -> Iterator[Figure]:
    for words in sorted(result.strange):
        say(f"  unexpected: {words}")
    say(f"  {result.in_words()}")
    yield Figure(
        f"double bookings on all paths, {attempts:,} attempts{where}", result.doubles, "", goal="= 0"
    )
    yield Figure(f"errors on all paths{where}", len(result.strange), "", goal="= 0")
    yield Figure(f"attempts on all paths, {PROCESSES} processes{where}", result.per_second, "attempts/s")
    yield Figure(f"work done anew on all paths{where}", result.retries, "")


def _control(bench: Bench) -> Iterator[Figure]:
    """Not on SQLite: writers come there one after the other, so that looking first is enough."""
    world = bench.world("control", Size(places=PLACES))
    attempts = 300 if bench.quick else 2_000
    say(f"control: {attempts} attempts without the guard")
    with world.inside(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE claim DROP CONSTRAINT pk_claim"))
        connection.execute(text("CREATE INDEX unguarded ON claim (resource, quantum)"))
    result = run(world, attempts, prepare=without_guard)
    say(f"  {result.in_words()}")
    yield Figure("control: sold more than once without the guard", result.doubles, "", goal=">= 1")


@dataclass
class Result:
    """What all processes did together."""

    seconds: float = 0.0
    doubles: int = 0
    """The most that were seen at one moment."""
    sweeps: int = 0
    won: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    """Errors that nobody expects."""
    longest: float = 0.0
    """Seconds that the slowest attempt took."""
    retries: int = 0

    @property
    def per_second(self) -> float:
        return (self.won.total() + self.lost.total()) / self.seconds

    def add(self, other: Result) -> None:
        self.won += other.won
        self.lost += other.lost
        self.strange += other.strange
        self.longest = max(self.longest, other.longest)
        self.retries += other.retries
        self.sweeps += other.sweeps
        self.doubles = max(self.doubles, other.doubles)

    def in_words(self) -> str:
        deeds = ", ".join(f"{deed} {self.won[deed]}/{self.won[deed] + self.lost[deed]}" for deed in DEEDS)
        return (
            f"{self.per_second:.0f} attempts/s, slowest {self.longest:.2f} s, {self.retries} done anew; "
            f"won {deeds}; {self.doubles} doubles in {self.sweeps} sweeps"
        )


def run(world: World, attempts: int, prepare: Callable[[], None] = lambda: None) -> Result:
    """Let the processes try so often in all, and count meanwhile. ``prepare`` is called in each of them."""
    left = multiprocessing.get_context("fork").Value("l", attempts)

    def begin(number: int) -> Callable[[], Result]:
        if number == PROCESSES:
            return lambda: _watch(world, left)
        prepare()
        return lambda: _take_part(world, number, left)

    seconds, parts = crowd.together(PROCESSES + 1, begin)
    result = Result(seconds, double_bookings(world), 1)
    for part in parts:
        result.add(part)
    return result


def _watch(world: World, left: Any) -> Result:
    seen = Result()
    while left.value > 0:
        seen.doubles = max(seen.doubles, double_bookings(world))
        seen.sweeps += 1
        time.sleep(1)
    return seen


def _take_part(world: World, number: int, left: Any) -> Result:
    result = Result()
    with world.inside():
        party = Party(world, random.Random(data.SEED + number))
        before = retries()
        while _one_more(left):
            deed = party.dice.choices(list(DEEDS), WEIGHTS)[0]
            begin = time.perf_counter()
            try:
                (result.won if DEEDS[deed](party) else result.lost)[deed] += 1
            except (TimeTaken, NotPossible, TooMany):
                result.lost[deed] += 1
            except Exception as error:
                result.strange.append(f"{deed}: {type(error).__name__} {error}"[:300])
            db.session.rollback()
            result.longest = max(result.longest, time.perf_counter() - begin)
        result.retries = retries() - before
    return result


def _one_more(left: Any) -> bool:
    with left.get_lock():
        left.value -= 1
        return bool(left.value >= 0)


class Party:
    """One process: whom it books for, and when."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.dice = dice
        self.rules: BookingRules = world.app.config["PORTAL"].booking
        self.short = self.rules.model_copy(update={"hold_minutes": HOLD_MINUTES})
        self.first_citizen = world.size.first_citizen
        first = data.starts_of(data.open_days(1, after=3)[0])[0]
        self.starts = [first + timedelta(minutes=10 * number) for number in range(FIRST_STARTS)]

    def citizen(self) -> Person:
        return db.session.get_one(Person, self.first_citizen + self.dice.randrange(CITIZENS))

    def clerk(self) -> Person:
        return db.session.get_one(Person, 1 + self.dice.randrange(data.OWN_CLERKS))

    def one(self, state: str) -> Appointment | None:
        """Any appointment in this state, whoever made it."""
        rows = select(Appointment).where(Appointment.state == state)
        return db.session.scalar(rows.order_by(func.random()).limit(1))

    def hold(self, rules: BookingRules, citizen: Person | None, wish: Wish | None = None) -> Appointment:
        service = db.session.get_one(Service, 1)
        return lifecycle.hold(service, rules, None, self.dice.choice(self.starts), citizen, "el", wish)


def _hold(party: Party) -> bool:
    attempt(lambda: party.hold(party.short, party.citizen()))
    return True


def _book(party: Party, wish: Wish | None = None) -> bool:
    """As on the pages: the time in one transaction, the rest in a second one."""
    citizen = party.citizen()
    held = attempt(lambda: party.hold(party.short, citizen, wish))
    attempt(lambda: lifecycle.confirm(held, party.rules, citizen, DETAILS, citizen))
    return True


def _book_interpreted(party: Party) -> bool:
    return _book(party, Wish(interpreted=True))


def _book_as_staff(party: Party) -> bool:
    def book() -> None:
        row = party.hold(party.rules, None, Wish(by_staff=True))
        lifecycle.confirm(row, party.rules, None, DETAILS, party.clerk())

    attempt(book)
    return True


def _confirm(party: Party) -> bool:
    """Somebody's hold, which may have lapsed and be another's by now."""
    held = party.one("held")
    if held is None:
        return False
    attempt(lambda: lifecycle.confirm(held, party.rules, held.citizen, DETAILS, held.citizen))
    return True


def _move(party: Party) -> bool:
    row, start = party.one("booked"), party.dice.choice(party.starts)
    if row is None:
        return False
    attempt(lambda: lifecycle.move(row, party.rules, None, start, row.citizen or party.clerk()))
    return True


def _cancel(party: Party) -> bool:
    row = party.one("booked")
    if row is None:
        return False
    attempt(lambda: lifecycle.cancel(row, party.rules, party.clerk()))
    return True


DEEDS: dict[str, Callable[[Party], bool]] = {
    "book": _book,
    "hold": _hold,
    "confirm": _confirm,
    "interpreted": _book_interpreted,
    "staff": _book_as_staff,
    "move": _move,
    "cancel": _cancel,
}
WEIGHTS = (6, 3, 2, 3, 6, 6, 2)
"""Much more is wanted than given back, so that nearly every time that is free has several takers."""


def without_guard() -> None:
    """In this process claims are written whether or not somebody has the time: the control."""
    occupancy._insertion = _unguarded


@lru_cache(maxsize=64)
def _unguarded(count: int) -> TextClause:
    rows = ", ".join(f"(:resource_{n}, :quantum_{n}, :appointment_id, :expires_at)" for n in range(count))
    return text(
        f"INSERT INTO claim (resource, quantum, appointment_id, expires_at) VALUES {rows} "
        "RETURNING resource, quantum"
    ).bindparams(bindparam("expires_at", type_=UtcDateTime))
