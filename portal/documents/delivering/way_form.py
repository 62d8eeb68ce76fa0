"""The form in which another way of delivery is chosen: by the citizen, or by a clerk who speaks with him."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal.appointments.citizen import point_questions
from portal.appointments.citizen.way_questions import WayQuestions
from portal.appointments.contact import Contact
from portal.appointments.models import Appointment
from portal.documents.delivering.lifecycle import Way
from portal.documents.delivering.recipients import recipient_of
from portal.forms import EmailField, PhoneField, PostalCodeField, demand, short_text
from portal.plugin_api import DeliveryProvider, Recipient, RecipientField


def what_is_known(appointment: Appointment, way: str) -> dict[str, Any]:
    """What the form holds when it is opened: the contact of the booking, and ``way`` chosen."""
    return {
        "email": appointment.email,
        "phone": appointment.phone,
        **appointment.address,
        "delivery": way,
        "attachment": bool(appointment.recipient.get("attachment_wish")),
        **_known_point(appointment),
    }


def _known_point(appointment: Appointment) -> dict[str, str]:
    """The point that was chosen last, and where to look for others."""
    told = appointment.recipient.get(RecipientField.PICKUP_POINT)
    home = appointment.address.get("postal_code", "")
    return {
        "point": told["code"] if told else "",
        "point_search": home or (told["postal_code"] if told else ""),
    }


class WayForm(WayQuestions):
    """How the document shall come now; what only one way needs is demanded for that way alone."""

    delivery = RadioField("", [InputRequired(_l("Choose a way of delivery."))])
    email = EmailField(_l("E-mail"), [Optional(), Length(max=254)])
    attachment = BooleanField(_l("Send the document as an attachment too"))
    street = short_text(_l("Street"), 100)
    number = short_text(_l("Number"), 10)
    postal_code = PostalCodeField(_l("Postal code"), [Optional()])
    town = short_text(_l("Town"), 80)
    point_search = point_questions.search_field()
    show_points = point_questions.show_field()
    point = point_questions.point_field()
    phone = PhoneField(_l("Mobile or landline phone"), [Optional()])

    def __init__(
        self,
        *args: Any,
        appointment: Appointment,
        ways: dict[str, DeliveryProvider],
        question: LazyString,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._appointment = appointment
        self.delivery.label.text = question
        self.offer_ways(ways)
        # Who chooses a way must answer all that stands below it.
        for answer in self:
            answer.flags.optional = False

    @property
    def chosen(self) -> str:
        """Name of the way; empty where none is chosen, or there is none to choose."""
        return (self.delivery.data or "") if self.ways else ""

    def chosen_way(self) -> Way:
        """The way, with what it needs to know."""
        return Way(self.chosen, self.recipient(self.chosen))

    def contact(self) -> Contact:
        """What was typed for the chosen way; a field that it does not need was not looked at."""
        needed = self.needed_by(self.chosen)
        return Contact(
            email=(self.email.data or "") if RecipientField.EMAIL in needed else "",
            phone=(self.phone.data or "") if RecipientField.PHONE in needed else "",
            address=self.address() if RecipientField.POSTAL_ADDRESS in needed else {},
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """Only what the chosen way needs is looked at; what stands in other fields is kept all the same.

        Without any way nothing can be right.
        """
        aside = {field: field.data for field in self._not_needed()}
        for field in aside:
            field.data = ""
        valid = super().validate(extra_validators)
        valid = all(self._demanded()) and valid and bool(self.ways)
        for field, typed in aside.items():
            field.data = typed
        return valid

    def _not_needed(self) -> list[StringField]:
        needed = self.needed_by(self.chosen)
        asked = {
            self.email: RecipientField.EMAIL,
            self.phone: RecipientField.PHONE,
            self.postal_code: RecipientField.POSTAL_ADDRESS,
        }
        return [field for field, what in asked.items() if what not in needed]

    def _demanded(self) -> list[bool]:
        needed = self.needed_by(self.chosen)
        wanted = {
            RecipientField.EMAIL: (
                self.email,
                _l("Write the e-mail address to which the document shall go."),
            ),
            RecipientField.PHONE: (self.phone, _l("Write a phone number: the carrier needs it.")),
        }
        return [demand(*question) for field, question in wanted.items() if field in needed]

    def _as_recipient(self) -> Recipient:
        return recipient_of(self._appointment, self.recipient(self.chosen))
