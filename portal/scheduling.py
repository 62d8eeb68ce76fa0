"""The scheduling engine: working hours + busy time + rules -> free starts, and why there are none.

Pure functions over the standard library; nothing here reads the database or the clock. Time is counted
in quanta of five minutes since 1970-01-01 UTC. A calendar is a Python integer used as a row of bits,
one bit a quantum from the beginning of a `Window`, so that a month of a clerk is a few machine words
and every rule is a shift and an AND.

Wall-clock times are placed by one rule: an hour that happens twice in autumn means its first run, and
an hour that never happens in spring means the same number of minutes after the clock has jumped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUANTUM_MINUTES = 5
QUANTUM = timedelta(minutes=QUANTUM_MINUTES)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Spell:
    """A stretch of a weekly plan, in minutes after midnight on the wall clock."""

    weekday: int
    from_minute: int
    to_minute: int
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """True when the spell belongs to ``day``."""
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True)
class Rules:
    """How one service is booked; all in minutes."""

    minutes: int
    buffer_before: int = 0
    buffer_after: int = 0
    raster: int = 10


@dataclass(frozen=True)
class Window:
    """Some whole days of one time zone; bit 0 of every calendar is the first local midnight."""

    first_day: date
    days: int
    zone: str

    @property
    def first_quantum(self) -> int:
        return quantum_of(self.midnight(0))

    @property
    def length(self) -> int:
        """Quanta in the window; a day has 276, 288 or 300 of them."""
        return quantum_of(self.midnight(self.days)) - self.first_quantum

    def midnight(self, number: int) -> datetime:
        """The instant at which day ``number`` begins, UTC."""
        return wall_clock(self.first_day + timedelta(days=number), 0, self.zone)

    def all_days(self) -> Iterator[date]:
        return (self.first_day + timedelta(days=number) for number in range(self.days))


@dataclass(frozen=True)
class ClerkCalendar:
    """One clerk in a window: when he works, and when he is taken."""

    clerk: int
    office: int
    working: int
    busy: int


@dataclass(frozen=True)
class Explanation:
    """How many starts were left after each stage, summed over the clerks."""

    clerks: int
    within_hours: int
    not_taken: int
    in_time: int


def quantum_of(instant: datetime) -> int:
    """Number of the quantum in which ``instant`` lies. Exact integer arithmetic."""
    return (instant - EPOCH) // QUANTUM


def instant_of(quantum: int) -> datetime:
    """The instant at which a quantum begins, UTC."""
    return EPOCH + quantum * QUANTUM


def wall_clock(day: date, minute: int, zone: str) -> datetime:
    """The instant at which the clocks of ``zone`` show ``minute`` minutes after midnight, UTC.

    ``minute`` may be 1440: the midnight that ends the day.
    """
    day += timedelta(days=minute // 1440)
    minute %= 1440
    local = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    return local.astimezone(UTC)


def bits(first: int, end: int) -> int:
    """A calendar with the bits from ``first`` to before ``end`` set, cut at the window's beginning."""
    first, end = max(first, 0), max(end, 0)
    return ((1 << end) - 1) & ~((1 << first) - 1) if end > first else 0


def working_calendar(spells: Iterable[Spell], closed: frozenset[date], window: Window) -> int:
    """When somebody with these spells works: a bit for each quantum of work."""
    spells = list(spells)
    working = 0
    for day in window.all_days():
        if day in closed:
            continue
        for spell in spells:
            if spell.holds_on(day):
                working |= span(
                    wall_clock(day, spell.from_minute, window.zone),
                    wall_clock(day, spell.to_minute, window.zone),
                    window,
                )
    return working


