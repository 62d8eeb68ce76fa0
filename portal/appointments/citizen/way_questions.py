"""What a way of delivery needs to be told, and the checks of that: for every form in which a way is chosen.

The forms themselves have the fields, in the order of their pages.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField

from portal.appointments.citizen.point_questions import PointQuestions
from portal.forms import EmailField, PhoneField, PostalCodeField, choices, demand
from portal.plugin_api import DeliveryProvider, PostalAddress, Recipient, RecipientField
from portal.points.lists import kept, needs_point

ADDRESS_PARTS = ("street", "number", "postal_code", "town")


class WayQuestions(PointQuestions):
    """A form with the choice of a way of delivery."""

    ways: dict[str, DeliveryProvider]
    email: EmailField
    phone: PhoneField
    delivery: RadioField
    attachment: BooleanField
    street: StringField
    number: StringField
    postal_code: PostalCodeField
    town: StringField

    def offer_ways(self, ways: dict[str, DeliveryProvider]) -> None:
        """The ways to choose from. A question that none of them needs is left out."""
        self.ways = ways
        self.delivery.choices = choices({name: str(way.title) for name, way in ways.items()})
        if not ways:
            del self.delivery
        self.offer_points(ways, self._chosen())
        if not self.ways_that_need(RecipientField.ATTACHMENT_WISH):
            del self.attachment

    def validate(self, extra_validators: Any = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if not self.ways:
            return valid
        valid = all([valid, self._address_given(), self._point_given()])
        return valid and self._is_reachable()

    def wants_points(self) -> bool:
        """The form was sent to see points, and not to be done. Enter in another field presses that button
        too; then it counts only where the chosen way has points."""
        way = self.ways.get(self._chosen())
        return way is not None and needs_point(way) and bool(self.show_points.data)

    def needed_by(self, way: str) -> frozenset[RecipientField]:
        """What the way of delivery needs to know."""
        return self.ways[way].needs if way in self.ways else frozenset()

    def ways_that_need(self, field: str) -> dict[str, DeliveryProvider]:
        """The ways for which this is asked; ``field`` is the name of a `RecipientField`."""
        return {name: way for name, way in self.ways.items() if field in way.needs}

    def address(self) -> dict[str, str]:
        """As much of an address as was given."""
        return {name: self[name].data for name in ADDRESS_PARTS if self[name].data}

    def recipient(self, way: str) -> dict[str, Any]:
        """The answers that the way needs, by the names of `RecipientField`."""
        needed = self.needed_by(way)
        known: dict[RecipientField, Any] = {
            RecipientField.EMAIL: self.email.data,
            RecipientField.PHONE: self.phone.data,
            RecipientField.POSTAL_ADDRESS: self.address(),
            RecipientField.PICKUP_POINT: kept(self.chosen_point) if self.chosen_point else None,
            RecipientField.ATTACHMENT_WISH: bool(self.attachment.data) if "attachment" in self else False,
        }
        return {str(field): known[field] for field in RecipientField if field in needed and field in known}

    def _address_given(self) -> bool:
        if RecipientField.POSTAL_ADDRESS not in self.needed_by(self._chosen()):
            return True
        wanted = {
            self.street: _l("Write the street: the document is posted there."),
            self.number: _l("Write the number of the house."),
            self.postal_code: _l("Write the postal code."),
            self.town: _l("Write the town."),
        }
        return all([demand(field, message) for field, message in wanted.items()])

    def _point_given(self) -> bool:
        return RecipientField.PICKUP_POINT not in self.needed_by(self._chosen()) or self.point_given()

    def _chosen(self) -> str:
        """The name of the way that is chosen, as far as one is."""
        return (self.delivery.data or "") if "delivery" in self else ""

    def _is_reachable(self) -> bool:
        """Ask the chosen way whether it leads to this recipient, now that all he told is in order."""
        way = self.ways.get(self._chosen())
        objection = way.objection(self._as_recipient()) if way else ""
        if objection:
            self.delivery.errors = [*self.delivery.errors, objection]
        return not objection

    def _as_recipient(self) -> Recipient:
        told = self.recipient(self._chosen())
        address = told.get(RecipientField.POSTAL_ADDRESS)
        return Recipient(
            name=(self["name"].data or "") if "name" in self else "",
            language=(self["language"].data if "language" in self else "") or "el",
            email=self.email.data,
            phone=self.phone.data,
            address=PostalAddress(**address) if address else None,
            pickup_point=self.chosen_point,
        )
