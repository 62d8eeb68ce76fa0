"""When somebody works: spells of a weekly plan, single exceptions, closed days, and time kept for staff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from portal.scheduling.quanta import QUANTUM_MINUTES, Window, bits


@dataclass(frozen=True)
class Spell:
    """A stretch of a weekly plan, in minutes after midnight on the wall clock."""

    weekday: int
    from_minute: int
    to_minute: int
    valid_from: date | None = None
    valid_until: date | None = None
    on_day: date | None = None
    """Holds on this day only, instead of the weekly plan; without length it is a day without work."""
    channels: frozenset[str] = frozenset()
    """Channels for which it is meant; empty is all."""
    released_minutes: int | None = None
    """None: for everybody. Else kept for staff until so many minutes before; 0 is for good."""

    def holds_on(self, day: date) -> bool:
        """True when the spell belongs to the weekly plan of ``day``."""
        return (
            self.on_day is None
            and self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


def working_calendar(spells: Iterable[Spell], closed: frozenset[date], window: Window) -> int:
    """When somebody with these spells works: a bit for each quantum of work."""
    return planned_calendar(spells, window) & ~closed_calendar(closed, window)


def planned_calendar(spells: Iterable[Spell], window: Window) -> int:
    """The plan of somebody, before anything is closed. An exception replaces the plan of its day."""
    spells = list(spells)
    working = 0
    for number, day in enumerate(window.all_days()):
        for spell in _of_day(spells, day):
            first = window.offset(number, spell.from_minute)
            end = _end_of(spell, number, window)
            working |= bits(first, min(end, window.length))
    return working


def closed_calendar(closed: Iterable[date], window: Window) -> int:
    """A calendar of whole days."""
    first = window.midnights[0]
    calendar = 0
    for day in closed:
        number = window.number_of(day)
        if 0 <= number < window.days:
            calendar |= bits(window.midnights[number] - first, window.midnights[number + 1] - first)
    return calendar


def kept_calendars(spells: Sequence[Spell], window: Window) -> dict[int, int]:
    """What is kept for staff: calendars by how many minutes before they are released (0: never).

    Where spells overlap, the one for everybody counts, then the one that is released earlier.
    """
    days_off = _days_off(spells)
    for_everybody = [s for s in spells if s.released_minutes is None]
    open_to_all = planned_calendar([*for_everybody, *days_off], window)
    kept = {}
    # Kept for good comes last: it is the weakest claim on time that another spell releases.
    releases = {s.released_minutes for s in spells if s.released_minutes is not None}
    for minutes in sorted(releases, key=lambda m: -m):
        of_release = [s for s in spells if s.released_minutes == minutes]
        kept[minutes] = planned_calendar([*of_release, *days_off], window) & ~open_to_all
        open_to_all |= kept[minutes]
    return kept


def for_channel(spells: Iterable[Spell], channel: str) -> tuple[Spell, ...]:
    """The spells in which ``channel`` is served. Exceptions stay, so that the day they replace does not
    come back."""
    return tuple(
        spell if not spell.channels or channel in spell.channels else _without_length(spell)
        for spell in spells
        if spell.on_day is not None or not spell.channels or channel in spell.channels
    )


def _of_day(spells: Sequence[Spell], day: date) -> list[Spell]:
    exceptions = [spell for spell in spells if spell.on_day == day]
    return exceptions or [spell for spell in spells if spell.holds_on(day)]


def _end_of(spell: Spell, number: int, window: Window) -> int:
    if spell.to_minute == 1440:
        return window.midnights[number + 1] - window.midnights[0]
    end = window.offset(number, spell.to_minute)
    return end if spell.to_minute % QUANTUM_MINUTES == 0 else end + 1


def _days_off(spells: Iterable[Spell]) -> list[Spell]:
    """Exceptions as days without work: they end the weekly plan of their day whatever they bring."""
    return [_without_length(spell) for spell in spells if spell.on_day is not None]


def _without_length(spell: Spell) -> Spell:
    return Spell(spell.weekday, 0, 0, on_day=spell.on_day)
