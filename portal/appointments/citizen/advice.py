"""Free times that may be a second old, for the pages which everybody reads.

When new times are released, thousands ask the same within seconds. What they see is advice in any case: a
time can be taken between the look and the click, and the claims decide. What this process has written is
seen at once, and so is any change of who works when.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Engine

from portal import clock
from portal.appointments import availability, busy_days, roster
from portal.appointments.availability import Offer
from portal.appointments.rules import Wish
from portal.config import BookingRules
from portal.db import db
from portal.offices.models import Office, Service
from portal.scheduling import Window

KEPT = 256
"""Answers that are kept; the memory of one is a few kilobytes."""


@dataclass(frozen=True)
class _Answer:
    """An offer without its service, which belongs to one request."""

    asked_at: datetime
    minutes: int
    window: Window
    free: int
    possible: int


_answers: WeakKeyDictionary[Engine, dict[Hashable, _Answer]] = WeakKeyDictionary()


def offer(
    service: Service,
    booking: BookingRules,
    office: Office | None,
    first_day: date | None,
    days: int | None,
    wish: Wish,
) -> Offer:
    """As `availability.offer`."""
    answers = _answers.setdefault(db.engine, {})
    place = office.id if office else None
    key = (service.id, place, first_day, days, wish, booking, roster.version(), busy_days.changes())
    known = answers.get(key)
    if known is None or not timedelta() <= clock.now() - known.asked_at < roster.FRESH:
        found = availability.offer(service, booking, office, first_day, days, wish=wish)
        if len(answers) >= KEPT:
            answers.clear()
        known = answers[key] = _Answer(clock.now(), found.minutes, found.window, found.free, found.possible)
    return Offer(service, known.minutes, known.window, known.free, known.possible)
