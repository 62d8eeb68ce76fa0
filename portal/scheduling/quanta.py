"""Time as numbers: quanta of five minutes, and windows of whole local days.

A calendar is a Python integer used as a row of bits, one bit a quantum from the beginning of a `Window`,
so that a month of a clerk is a few machine words and every rule is a shift and an AND.

Wall-clock times are placed by one rule: an hour that happens twice in autumn means its first run, and
an hour that never happens in spring means the same number of minutes after the clock has jumped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

QUANTUM_MINUTES = 5
QUANTUM = timedelta(minutes=QUANTUM_MINUTES)
DAY_QUANTA = 288
"""Quanta of a day on which the clock does not change, and of every UTC day."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quantum_of(instant: datetime) -> int:
    """Number of the quantum in which ``instant`` lies. Exact integer arithmetic."""
    return (instant - EPOCH) // QUANTUM


def quantum_after(instant: datetime) -> int:
    """Number of the first quantum that begins at ``instant`` or later."""
    return -((EPOCH - instant) // QUANTUM)


def instant_of(quantum: int) -> datetime:
    """The instant at which a quantum begins, UTC."""
    return EPOCH + quantum * QUANTUM


def quanta_in(minutes: int) -> int:
    """Quanta that hold ``minutes``, rounded up."""
    return -(-minutes // QUANTUM_MINUTES)


def wall_clock(day: date, minute: int, zone: str) -> datetime:
    """The instant at which the clocks of ``zone`` show ``minute`` minutes after midnight, UTC.

    ``minute`` may be 1440: the midnight that ends the day.
    """
    day += timedelta(days=minute // 1440)
    minute %= 1440
    local = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    return local.astimezone(UTC)


@dataclass(frozen=True)
class Window:
    """Some whole days of one time zone; bit 0 of every calendar is the first local midnight."""

    first_day: date
    days: int
    zone: str

    @cached_property
    def midnights(self) -> tuple[int, ...]:
        """The quanta at which the days begin, and the one at which the last day ends."""
        days = (self.first_day + timedelta(days=number) for number in range(self.days + 1))
        return tuple(quantum_of(wall_clock(day, 0, self.zone)) for day in days)

    @property
    def first_quantum(self) -> int:
        return self.midnights[0]

    @property
    def length(self) -> int:
        """Quanta in the window; a day has 276, 288 or 300 of them."""
        return self.midnights[-1] - self.midnights[0]

    def midnight(self, number: int) -> datetime:
        """The instant at which day ``number`` begins, UTC; -1 is the end of the window."""
        return instant_of(self.midnights[number])

    def number_of(self, day: date) -> int:
        """The number of ``day`` in this window, from 0; outside of it when negative or too great."""
        return (day - self.first_day).days

    def all_days(self) -> Iterator[date]:
        return (self.first_day + timedelta(days=number) for number in range(self.days))

    def bits_of_day(self, number: int, calendar: int) -> int:
        """The part of ``calendar`` that is day ``number``; its bit 0 is the midnight of that day."""
        first = self.midnights[number] - self.midnights[0]
        length = self.midnights[number + 1] - self.midnights[number]
        return (calendar >> first) & ((1 << length) - 1)

    def clock_changes_on(self, number: int) -> bool:
        """True for the days with 23 or 25 hours."""
        return self.midnights[number + 1] - self.midnights[number] != DAY_QUANTA

    def offset(self, number: int, minute: int) -> int:
        """The bit of ``minute`` minutes after midnight on the wall clock of day ``number``."""
        if not self.clock_changes_on(number):
            return self.midnights[number] - self.midnights[0] + minute // QUANTUM_MINUTES
        day = self.first_day + timedelta(days=number)
        return quantum_of(wall_clock(day, minute, self.zone)) - self.first_quantum


def bits(first: int, end: int) -> int:
    """A calendar with the bits from ``first`` to before ``end`` set, cut at the window's beginning."""
    first, end = max(first, 0), max(end, 0)
    return ((1 << end) - 1) & ~((1 << first) - 1) if end > first else 0


def span(starts_at: datetime, ends_at: datetime, window: Window) -> int:
    """A calendar of the time between two instants; a quantum that is only touched counts."""
    first = quantum_of(starts_at) - window.first_quantum
    end = quantum_after(ends_at) - window.first_quantum
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


def set_bits(calendar: int) -> Iterator[int]:
    """The numbers of the bits that are set, in order."""
    while calendar:
        lowest = calendar & -calendar
        yield lowest.bit_length() - 1
        calendar ^= lowest


def instants(calendar: int, window: Window) -> Iterator[datetime]:
    """The instants of the bits that are set, in order, UTC."""
    first = window.first_quantum
    for number in range(window.days):
        midnight = window.midnights[number] - first
        for offset in set_bits(window.bits_of_day(number, calendar)):
            yield instant_of(first + midnight + offset)
