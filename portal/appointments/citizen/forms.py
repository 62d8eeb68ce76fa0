"""The citizen's booking form: what is asked, and what the chosen way of delivery needs besides."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FormField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from portal.appointments.citizen.behalf_form import BehalfForm
from portal.appointments.lifecycle import Details
from portal.appointments.models import Appointment
from portal.appointments.papers import NEEDS, PAPERS, SIGN_LANGUAGE
from portal.appointments.rules import Wish, may_be_interpreted
from portal.forms import (
    EmailField,
    ManyChoices,
    PageForm,
    PhoneField,
    PostalCodeField,
    choices,
    demand,
    required,
    short_text,
)
from portal.people.models import Person
from portal.plugin_api import DeliveryProvider, PostalAddress, Recipient, RecipientField

WITHOUT_INTERPRETER = {key: words for key, words in NEEDS.items() if key != SIGN_LANGUAGE}
"""Where an interpreter is booked already, together with the time, and where nobody would see him."""


class DetailsForm(PageForm):
    """Contact, paper, accommodations, language, and the way the document shall come."""

    behalf = FormField(BehalfForm)
    email = EmailField(
        _l("E-mail"),
        [
            required(_l("Write your e-mail address: everything about the appointment is sent there.")),
            Length(max=254),
        ],
    )
    phone = PhoneField(
        _l("Mobile or landline phone"),
        [required(_l("Write a phone number where we reach you if the call fails."))],
    )
    paper = RadioField(
        _l("Which identity paper will you show?"),
        [InputRequired(_l("Choose the paper you will show."))],
        choices=choices(PAPERS),
    )
    needs = ManyChoices(_l("Do you need one of these?"), [Optional()], choices=choices(NEEDS))
    language = RadioField(
        _l("In which language shall we speak and write to you?"),
        choices=choices({"el": "Ελληνικά", "en": "English"}),
    )
    delivery = RadioField(
        _l("How shall the document reach you?"),
        [InputRequired(_l("Choose a way of delivery."))],
    )
    attachment = BooleanField(_l("Send the document as an attachment too"))
    street = short_text(_l("Street"), 100)
    number = short_text(_l("Number"), 10)
    postal_code = PostalCodeField(_l("Postal code"), [Optional()])
    town = short_text(_l("Town"), 80)
    keep = BooleanField(_l("Keep my contact details for the next time"))
    remark = TextAreaField(
        _l("What should the clerk know beforehand?"),
        [Optional(), Length(max=1000, message=_l("Please write at most %(max)d letters."))],
    )

    def __init__(self, *args: Any, ways: dict[str, DeliveryProvider], wish: Wish, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ways, self.wish = ways, wish
        if wish.interpreted or not may_be_interpreted(wish.channel):
            self.needs.choices = choices(WITHOUT_INTERPRETER)
        if wish.channel == "phone":
            del self.paper
        self.delivery.choices = choices({name: str(way.title) for name, way in ways.items()})
        if not ways:
            del self.delivery
        if not self._anybody_needs(RecipientField.ATTACHMENT_WISH):
            del self.attachment

    def validate(self, extra_validators: Any = None) -> bool:
        valid = bool(super().validate(extra_validators))
        return self._address_given() and valid and self._is_reachable() if self.ways else valid

    def needed_by(self, way: str) -> frozenset[RecipientField]:
        """What the way of delivery needs to know."""
        return self.ways[way].needs if way in self.ways else frozenset()

    def details(self, citizen: Person) -> Details:
        """The answers, ready for the lifecycle."""
        way = self.delivery.data if self.ways else ""
        return Details(
            name=citizen.name,
            email=self.email.data or "",
            phone=self.phone.data or "",
            language=self.language.data,
            paper=self.paper.data if "paper" in self else "",
            address=self.address(),
            needs=self._needs(),
            remark=self.remark.data or "",
            delivery=way,
            recipient=self._recipient(way),
            served=self.behalf.form.served(),
        )

    def _needs(self) -> tuple[str, ...]:
        booked = (SIGN_LANGUAGE,) if self.wish.interpreted else ()
        return (*booked, *(self.needs.data or ()))

    def address(self) -> dict[str, str]:
        """As much of an address as was given."""
        names = ("street", "number", "postal_code", "town")
        return {name: self[name].data for name in names if self[name].data}

    def _recipient(self, way: str) -> dict[str, Any]:
        needed = self.needed_by(way)
        known: dict[RecipientField, Any] = {
            RecipientField.EMAIL: self.email.data,
            RecipientField.PHONE: self.phone.data,
            RecipientField.POSTAL_ADDRESS: self.address(),
            RecipientField.ATTACHMENT_WISH: bool(self.attachment.data) if "attachment" in self else False,
        }
        return {str(field): known[field] for field in RecipientField if field in needed and field in known}

    def _address_given(self) -> bool:
        if RecipientField.POSTAL_ADDRESS not in self.needed_by(self.delivery.data or ""):
            return True
        wanted = {
            self.street: _l("Write the street: the document is posted there."),
            self.number: _l("Write the number of the house."),
            self.postal_code: _l("Write the postal code."),
            self.town: _l("Write the town."),
        }
        return all([demand(field, message) for field, message in wanted.items()])

    def _is_reachable(self) -> bool:
        """Ask the chosen way whether it leads to this recipient, now that all he told is in order."""
        way = self.ways.get(self.delivery.data or "")
        objection = way.objection(self._as_recipient()) if way else ""
        if objection:
            self.delivery.errors = [*self.delivery.errors, objection]
        return not objection

    def _as_recipient(self) -> Recipient:
        told = self._recipient(self.delivery.data or "")
        address = told.get(RecipientField.POSTAL_ADDRESS)
        return Recipient(
            name=(self["name"].data or "") if "name" in self else "",
            language=self.language.data or "el",
            email=self.email.data,
            phone=self.phone.data,
            address=PostalAddress(**address) if address else None,
        )

    def _anybody_needs(self, field: RecipientField) -> bool:
        return any(field in way.needs for way in self.ways.values())


def first_answers(
    citizen: Person, appointment: Appointment, ways: dict[str, DeliveryProvider]
) -> dict[str, Any]:
    """What the form shows at first: what is known from earlier visits."""
    return {
        "email": citizen.email,
        "phone": citizen.phone,
        **citizen.address,
        "keep": citizen.contact_kept_at is not None,
        "language": appointment.language,
        "delivery": next(iter(ways)) if len(ways) == 1 else None,
    }
