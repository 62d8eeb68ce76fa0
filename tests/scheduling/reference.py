"""A slow engine that is obviously right: it walks over every five minutes and asks plain questions.

It shares with the real one only the records that tell what is asked (`Spell`, `Rules`, `Window`).
Moments are UTC and stand for the five minutes that begin there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from portal.scheduling import Rules, Spell, Window

FIVE = timedelta(minutes=5)


@lru_cache(maxsize=1024)
def midnight(day: date, zone: str) -> datetime:
    """When the day begins, UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=256)
def moments_of(day: date, zone: str) -> tuple[datetime, ...]:
    """Every five minutes of a day, however long the clocks make it."""
    found, moment = [], midnight(day, zone)
    while moment < midnight(day + timedelta(days=1), zone):
        found.append(moment)
        moment += FIVE
    return tuple(found)


@lru_cache(maxsize=4096)
def clock_shows(day: date, minute: int, zone: str) -> datetime:
    """The first moment of the day at which the clock shows the time. If it never does, as many minutes
    after midnight as the time says: the clock then shows an hour more."""
    for moment in moments_of(day, zone):
        local = moment.astimezone(ZoneInfo(zone))
        if local.hour * 60 + local.minute == minute:
            return moment
    if minute == 1440:
        return midnight(day + timedelta(days=1), zone)
    return midnight(day, zone) + timedelta(minutes=minute)


def spells_of(day: date, spells: Iterable[Spell]) -> list[Spell]:
    """The plan of one day: its exceptions if there are any, otherwise the week's."""
    exceptions = [spell for spell in spells if spell.on_day == day]
    weekly = [
        spell
        for spell in spells
        if spell.on_day is None
        and spell.weekday == day.weekday()
        and not (spell.valid_from and day < spell.valid_from)
        and not (spell.valid_until and day > spell.valid_until)
    ]
    return exceptions or weekly


@dataclass(frozen=True)
class Somebody:
    """A clerk, an interpreter or a place, with all that can keep him from a meeting."""

    spells: tuple[Spell, ...]
    rules: Rules
    closed: frozenset[date] = frozenset()
    absences: tuple[tuple[datetime, datetime], ...] = ()
    taken: frozenset[datetime] = frozenset()
    channel: str = "video"
    by_staff: bool = True
    """He is booked by staff, for whom nothing is kept back."""
    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def may_be_booked_in(self, spell: Spell, moment: datetime) -> bool:
        """By whoever asks, now, on the channel that he wants?"""
        if spell.channels and self.channel not in spell.channels:
            return False
        if self.by_staff or spell.released_minutes is None:
            return True
        return spell.released_minutes > 0 and moment <= self.now + timedelta(minutes=spell.released_minutes)

    def works(self, moment: datetime, day: date, zone: str) -> bool:
        """Does he work in these five minutes of the day, for whoever asks?"""
        if day in self.closed:
            return False
        if any(begin < moment + FIVE and moment < end for begin, end in self.absences):
            return False
        return any(
            clock_shows(day, spell.from_minute, zone) <= moment < clock_shows(day, spell.to_minute, zone)
            and self.may_be_booked_in(spell, moment)
            for spell in spells_of(day, self.spells)
        )


@lru_cache(maxsize=256)
def worked_by(somebody: Somebody, window: Window) -> frozenset[datetime]:
    """The five minutes in which somebody works, whatever is taken of them."""
    days, zone = [window.first_day + timedelta(days=number) for number in range(window.days)], window.zone
    return frozenset(m for day in days for m in moments_of(day, zone) if somebody.works(m, day, zone))


@dataclass(frozen=True)
class Week:
    """Somebody in some days, with what was found out about every five minutes."""

    somebody: Somebody
    window: Window

    @cached_property
    def worked(self) -> frozenset[datetime]:
        """The five minutes in which he works."""
        return worked_by(replace(self.somebody, taken=frozenset()), self.window)

    def is_free_at(self, start: datetime) -> bool:
        """Can a meeting begin? He works during all of it, and nothing touches it or its buffers."""
        if start not in self.worked:
            return False
        rules = self.somebody.rules
        end = start + timedelta(minutes=rules.minutes)
        first, last = (
            start - timedelta(minutes=rules.buffer_before),
            end + timedelta(minutes=rules.buffer_after),
        )
        return all(moment in self.worked for moment in steps(start, end)) and not any(
            moment in self.somebody.taken for moment in steps(first, last)
        )

    def gap_before(self, first: datetime) -> int:
        """Free working minutes that end where the meeting with its buffers begins."""
        return self._gap(first - FIVE, -FIVE)

    def gap_after(self, last: datetime) -> int:
        """Free working minutes that begin where the meeting with its buffers ends."""
        return self._gap(last, FIVE)

    def _gap(self, moment: datetime, step: timedelta) -> int:
        minutes = 0
        while moment in self.worked and moment not in self.somebody.taken:
            minutes += 5
            moment += step
        return minutes


def steps(begin: datetime, end: datetime) -> Iterable[datetime]:
    """Every five minutes from ``begin`` to before ``end``."""
    while begin < end:
        yield begin
        begin += FIVE


def possible_starts(window: Window, raster: int, earliest: datetime, latest: datetime) -> list[datetime]:
    """Every ``raster`` minutes from midnight, within the limits."""
    found = []
    for number in range(window.days):
        day = window.first_day + timedelta(days=number)
        for number_in_day, moment in enumerate(moments_of(day, window.zone)):
            if number_in_day * 5 % raster == 0 and earliest <= moment <= latest:
                found.append(moment)
    return found


def free_starts(
    pools: Sequence[tuple[Sequence[Somebody], int]], window: Window, starts: Iterable[datetime]
) -> list[datetime]:
    """The starts at which every pool has as many free as are needed."""
    weeks = [([Week(somebody, window) for somebody in people], needed) for people, needed in pools]
    return [
        start
        for start in starts
        if all(sum(week.is_free_at(start) for week in people) >= needed for people, needed in weeks)
    ]


def in_enough(rows: Iterable[set[int]], needed: int) -> set[int]:
    """What is in at least so many of the sets."""
    return {item for item, count in Counter(item for row in rows for item in row).items() if count >= needed}


def meetings_one_after_the_other(starts: Iterable[int], distance: int) -> int:
    """Take the first start, then the first that is far enough from it, and so on."""
    taken: list[int] = []
    for start in sorted(starts):
        if not taken or start - taken[-1] >= distance:
            taken.append(start)
    return len(taken)


def most_meetings(starts: Sequence[int], distance: int) -> int:
    """The most that any choice of starts gives, by trying all of them."""
    if not starts:
        return 0
    later = [start for start in starts[1:] if start - starts[0] >= distance]
    return max(1 + most_meetings(later, distance), most_meetings(starts[1:], distance))


def stranded(somebody: Somebody, window: Window, start: datetime, shortest: int) -> int:
    """Minutes left beside the meeting in which nothing fits any more."""
    week = Week(somebody, window)
    rules = somebody.rules
    first = start - timedelta(minutes=rules.buffer_before)
    last = start + timedelta(minutes=rules.minutes + rules.buffer_after)
    return sum(gap for gap in (week.gap_before(first), week.gap_after(last)) if gap < shortest)