def span(starts_at: datetime, ends_at: datetime, window: Window) -> int:
    """A calendar of the time between two instants; a quantum that is only touched counts."""
    first = quantum_of(starts_at) - window.first_quantum
    end = -((EPOCH - ends_at) // QUANTUM) - window.first_quantum
    return bits(first, min(end, window.length))


def quanta_taken(quanta: Iterable[int], window: Window) -> int:
    """A calendar of claimed quanta; those outside the window are left out."""
    first, length = window.first_quantum, window.length
    row = bytearray((length + 7) // 8)
    for quantum in quanta:
        offset = quantum - first
        if 0 <= offset < length:
            row[offset >> 3] |= 1 << (offset & 7)
    return int.from_bytes(row, "little")


def raster_calendar(raster: int, window: Window) -> int:
    """The quanta at which an appointment may begin: every ``raster`` minutes from local midnight."""
    step = raster // QUANTUM_MINUTES
    allowed = 0
    for number in range(window.days):
        first = quantum_of(window.midnight(number)) - window.first_quantum
        end = quantum_of(window.midnight(number + 1)) - window.first_quantum
        for offset in range(first, end, step):
            allowed |= 1 << offset
    return allowed


def free_calendar(clerk: ClerkCalendar, rules: Rules, allowed: int) -> int:
    """The quanta at which an appointment under ``rules`` can begin with this clerk.

    The meeting lies within his hours; his time is free from the buffer before to the buffer after.
    """
    within_hours = _runs(clerk.working, _quanta(rules.minutes))
    return allowed & within_hours & ~_collisions(clerk.busy, rules)


def free_starts(
    clerks: Sequence[ClerkCalendar], rules: Rules, window: Window, earliest: datetime, latest: datetime
) -> list[datetime]:
    """Starts between ``earliest`` and ``latest`` at which at least one clerk is free, in order, UTC."""
    allowed = _allowed(rules, window, earliest, latest)
    anybody = 0
    for clerk in clerks:
        anybody |= free_calendar(clerk, rules, allowed)
    return list(_instants(anybody, window))


def free_clerks(
    clerks: Sequence[ClerkCalendar], rules: Rules, window: Window, starts_at: datetime
) -> list[ClerkCalendar]:
    """The clerks with whom an appointment can begin at ``starts_at``."""
    allowed = _allowed(rules, window, starts_at, starts_at)
    return [clerk for clerk in clerks if free_calendar(clerk, rules, allowed)]


def why_none(
    clerks: Sequence[ClerkCalendar], rules: Rules, window: Window, earliest: datetime, latest: datetime
) -> Explanation:
    """Where the starts were lost: hours, taken time, or the limits of time."""
    raster = raster_calendar(rules.raster, window)
    in_time = _allowed(rules, window, earliest, latest)
    within = [raster & _runs(clerk.working, _quanta(rules.minutes)) for clerk in clerks]
    not_taken = [free_calendar(clerk, rules, raster) for clerk in clerks]
    return Explanation(
        clerks=len(clerks),
        within_hours=sum(row.bit_count() for row in within),
        not_taken=sum(row.bit_count() for row in not_taken),
        in_time=sum((row & in_time).bit_count() for row in not_taken),
    )


def claimed_quanta(starts_at: datetime, rules: Rules) -> range:
    """The quanta which an appointment takes of its clerk's time, buffers included."""
    first = quantum_of(starts_at)
    return range(
        first - _quanta(rules.buffer_before),
        first + _quanta(rules.minutes) + _quanta(rules.buffer_after),
    )


def _allowed(rules: Rules, window: Window, earliest: datetime, latest: datetime) -> int:
    first = -((EPOCH - earliest) // QUANTUM) - window.first_quantum
    end = quantum_of(latest) + 1 - window.first_quantum
    return raster_calendar(rules.raster, window) & bits(first, min(end, window.length))


def _collisions(busy: int, rules: Rules) -> int:
    """Starts at which the appointment with its buffers would touch taken time."""
    before, reach = _quanta(rules.buffer_before), _quanta(rules.minutes) + _quanta(rules.buffer_after)
    touched = 0
    for shift in range(reach):
        touched |= busy >> shift
    for shift in range(1, before + 1):
        touched |= busy << shift
    return touched


def _runs(calendar: int, length: int) -> int:
    """The bits at which a run of at least ``length`` set bits begins."""
    result, have = calendar, 1
    while have < length:
        step = min(have, length - have)
        result &= result >> step
        have += step
    return result


def _quanta(minutes: int) -> int:
    """Quanta that hold ``minutes``, rounded up."""
    return -(-minutes // QUANTUM_MINUTES)


def _instants(calendar: int, window: Window) -> Iterator[datetime]:
    first = window.first_quantum
    while calendar:
        lowest = calendar & -calendar
        yield instant_of(first + lowest.bit_length() - 1)
        calendar ^= lowest
