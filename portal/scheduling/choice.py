"""Who of several is chosen, and why: even load first, then no leftovers too short for anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.scheduling.engine import Calendar, Rules, claimed_quanta
from portal.scheduling.quanta import QUANTUM_MINUTES, Window, bits, quanta_in

LOAD_STEP = 30
"""Minutes of work that count as the same load, so that the gaps have a say among equals."""


@dataclass(frozen=True)
class Standing:
    """How one person stands in the choice; minutes unless said."""

    calendar: Calendar
    speaks: bool
    """He serves in the citizen's language."""
    minutes_this_week: int
    stranded: int
    """What would be left beside the meeting, too short for another one."""

    @property
    def order(self) -> tuple[bool, int, int, int]:
        return (not self.speaks, self.minutes_this_week // LOAD_STEP, self.stranded, self.calendar.owner)


def ranked(standings: Iterable[Standing]) -> list[Standing]:
    """Best first: speaks the language, least load in steps of 30 minutes, least stranded, lower number."""
    return sorted(standings, key=lambda standing: standing.order)


def stranded_minutes(
    calendar: Calendar, rules: Rules, window: Window, starts_at: datetime, shortest: int
) -> int:
    """Working minutes directly before and after the meeting that are free and shorter than ``shortest``."""
    taken = claimed_quanta(starts_at, rules)
    first = max(taken.start - window.first_quantum, 0)
    end = max(taken.stop - window.first_quantum, 0)
    free = calendar.working & ~calendar.busy & ~bits(first, end)
    before = first - (~free & bits(0, first)).bit_length()
    after = _run_from(free >> end)
    need = quanta_in(shortest)
    return sum(gap * QUANTUM_MINUTES for gap in (before, after) if 0 < gap < need)


def _run_from(row: int) -> int:
    """How many of the lowest bits are set without a break."""
    return (~row & (row + 1)).bit_length() - 1
