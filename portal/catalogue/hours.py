"""Reads working hours as people write them: ``Mon-Fri 08:00-14:00``. Called by the catalogue's entries."""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations

from portal.scheduling import Spell

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_GREEK = ("Δευ", "Τρι", "Τετ", "Πεμ", "Παρ", "Σαβ", "Κυρ")
_NUMBER = {name: number for names in (DAYS, _GREEK) for number, name in enumerate(names)}
_ACCENTS = str.maketrans("ίέά", "ιεα")

_LINE = re.compile(
    r"(?P<days>[^\W\d_]+(?:[-,] ?[^\W\d_]+)*) +"
    r"(?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)"
    r"(?: +from +(?P<first>\d{4}-\d\d-\d\d))?"
    r"(?: +until +(?P<last>\d{4}-\d\d-\d\d))?"
)


def parse_hours(text: object) -> tuple[Spell, ...]:
    """The spells that one line of hours means, one for each of its days.

    ``Tue,Thu 15:00-17:00 from 2026-12-01 until 2027-02-28`` holds only between these days.
    Raises ValueError with the mend.
    """
    found = _LINE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'"{text}" are no hours; write them like "Mon-Fri 08:00-14:00"')
    begin, end = _minute(found["from"]), _minute(found["to"])
    if begin >= end:
        raise ValueError(f'"{text}" ends before it begins')
    first, last = _day(found["first"]), _day(found["last"])
    if first and last and last < first:
        raise ValueError(f'"{text}" stops holding before it begins to hold')
    return tuple(Spell(number, begin, end, first, last) for number in _weekdays(found["days"]))


def in_words(spell: Spell) -> str:
    """The spell as it is written in the catalogue."""
    return f"{DAYS[spell.weekday]} {_clock(spell.from_minute)}-{_clock(spell.to_minute)}"


def first_overlap(spells: list[tuple[int, Spell]]) -> tuple[int, Spell, Spell] | None:
    """The first two spells that share time: number of the later line, the earlier and the later spell."""
    for (_, one), (number, other) in combinations(spells, 2):
        if one.weekday == other.weekday and _share_time(one, other):
            return number, one, other
    return None


def _share_time(one: Spell, other: Spell) -> bool:
    return (
        one.from_minute < other.to_minute
        and other.from_minute < one.to_minute
        and (one.valid_from or date.min) <= (other.valid_until or date.max)
        and (other.valid_from or date.min) <= (one.valid_until or date.max)
    )


def _weekdays(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        begin = _weekday(first)
        end = _weekday(last.strip()) if last else begin
        if end < begin:
            raise ValueError(f'"{part.strip()}" runs backwards; write the days from Monday on')
        numbers += range(begin, end + 1)
    if len(numbers) != len(set(numbers)):
        raise ValueError(f'"{text}" names a day twice')
    return numbers


def _weekday(name: str) -> int:
    number = _NUMBER.get(name.capitalize().translate(_ACCENTS))
    if number is None:
        raise ValueError(f'"{name}" is no day; write one of {", ".join(DAYS)}')
    return number


def _minute(text: str) -> int:
    hour, minute = int(text[:2]), int(text[3:])
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise ValueError(f"there is no {text} on the clock; the last time of a day is 24:00")
    if minute % 5:
        raise ValueError(f"{text} is not a multiple of 5 minutes; the portal counts in steps of 5")
    return hour * 60 + minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"there is no day {text}") from None
