"""A month as a calendar, with the number of free hours of each day."""

from __future__ import annotations

from calendar import Calendar, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_day_names
from flask import url_for as flask_url_for

from portal import clock
from portal.appointments.availability import Offer
from portal.appointments.citizen.choice import Choice
from portal.i18n import current_language

MONDAY = 0


@dataclass(frozen=True)
class Cell:
    """One day of the table."""

    day: date
    free: int
    open: bool
    """Somebody works on that day, whether or not an hour is left."""
    url: str


@dataclass(frozen=True)
class Month:
    """One month of the days that can be booked."""

    first: date
    """Its first day."""
    today: date
    last: date
    """The last day that can be booked."""
    choice: Choice
    offer: Offer

    @classmethod
    def asked(cls, choice: Choice, text: str) -> Month:
        """The month written like ``2026-12``; the nearest one that can be booked if it cannot be had."""
        today = clock.now().astimezone(ZoneInfo(choice.time_zone)).date()
        last = today + timedelta(days=choice.service.horizon_days)
        first = min(max(_first_of(text) or today, today), last).replace(day=1)
        days = monthrange(first.year, first.month)[1]
        begin = max(first, today)
        offer = choice.offer(begin, days - begin.day + 1)
        return cls(first, today, last, choice, offer)

    @property
    def title(self) -> str:
        """``December 2026`` in the reader's language."""
        return format_date(self.first, "LLLL yyyy", locale=current_language())

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """Short and long names, from Monday."""
        short = get_day_names("abbreviated", "stand-alone", current_language())
        long = get_day_names("wide", "stand-alone", current_language())
        return [(short[number], long[number]) for number in range(7)]

    @property
    def weeks(self) -> Iterator[list[Cell | None]]:
        """The rows of the table; days of other months are empty, weeks that are over left out."""
        address = self._address("free_times.show")
        for week in Calendar(MONDAY).monthdatescalendar(self.first.year, self.first.month):
            if week[-1] < self.today:
                continue
            yield [self._cell(day, address) if day.month == self.first.month else None for day in week]

    @property
    def earlier_url(self) -> str | None:
        """The month before, if something in it can still be booked."""
        if self.first <= self.today:
            return None
        return f"{self._address('free_times.month')}&month={self.first - timedelta(days=1):%Y-%m}"

    @property
    def later_url(self) -> str | None:
        """The month after, if something in it can be booked already."""
        following = (self.first + timedelta(days=31)).replace(day=1)
        return (
            f"{self._address('free_times.month')}&month={following:%Y-%m}" if following <= self.last else None
        )

    def _cell(self, day: date, address: str) -> Cell:
        free = self.offer.count_on(day)
        return Cell(day, free, self.offer.is_open_on(day), f"{address}&day={day}")

    def _address(self, endpoint: str) -> str:
        """A page with the same choice; it always has parameters, to which more can be added."""
        return flask_url_for(endpoint, key=self.choice.service.key, **self.choice.values())  # type: ignore[arg-type]


def _first_of(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
