"""Do Python, the templates, Babel and the database tell the same time on the nights when clocks change?

Each of them brings its own zone data, and one that is old would show or guard another hour than the others.
Asked once at the start of `portal web`, `work`, `dispatch` and `all`, and by `portal check --live` and
`portal db check`; never in a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from babel.dates import get_timezone
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from portal import clock, i18n
from portal.config import Config
from portal.db import db
from portal.offices.models import Office

log = structlog.get_logger()

UNKNOWN_ZONE = "22023"
"""SQLSTATE of PostgreSQL for a zone that it does not know."""
MEND = (
    "install the newest tzdata package on the machines of the portal and of the database, "
    "and start both again"
)

Question = tuple[str, datetime]
"""A zone and an instant, UTC."""
Offsets = Callable[[Sequence[Question]], Sequence[timedelta]]
"""For each question, how far the clock is ahead of UTC then."""


class ZonesDisagree(Exception):
    """The portal must not start; the text is one line that names who disagrees, about what, and the mend."""


@dataclass(frozen=True)
class Source:
    """Somebody who knows how far a clock is ahead."""

    name: str
    offsets: Offsets


def expect_agreement(app: Flask) -> None:
    """Raise ZonesDisagree when the sources of ``app`` disagree about the zones of its offices.

    A database that is away is not asked; the portal starts without it. No connection is left that a fork
    could inherit.
    """
    with app.app_context():
        try:
            trouble = of_this_portal(app.config["PORTAL"])
        finally:
            db.session.remove()
            db.engine.dispose()
    if trouble:
        raise ZonesDisagree(trouble)


def of_this_portal(config: Config) -> str:
    """What the sources of the current application disagree about, or nothing. Needs its context."""
    sources = [PYTHON, TEMPLATES, BABEL]
    zones = {config.municipality.time_zone}
    try:
        zones.update(db.session.scalars(select(Office.time_zone).where(Office.active).distinct()))
        if db.engine.dialect.name == "postgresql":
            sources.append(Source("the database", _by_database))
        return trouble(questions(sorted(zones), clock.now().year), sources)
    except ZonesDisagree as unknown:
        return str(unknown)
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("zone data of the database not compared", error=type(error).__name__)
    return trouble(questions(sorted(zones), clock.now().year), [PYTHON, TEMPLATES, BABEL])


def questions(zones: Sequence[str], year: int) -> list[Question]:
    """For each zone the instants around each change of its clock in ``year`` and the next.

    The middle of winter and of summer belong to them too: somebody who knows no change at all is found there.
    """
    return [(zone, instant) for zone in zones for of in (year, year + 1) for instant in _instants(zone, of)]


def trouble(asked: Sequence[Question], sources: Sequence[Source]) -> str:
    """The first disagreement of a source with the first one as one line, or nothing."""
    first, *others = sources
    expected = first.offsets(asked)
    for other in others:
        for (zone, instant), here, there in zip(asked, expected, other.offsets(asked), strict=True):
            if here != there:
                return (
                    f"zone data disagree: {zone} at {instant:%Y-%m-%d %H:%M} UTC is {_words(here)} in "
                    f"{first.name} and {_words(there)} in {other.name}; {MEND}"
                )
    return ""


def _instants(zone: str, year: int) -> Iterator[datetime]:
    """Midwinter, midsummer, and the second before and of each change, as Python knows them."""
    yield from (datetime(year, 1, 1, 12, tzinfo=UTC), datetime(year, 7, 1, 12, tzinfo=UTC))
    local = ZoneInfo(zone)
    midnight = datetime(year, 1, 1, tzinfo=UTC)
    for number in range(366):
        begin = midnight + timedelta(days=number)
        end = begin + timedelta(days=1)
        if begin.astimezone(local).utcoffset() != end.astimezone(local).utcoffset():
            change = _change(local, begin, end)
            yield from (change - timedelta(seconds=1), change)


def _change(local: ZoneInfo, begin: datetime, end: datetime) -> datetime:
    """The first second of another offset than that at ``begin``, which there is before ``end``."""
    before = begin.astimezone(local).utcoffset()
    while end - begin > timedelta(seconds=1):
        middle = begin + timedelta(seconds=(end - begin) // timedelta(seconds=2))
        if middle.astimezone(local).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return end


def _by_python(asked: Sequence[Question]) -> list[timedelta]:
    return [_offset(instant.astimezone(ZoneInfo(zone))) for zone, instant in asked]


def _by_templates(asked: Sequence[Question]) -> list[timedelta]:
    """As the pages write it down for machines."""
    written = (re.search(r'datetime="([^"]+)"', i18n.clock_time(instant, zone)) for zone, instant in asked)
    return [_offset(datetime.fromisoformat(found[1])) for found in written if found]


def _by_babel(asked: Sequence[Question]) -> list[timedelta]:
    return [_offset(instant.astimezone(get_timezone(zone))) for zone, instant in asked]


def _by_database(asked: Sequence[Question]) -> list[timedelta]:
    """In one statement. Raises ZonesDisagree for a zone that the database does not know."""
    statement = text(
        "SELECT EXTRACT(EPOCH FROM (to_timestamp(second) AT TIME ZONE zone) "
        "- (to_timestamp(second) AT TIME ZONE 'UTC'))::integer "
        "FROM unnest(CAST(:zones AS text[]), CAST(:seconds AS bigint[])) WITH ORDINALITY "
        "AS asked (zone, second, number) ORDER BY number"
    )
    values = {
        "zones": [zone for zone, _ in asked],
        "seconds": [int(instant.timestamp()) for _, instant in asked],
    }
    try:
        return [timedelta(seconds=ahead) for ahead in db.session.scalars(statement, values)]
    except DBAPIError as error:
        db.session.rollback()
        if getattr(error.orig, "sqlstate", None) != UNKNOWN_ZONE:
            raise
        zones = ", ".join(sorted({zone for zone, _ in asked}))
        raise ZonesDisagree(f"the database does not know one of the zones {zones}; {MEND}") from None


def _offset(local: datetime) -> timedelta:
    ahead = local.utcoffset()
    assert ahead is not None
    return ahead


def _words(ahead: timedelta) -> str:
    minutes = round(ahead.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


PYTHON = Source("Python", _by_python)
TEMPLATES = Source("the templates", _by_templates)
BABEL = Source("Babel", _by_babel)
