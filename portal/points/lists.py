"""Keeps the carriers' lists of pick-up points and finds the few that are near somebody.

Each question is one question to the database, answered by an index: a carrier has thousands of points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, select

from portal.db import db, must_be_writing
from portal.offices.search import searchable
from portal.plugin_api import DeliveryProvider, PickupPoint, RecipientField
from portal.points.models import Point, PointWord

MOST = 10
"""So many points are shown; more of them nobody compares on a phone."""
POSTAL_CODE = re.compile(r"(?<!\d)([1-8]\d{2})[\s-]?(\d{2})(?!\d)")
REGION, DISTRICT = 1000, 100
"""Postal codes with the same two digits in front are of one region, with three of one district or town."""
LAST_LETTERS = "Ω" * 8
"""Sorts behind whatever letters may follow in a word, in each order that a database sorts by."""


def needs_point(way: DeliveryProvider) -> bool:
    """True for a way of delivery whose parcels are collected at a point of the carrier."""
    return RecipientField.PICKUP_POINT in way.needs


def offered(ways: Mapping[str, DeliveryProvider]) -> dict[str, DeliveryProvider]:
    """The ways without those whose list of points is not here yet."""
    return {name: way for name, way in ways.items() if not needs_point(way) or _is_kept(name)}


def keep(provider: str, points: Iterable[PickupPoint]) -> None:
    """From now on these are the points. Of a code that is told twice the first one counts."""
    must_be_writing()
    told = {point.code: point for point in reversed(list(points))}
    for table in (Point, PointWord):
        db.session.execute(delete(table).where(table.provider == provider))
    if not told:
        return
    db.session.execute(insert(Point), [_row(provider, point) for point in told.values()])
    words = [
        {"provider": provider, "word": word, "code": point.code}
        for point in told.values()
        for word in _words(f"{point.town} {point.town_en}")
    ]
    if words:
        db.session.execute(insert(PointWord), words)


def find(provider: str, code: str) -> PickupPoint | None:
    """The point with this code; None when the carrier has no such point (any more)."""
    told = db.session.scalar(select(Point.told).where(Point.provider == provider, Point.code == code))
    return restored(told) if told else None


def near(provider: str, asked: str) -> list[PickupPoint]:
    """At most `MOST` points, the nearest first: by a postal code in ``asked``, or else by a town's name."""
    code = POSTAL_CODE.search(asked)
    if code:
        return _points(provider, *_around(int(code[1] + code[2])))
    return _in_town(provider, searchable(asked))


def restored(told: Mapping[str, Any]) -> PickupPoint:
    """The point that was kept as ``told``, by whichever version of the portal."""
    known = {field.name for field in fields(PickupPoint)}
    return PickupPoint(**{name: value for name, value in told.items() if name in known})


def kept(point: PickupPoint) -> dict[str, str]:
    """The point as a row keeps it; `restored` makes it again."""
    return asdict(point)


def _is_kept(provider: str) -> bool:
    return db.session.scalar(select(Point.code).where(Point.provider == provider).limit(1)) is not None


def _row(provider: str, point: PickupPoint) -> dict[str, Any]:
    return {
        "provider": provider,
        "code": point.code,
        "postal_number": int(point.postal_code),
        "town": searchable(point.town)[:80],
        "told": kept(point),
    }


def _words(text: str) -> set[str]:
    return {word[:40] for word in searchable(text).split()}


def _around(number: int) -> tuple[ColumnElement[bool], list[ColumnElement[Any]]]:
    """Points of the same region: first those with the very code, then of its district, then the rest."""
    region, district = number - number % REGION, number - number % DISTRICT
    same_code = Point.postal_number == number
    same_district = Point.postal_number.between(district, district + DISTRICT - 1)
    order = [
        case((same_code, 0), (same_district, 1), else_=2),
        func.abs(Point.postal_number - number),
    ]
    return Point.postal_number.between(region, region + REGION - 1), order


def _in_town(provider: str, asked: str) -> list[PickupPoint]:
    """Towns in whose name the longest word of ``asked`` stands. Its ending is left open, since people write
    a name in the case that their sentence needs, and the carrier in another one."""
    longest = max(asked.split(), key=len, default="")[:40]
    if len(longest) < 2:
        return []
    stem = longest[: -2 if len(longest) > 5 else -1] if len(longest) > 3 else longest
    named = select(PointWord.code).where(
        PointWord.provider == provider, PointWord.word.between(stem, stem + LAST_LETTERS)
    )
    is_the_town = case((Point.town == asked, 0), else_=1)
    return _points(provider, Point.code.in_(named), [is_the_town, Point.town.expression])


def _points(
    provider: str, condition: ColumnElement[bool], order: list[ColumnElement[Any]]
) -> list[PickupPoint]:
    rows = (
        select(Point.told)
        .where(Point.provider == provider, condition)
        .order_by(*order, Point.postal_number, Point.code)
        .limit(MOST)
    )
    return [restored(told) for told in db.session.scalars(rows)]
