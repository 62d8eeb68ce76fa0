"""A slow engine that is obviously right: it walks over every five minutes and asks plain questions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.scheduling import Rules, Spell, Window, instant_of, quantum_of, wall_clock

FIVE = timedelta(minutes=5)


def is_work(instant: datetime, spells: Iterable[Spell], closed: frozenset[date], zone: str) -> bool:
    """Does the clerk work in the five minutes that begin at ``instant``?"""
    today = instant.astimezone(ZoneInfo(zone)).date()
    for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
        for spell in spells:
            begins = wall_clock(day, spell.from_minute, zone)
            ends = wall_clock(day, spell.to_minute, zone)
            if day not in closed and spell.holds_on(day) and begins <= instant < ends:
                return True
    return False


def free_starts(
    spells: list[Spell],
    closed: frozenset[date],
    taken: set[int],
    rules: Rules,
    window: Window,
    earliest: datetime,
    latest: datetime,
) -> list[datetime]:
    """Every start at which one clerk is free."""
    result = []
    for number in range(window.days):
        instant = window.midnight(number)
        while instant < window.midnight(number + 1):
            meeting = [instant + FIVE * n for n in range(rules.minutes // 5)]
            first = instant - timedelta(minutes=rules.buffer_before)
            length = rules.buffer_before + rules.minutes + rules.buffer_after
            whole = [first + FIVE * n for n in range(length // 5)]
            if (
                earliest <= instant <= latest
                and all(is_work(moment, spells, closed, window.zone) for moment in meeting)
                and not any(quantum_of(moment) in taken for moment in whole)
            ):
                result.append(instant)
            instant += timedelta(minutes=rules.raster)
    return [instant_of(quantum_of(start)) for start in result]
