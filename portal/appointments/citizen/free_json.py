"""The free starts of some days as JSON. docs/free-times.md describes it for those who ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from flask import Response
from flask_babel import gettext as _

from portal import scheduling
from portal.appointments.availability import Offer
from portal.appointments.citizen.choice import Choice
from portal.scheduling import DAY_QUANTA, QUANTUM_MINUTES

MOST_DAYS = 62
CLOCK = [f"{n * QUANTUM_MINUTES // 60:02}:{n * QUANTUM_MINUTES % 60:02}Z" for n in range(DAY_QUANTA)]


class BadQuestion(Exception):
    """The question cannot be understood; the text tells the mend."""


def days_asked(given: Mapping[str, str]) -> tuple[date | None, int]:
    """The first day (None is today) and the number of days. Raises BadQuestion."""
    text, days = given.get("from", ""), given.get("days", "30")
    try:
        first_day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadQuestion(_("from: write a day like 2026-12-03.")) from None
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
        raise BadQuestion(_("days: write a number from 1 to %(most)s.", most=MOST_DAYS))
    return first_day, int(days)


def answer(choice: Choice, offer: Offer) -> Response:
    """Each day with its free starts, in UTC so that no hour is ambiguous."""
    days = [
        {"day": day.isoformat(), "open": offer.is_open_on(day), "starts": _starts(offer, number)}
        for number, day in enumerate(offer.window.all_days())
    ]
    return response(
        {
            "service": choice.service.key,
            "office": choice.office_key,
            "channel": choice.wish.channel,
            "interpreter": choice.wish.interpreted,
            "minutes": offer.minutes,
            "time_zone": offer.window.zone,
            "days": days,
        }
    )


def response(content: Mapping[str, object], status: int = 200) -> Response:
    """``content`` as an answer."""
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")


def _starts(offer: Offer, number: int) -> list[str]:
    return _in_utc(offer.window.midnights[number], offer.window.bits_of_day(number, offer.free))


@lru_cache(maxsize=4096)
def _in_utc(midnight: int, row: int) -> list[str]:
    """The starts of one day. Most days look as they did when they were asked for last."""
    starts = (divmod(midnight + offset, DAY_QUANTA) for offset in scheduling.set_bits(row))
    return [f"{_utc_day(day)}T{CLOCK[of_day]}" for day, of_day in starts]


@lru_cache(maxsize=512)
def _utc_day(number: int) -> str:
    return f"{scheduling.instant_of(number * DAY_QUANTA):%Y-%m-%d}"
