"""Days and free times to choose from, a week at a time; for citizens and staff, booking and moving alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from flask import url_for as flask_url_for
from flask_babel import gettext as _

from portal.appointments.availability import Offer
from portal.appointments.rules import Wish
from portal.i18n import short_date
from portal.offices.models import Office, Service
from portal.people import access, visitor

DAYS_SHOWN = 7


@dataclass(frozen=True)
class Times:
    """The free times of an offer, of which one day is opened; ``address`` is the page with another day."""

    offer: Offer
    asked: date | None
    address: Callable[[date], str]

    @cached_property
    def day(self) -> date | None:
        """The day that is asked for, or the first one with a free time."""
        free = self.offer.free_days
        return self.asked or (free[0] if free else None)

    @cached_property
    def starts(self) -> Sequence[datetime]:
        """The free times of the day, UTC."""
        return self.offer.starts_on(self.day) if self.day else []

    @cached_property
    def shown(self) -> list[date]:
        """Weeks are counted from the first day that can be booked, so that a day keeps its place."""
        first = self.offer.window.first_day
        weeks = max((self.day - first).days, 0) // DAYS_SHOWN if self.day else 0
        begin = first + timedelta(days=DAYS_SHOWN * weeks)
        return [day for day in self.offer.window.all_days() if day >= begin][:DAYS_SHOWN]

    @property
    def days(self) -> list[dict[str, object]]:
        """For the component ``day_picker``."""
        return [self._entry(day) for day in self.shown]

    @property
    def earlier_url(self) -> str | None:
        """The last free day before those that are shown."""
        before = [day for day in self.offer.free_days if self.shown and day < self.shown[0]]
        return self.address(before[-1]) if before else None

    @property
    def later_url(self) -> str | None:
        """The first free day after those that are shown."""
        after = [day for day in self.offer.free_days if self.shown and day > self.shown[-1]]
        return self.address(after[0]) if after else None

    def nearest(self, start: datetime, count: int) -> list[datetime]:
        """The free times that lie nearest to ``start``, in their order."""
        near = sorted(self.offer.starts, key=lambda other: (abs(other - start), other))
        return sorted(near[:count])

    def _entry(self, day: date) -> dict[str, object]:
        free = self.offer.count_on(day)
        weekday, number, month = short_date(day, self.offer.window.zone).split(" ", 2)
        if free:
            note = _("%(count)s free", count=free)
        else:
            note = _("full") if self.offer.is_open_on(day) else _("closed")
        return {
            "url": self.address(day) if free else None,
            "weekday": weekday.rstrip(","),
            "number": number,
            "month": month,
            "current": day == self.day,
            "note": note,
        }


def why_address(service: Service, office: Office | None, wish: Wish) -> str | None:
    """The page that explains why nothing is free, for whoever plans the work of the office.

    Without an office it is about the person's own one.
    """
    if not visitor.may_supervise():
        return None
    if office is not None and not access.may_supervise(visitor.the_person(), office.id):
        return None
    return flask_url_for(
        "planning.why",
        service=service.key,
        office=office.key if office else None,
        clerk=wish.clerk_id,
        channel=wish.channel,
        interpreted="y" if wish.interpreted else None,
        by_staff="y" if wish.by_staff else None,
    )
