"""A pick-up point in words, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from portal.i18n import current_language
from portal.plugin_api import PickupPoint, RecipientField
from portal.points.lists import restored


def lines(point: PickupPoint) -> list[str]:
    """Title, address and town, as on an envelope."""
    title, address, town = point.title, point.address, point.town
    if current_language() == "en":
        title, address = point.title_en or title, point.address_en or address
        town = point.town_en or town
    return [title, address, f"{point.postal_code} {town}".strip()]


def when_open(point: PickupPoint) -> list[str]:
    """Opening hours and phone; what the carrier does not tell is left out."""
    told = {
        _("Monday to Friday"): point.weekdays,
        _("Saturday"): point.saturday,
        _("Sunday"): point.sunday,
        _("Phone"): point.phone,
    }
    return [f"{what}: {words}" for what, words in told.items() if words]


def with_point(way: str, recipient: Mapping[str, Any]) -> str:
    """What a way of delivery is called, and the point where its parcel is collected, if there is one."""
    return ": ".join(filter(None, (way, ", ".join(chosen_point(recipient)))))


def chosen_point(recipient: Mapping[str, Any]) -> list[str]:
    """The lines of the point that was chosen; empty where none was. ``recipient`` is what a delivery or an
    appointment keeps, by the names of `RecipientField`."""
    told = recipient.get(RecipientField.PICKUP_POINT)
    return lines(restored(told)) if told else []
