"""The citizen's booking form: what is asked, and what the chosen way of delivery needs besides."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FormField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from portal.appointments.citizen import point_questions
from portal.appointments.citizen.behalf_form import BehalfForm
from portal.appointments.citizen.way_questions import WayQuestions
from portal.appointments.lifecycle import Details
from portal.appointments.models import Appointment
from portal.appointments.papers import NEEDS, PAPERS, SIGN_LANGUAGE
from portal.appointments.rules import Wish, may_be_interpreted
from portal.forms import (
    EmailField,
    ManyChoices,
    PhoneField,
    PostalCodeField,
    choices,
    required,
    short_text,
)
from portal.people.models import Person
from portal.plugin_api import DeliveryProvider

WITHOUT_INTERPRETER = {key: words for key, words in NEEDS.items() if key != SIGN_LANGUAGE}
"""Where an interpreter is booked already, together with the time, and where nobody would see him."""


class DetailsForm(WayQuestions):
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
    point_search = point_questions.search_field()
    show_points = point_questions.show_field()
    point = point_questions.point_field()
    keep = BooleanField(_l("Keep my contact details for the next time"))
    remark = TextAreaField(
        _l("What should the clerk know beforehand?"),
        [Optional(), Length(max=1000, message=_l("Please write at most %(max)d letters."))],
    )

    def __init__(self, *args: Any, ways: dict[str, DeliveryProvider], wish: Wish, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wish = wish
        if wish.interpreted or not may_be_interpreted(wish.channel):
            self.needs.choices = choices(WITHOUT_INTERPRETER)
        if wish.channel == "phone":
            del self.paper
        self.offer_ways(ways)

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
            recipient=self.recipient(way),
            served=self.behalf.form.served(),
        )

    def _needs(self) -> tuple[str, ...]:
        booked = (SIGN_LANGUAGE,) if self.wish.interpreted else ()
        return (*booked, *(self.needs.data or ()))


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
        "point_search": citizen.address.get("postal_code"),
    }
