"""Days on which no counter opens: the public holidays of Greece and the closures of the municipality.

Called wherever times are offered or a month is drawn. Weekends are not named here: nobody works then
unless his hours say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

from holidays import country_holidays

LIBRARY_LANGUAGES = {"el": "el", "en": "en_US"}


def closed_days(
    closures: Sequence[tuple[date, date]],
    first_day: date,
    last_day: date,
    open_days: Set[date] = frozenset(),
) -> frozenset[date]:
    """The closed days from ``first_day`` to ``last_day``, both included.

    ``closures`` are the first and last days of the closures that concern the office, ``open_days`` the
    public holidays on which it works all the same. A closure counts more than an open day.
    """
    holidays = _public_holidays(first_day, last_day) - open_days
    closed = {day for day in holidays if first_day <= day <= last_day}
    for begin, end in closures:
        day, end = max(begin, first_day), min(end, last_day)
        while day <= end:
            closed.add(day)
            day += timedelta(days=1)
    return frozenset(closed)


def holiday_name(day: date, language: str) -> str | None:
    """What the public holiday on ``day`` is called, or None on any other day."""
    name = _of_year(day.year, LIBRARY_LANGUAGES[language]).get(day)
    # A holiday that was moved carries a remark in brackets, which says nothing to a citizen.
    return name.partition(" (")[0] if name else None


def _public_holidays(first_day: date, last_day: date) -> set[date]:
    years = range(first_day.year, last_day.year + 1)
    return {day for year in years for day in _of_year(year, LIBRARY_LANGUAGES["el"])}


@cache
def _of_year(year: int, language: str) -> Mapping[date, str]:
    """Orthodox Easter and what hangs on it is computed; Whit Monday is among the days."""
    return MappingProxyType(dict(country_holidays("GR", years=year, language=language)))
