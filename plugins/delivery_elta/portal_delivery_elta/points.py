"""Points of ELTA Courier: their list as the portal keeps it, and parcels that are collected there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from portal.plugin_api import (
    Finding,
    PickupPoint,
    ProviderFailure,
    Recipient,
    RecipientField,
    TemporaryFailure,
    lazy,
)

from . import addressing
from .courier import EltaCourier

LONGEST = {"title": 120, "address": 150, "town": 40, "hours": 60}
"""Letters; the address and the town go on a voucher, which takes no more."""


@dataclass(frozen=True)
class Listed:
    """What the service told: the points that can be used, and how many records cannot."""

    points: list[PickupPoint]
    unusable: int


class EltaPoint(EltaCourier):
    """Leaves the paper at a point that the citizen chose. Everything else is as with his own address."""

    name = "elta_point"
    title = lazy("Collect from an ELTA Courier point near you")
    needs = frozenset({RecipientField.PICKUP_POINT, RecipientField.PHONE})
    mend_place = lazy("Please choose another point of ELTA Courier.")

    def points(self) -> list[PickupPoint]:
        return self._listed().points

    def objection(self, recipient: Recipient) -> str:
        return addressing.objection_at_point(recipient)

    def try_out(self) -> list[Finding]:
        return [self._tried_reference(), self._tried_points()]

    def _goes_to(self, recipient: Recipient) -> dict[str, str]:
        return addressing.fields_at_point(recipient)

    def _listed(self) -> Listed:
        answer = self.services.ask("GETPUDODETAILS", self._account())
        if answer.st_flag:
            raise TemporaryFailure(f"ELTA Courier answers with error {answer.st_flag} instead of its points")
        return listed(answer.pudo_details or ())

    def _tried_points(self) -> Finding:
        try:
            told = self._listed()
        except ProviderFailure as failure:
            return Finding("ELTA Courier lists its points", str(failure))
        tried = f"ELTA Courier lists its points: {len(told.points)}, and {told.unusable} that cannot be used"
        return Finding(tried, "" if told.points else "there is none, so the way is not offered")


def listed(records: Iterable[Any]) -> Listed:
    """The points among the records of an answer, each code once; empty records only fill the answer up."""
    points: dict[str, PickupPoint] = {}
    unusable = 0
    for record in records:
        if not any(_values(record)):
            continue
        point = _point(record)
        if point is None:
            unusable += 1
        else:
            points.setdefault(point.code, point)
    return Listed(list(points.values()), unusable)


def _point(record: Any) -> PickupPoint | None:
    """The point of one record. None without a code of at most five signs, a postal code and an address:
    nothing can be sent there. The misspelt names are the service's own."""
    code, postal_code = _text(record.pudo_codes), re.sub(r"\s", "", _text(record.pudo_postal_code))
    title, title_en = _both(record.pudo_titles_gr, record.pudo_titles_en, LONGEST["title"])
    address, address_en = _both(record.pudo_address_gr, record.pudo_address_en, LONGEST["address"])
    town, town_en = _both(record.pudo_city_gr, record.pudo_city_en, LONGEST["town"])
    if not re.fullmatch(r"\S{1,5}", code) or not re.fullmatch(r"[1-8]\d{4}", postal_code) or not address:
        return None
    return PickupPoint(
        code=code,
        title=title or address,
        address=address,
        town=town,
        postal_code=postal_code,
        title_en=title_en,
        address_en=address_en,
        town_en=town_en,
        phone=_text(record.pudo_telefon)[: LONGEST["hours"]],
        weekdays=_text(record.pudo_daily_operation)[: LONGEST["hours"]],
        saturday=_text(record.pudo_saturday_operation)[: LONGEST["hours"]],
        sunday=_text(record.pudo_sanday_operation)[: LONGEST["hours"]],
    )


def _both(greek: Any, english: Any, longest: int) -> tuple[str, str]:
    """A text in both languages; where only the English one is told, it serves for both."""
    own, other = _text(greek)[:longest], _text(english)[:longest]
    return own or other, other


def _values(record: Any) -> Iterator[str]:
    return (_text(record[name]) for name in record)


def _text(value: Any) -> str:
    return " ".join(str(value or "").split())
