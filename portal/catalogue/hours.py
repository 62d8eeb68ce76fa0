"""Reads working hours as people write them: ``Mon-Fri 08:00-14:00``. Called by the catalogue's entries.

What a line can say, in this order: days or one day, hours, breaks, channels, whether they are kept for
staff, and from when until when the line holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from itertools import combinations, product

from portal.scheduling import Spell

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_GREEK = ("Δευ", "Τρι", "Τετ", "Πεμ", "Παρ", "Σαβ", "Κυρ")
_NUMBER = {name: number for names in (DAYS, _GREEK) for number, name in enumerate(names)}
_ACCENTS = str.maketrans("ίέά", "ιεα")
CHANNELS = ("video", "phone", "in_person")
LONGEST_RELEASE = 30 * 24 * 60
"""Minutes; nothing is kept for staff until longer before."""

_DATE = r"\d{4}-\d\d-\d\d"
_SPAN = r"\d\d:\d\d-\d\d:\d\d"
_RULES = (
    rf" +(?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)"
    rf"(?: +without +(?P<breaks>{_SPAN}(?:, ?{_SPAN})*))?"
    rf"(?: +(?P<channels>(?!staff|from|until)[a-z_]+(?:, ?[a-z_]+)*))?"
    rf"(?: +(?P<staff>staff)(?: +until +(?P<released>\d{{1,5}})(?P<unit>h|min) +before)?)?"
)
_WEEKLY = re.compile(
    rf"(?P<days>[^\W\d_]+(?:[-,] ?[^\W\d_]+)*){_RULES}"
    rf"(?: +from +(?P<first>{_DATE}))?(?: +until +(?P<last>{_DATE}))?"
)
_SINGLE = re.compile(rf"(?P<day>{_DATE})(?: +(?P<off>off)|{_RULES})")


def parse_hours(text: object) -> tuple[Spell, ...]:
    """The spells that one line of hours means, some for each of its days.

    ``Tue,Thu 15:00-17:00 from 2026-12-01 until 2027-02-28`` holds only between these days,
    ``2026-12-03 10:00-12:00`` on this day instead of the weekly plan. Raises ValueError with the mend.
    """
    line = text.strip() if isinstance(text, str) else ""
    if found := _SINGLE.fullmatch(line):
        return tuple(_exception(found))
    found = _WEEKLY.fullmatch(line)
    if found is None:
        raise ValueError(f'"{text}" are no hours; write them like "Mon-Fri 08:00-14:00"')
    first, last = _day(found["first"]), _day(found["last"])
    if first and last and last < first:
        raise ValueError(f'"{text}" stops holding before it begins to hold')
    stretches, channels, released = list(_stretches(found)), _channels(found), _released(found)
    return tuple(
        Spell(number, begin, end, first, last, None, channels, released)
        for number in _weekdays(found["days"])
        for begin, end in stretches
    )


def in_words(spell: Spell) -> str:
    """The spell as it is written in the catalogue."""
    day = DAYS[spell.weekday] if spell.on_day is None else spell.on_day.isoformat()
    if spell.from_minute == spell.to_minute:
        return f"{day} off"
    words = [day, f"{_clock(spell.from_minute)}-{_clock(spell.to_minute)}"]
    if spell.channels:
        words.append(",".join(channel for channel in CHANNELS if channel in spell.channels))
    if spell.released_minutes is not None:
        words.append("staff")
    if spell.released_minutes:
        words.append(f"until {spell.released_minutes}min before")
    return " ".join(words)


def _exception(found: re.Match[str]) -> Iterator[Spell]:
    day = _day(found["day"])
    assert day is not None
    if found["off"]:
        yield Spell(day.weekday(), 0, 0, on_day=day)
        return
    for begin, end in _stretches(found):
        yield Spell(
            day.weekday(),
            begin,
            end,
            on_day=day,
            channels=_channels(found),
            released_minutes=_released(found),
        )


def _stretches(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The hours in minutes after midnight, parted by their breaks."""
    begin, end = _minute(found["from"]), _minute(found["to"])
    if begin >= end:
        raise ValueError(f'"{found[0]}" ends before it begins')
    for text in _parts(found["breaks"]):
        stops, resumes = (_minute(time) for time in text.split("-"))
        if stops >= resumes:
            raise ValueError(f"the break {text} ends before it begins")
        if not begin < stops or not resumes < end:
            raise ValueError(f"the break {text} does not lie within the hours; write breaks in their order")
        yield begin, stops
        begin = resumes
    yield begin, end


def _channels(found: re.Match[str]) -> frozenset[str]:
    names = _parts(found["channels"])
    for name in names:
        if name not in CHANNELS:
            raise ValueError(f'"{name}" is no channel; there are {", ".join(CHANNELS)}')
    if len(names) != len(set(names)):
        raise ValueError(f'"{found["channels"]}" names a channel twice')
    return frozenset(names)


def _released(found: re.Match[str]) -> int | None:
    if not found["staff"]:
        return None
    if not found["released"]:
        return 0
    minutes = int(found["released"]) * (60 if found["unit"] == "h" else 1)
    if not 0 < minutes <= LONGEST_RELEASE:
        raise ValueError(f'"{found["released"]}{found["unit"]} before" is not between 1min and 720h')
    return minutes


def first_overlap(spells: list[tuple[int, Spell]]) -> tuple[int, Spell, Spell] | None:
    """The first two spells of one post that contradict each other: number of the later line, the earlier
    and the later spell.

    Spells for different channels may share time, but not one for staff and one for everybody.
    """
    for (_, one), (number, other) in combinations(spells, 2):
        if _days_meet(one, other) and _contradict(one, other):
            return number, one, other
    return None


def first_shared_time(plan: Collection[Spell], other: Collection[Spell]) -> tuple[Spell, Spell] | None:
    """The first two spells of two posts that nobody can hold at once, exceptions of each post considered."""
    for one, two in product(plan, other):
        if _days_meet_between(one, plan, two, other) and _minutes_meet(one, two):
            return one, two
    return None


def _contradict(one: Spell, other: Spell) -> bool:
    if one.from_minute == one.to_minute or other.from_minute == other.to_minute:
        return True
    for_staff = {spell.released_minutes is not None for spell in (one, other)}
    shared = not one.channels or not other.channels or bool(one.channels & other.channels)
    return _minutes_meet(one, other) and (shared or len(for_staff) == 2)


def _minutes_meet(one: Spell, other: Spell) -> bool:
    return one.from_minute < other.to_minute and other.from_minute < one.to_minute


def _days_meet(one: Spell, other: Spell) -> bool:
    """True when both spells hold on some day. An exception never meets the plan which it replaces."""
    if one.on_day or other.on_day:
        return one.on_day == other.on_day
    return (
        one.weekday == other.weekday
        and (one.valid_from or date.min) <= (other.valid_until or date.max)
        and (other.valid_from or date.min) <= (one.valid_until or date.max)
    )


def _days_meet_between(one: Spell, plan: Collection[Spell], two: Spell, other: Collection[Spell]) -> bool:
    if one.on_day and not two.on_day:
        return two.holds_on(one.on_day) and all(spell.on_day != one.on_day for spell in other)
    if two.on_day and not one.on_day:
        return one.holds_on(two.on_day) and all(spell.on_day != two.on_day for spell in plan)
    return _days_meet(one, two)


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []


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
