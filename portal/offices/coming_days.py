"""Which of the coming days an office is closed on, for whoever wants to come there."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import or_, select

from portal.db import db
from portal.i18n import current_language, in_readers_language, short_date
from portal.offices.holidays import closed_days, holiday_name
from portal.offices.models import Closure, Office, OpenDay

A_DAY = timedelta(days=1)
SATURDAY = 5
LOOKED_AHEAD = timedelta(days=60)
"""No office is closed for longer without saying so in its opening hours."""


def next_open(office: Office, day: date) -> date:
    """``day``, or the first working day after it on which the office is open."""
    closed = closed_days(_spans(_closures(office)), day, day + LOOKED_AHEAD, _open_days(office))
    ahead = (day + n * A_DAY for n in range(LOOKED_AHEAD.days))
    return next((one for one in ahead if one.weekday() < SATURDAY and one not in closed), day)


def closed_in_words(office: Office, first_day: date, last_day: date) -> list[str]:
    """Closures and holidays of these days in the reader's language; weekends are in the opening hours."""
    closures = _closures(office)
    closed = closed_days(_spans(closures), first_day, last_day, _open_days(office))
    weekdays = [(day, _reason(day, closures)) for day in sorted(closed) if day.weekday() < SATURDAY]
    return [
        _told(stretch[0], stretch[-1], reason, office.time_zone) for reason, stretch in _stretches(weekdays)
    ]


def _stretches(closed: list[tuple[date, str]]) -> list[tuple[str, list[date]]]:
    """Days with one reason that follow each other, but for a weekend between them."""
    found: list[tuple[str, list[date]]] = []
    for day, reason in closed:
        if found and found[-1][0] == reason and _weekday_after(found[-1][1][-1]) == day:
            found[-1][1].append(day)
        else:
            found.append((reason, [day]))
    return found


def _weekday_after(day: date) -> date:
    return day + (7 - day.weekday() if day.weekday() + 1 >= SATURDAY else 1) * A_DAY


def _reason(day: date, closures: list[Closure]) -> str:
    named = next((one for one in closures if one.first_day <= day <= one.last_day), None)
    if named is not None:
        return in_readers_language(named.reason)
    return holiday_name(day, current_language()) or ""


def _told(first: date, last: date, reason: str, zone: str) -> str:
    days = (
        short_date(first, zone) if first == last else f"{short_date(first, zone)} – {short_date(last, zone)}"
    )
    return f"{days} ({reason})" if reason else days


def _closures(office: Office) -> list[Closure]:
    here = or_(Closure.office_id == office.id, Closure.office_id.is_(None))
    return list(db.session.scalars(select(Closure).where(here).order_by(Closure.first_day, Closure.id)))


def _spans(closures: list[Closure]) -> list[tuple[date, date]]:
    return [(one.first_day, one.last_day) for one in closures]


def _open_days(office: Office) -> set[date]:
    here = or_(OpenDay.office_id == office.id, OpenDay.office_id.is_(None))
    return set(db.session.scalars(select(OpenDay.day).where(here)))
