"""Free times that may be a second old, for the pages which everybody reads.

When new times are released, thousands ask the same within seconds. What they see is advice in any case: a
time can be taken between the look and the click, and the claims decide. What this process has written is
seen at once.
"""

from __future__ import annotations

from collections.abc import Hashable
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

KEPT = 128
"""Answers that are kept, each with the lists that pages have made of it: up to a hundred kilobytes."""

_answers: WeakKeyDictionary[Engine, dict[Hashable, tuple[datetime, Offer]]] = WeakKeyDictionary()


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
    now, known = clock.now(), answers.get(key)
    if known is not None and timedelta() <= now - known[0] < roster.FRESH:
        return known[1]
    found = availability.offer(service, booking, office, first_day, days, wish=wish)
    if len(answers) >= KEPT:
        answers.clear()
    answers[key] = (now, found)
    return found
