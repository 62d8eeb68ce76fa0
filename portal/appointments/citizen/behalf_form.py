"""The part of a booking form that asks for whom the appointment is; citizens and staff fill it in.

It is a form inside the form (`wtforms.FormField`): its names begin with ``behalf-``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, RadioField, SelectField
from wtforms.validators import Length, Optional

from portal.appointments.on_behalf import Served
from portal.appointments.papers import CAPACITIES, RELATIONS
from portal.forms import EmailField, PhoneField, TaxNumberField, choices, demand, short_text

ASKED_OF = {
    "self": (),
    "person": ("first_name", "last_name", "relation", "email", "phone", "declared"),
    "business": ("business_name", "tax_number", "capacity"),
}
"""The questions of each answer to the first one; what was typed for another answer is kept, not checked."""

DEMANDED: Mapping[str, Any] = {
    "first_name": _l("Write the first name of the person for whom you book."),
    "last_name": _l("Write the last name of the person for whom you book."),
    "relation": _l("Choose what the person is to you."),
    "declared": _l("Tick the declaration: without it you cannot book for somebody else."),
    "business_name": _l("Write the name of the business, as it stands in the register."),
    "tax_number": _l("Write the tax number (AFM) of the business, nine digits."),
    "capacity": _l("Choose in which capacity you act for the business."),
}
"""What is said when an answer is missing."""


class BehalfForm(Form):
    """For whom a citizen books: himself, somebody without codes, or a business."""

    demanded: ClassVar = DEMANDED
    whom = RadioField(
        _l("For whom is the appointment?"),
        choices=choices(
            {
                "self": _l("For me"),
                "person": _l("For somebody who has no codes of his or her own"),
                "business": _l("For a business that I represent"),
            }
        ),
        default="self",
    )
    first_name = short_text(_l("First name of the person"), 100)
    last_name = short_text(_l("Last name of the person"), 100)
    relation = SelectField(
        _l("What is the person to you?"), [Optional()], choices=choices({"": _l("Choose"), **RELATIONS})
    )
    email = EmailField(_l("E-mail of the person"), [Optional(), Length(max=254)])
    phone = PhoneField(_l("Phone of the person"), [Optional()])
    declared = BooleanField(_l("I declare that I may act for this person"))
    business_name = short_text(_l("Name of the business"), 200)
    tax_number = TaxNumberField(_l("Tax number (AFM) of the business"), [Optional()])
    capacity = RadioField(
        _l("In which capacity do you act for it?"), [Optional()], choices=choices(CAPACITIES)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.demanded:
            self[name].flags.optional = False

    def validate(self, extra_validators: Any = None) -> bool:
        """Check what belongs to the chosen answer, and nothing else."""
        super().validate(extra_validators)
        asked = ASKED_OF.get(self.whom.data, ())
        for field in self:
            if field is not self.whom and field.short_name not in asked:
                field.errors = []
        for name, message in self.demanded.items():
            if name in asked and not self[name].errors:
                demand(self[name], message)
        return not self.errors

    def served(self) -> Served | None:
        """For whom the citizen acts; None when he books for himself."""
        match self.whom.data:
            case "person":
                return Served(
                    "person",
                    self.relation.data,
                    first_name=self.first_name.data or "",
                    last_name=self.last_name.data or "",
                    email=self.email.data or "",
                    phone=self.phone.data or "",
                    declared="declared" in self and self.declared.data,
                )
            case "business":
                return Served(
                    "business",
                    self.capacity.data,
                    business_name=self.business_name.data or "",
                    tax_number=self.tax_number.data or "",
                )
            case _:
                return None


class StaffBehalfForm(BehalfForm):
    """The same as the clerk writes it down for a citizen at the counter or on the phone."""

    demanded: ClassVar = {
        **{name: message for name, message in DEMANDED.items() if name != "declared"},
        "first_name": _l("Write the first name of the person who is served."),
        "last_name": _l("Write the last name of the person who is served."),
        "relation": _l("Choose what the person is to the citizen."),
        "capacity": _l("Choose in which capacity the citizen acts for the business."),
    }
    whom = RadioField(
        _l("For whom is the appointment?"),
        choices=choices(
            {
                "self": _l("For the citizen"),
                "person": _l("For somebody else, for whom the citizen acts"),
                "business": _l("For a business that the citizen represents"),
            }
        ),
        default="self",
    )
    relation = SelectField(
        _l("What is the person to the citizen?"),
        [Optional()],
        choices=choices({"": _l("Choose"), **RELATIONS}),
    )
    capacity = RadioField(
        _l("In which capacity does the citizen act for it?"), [Optional()], choices=choices(CAPACITIES)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.declared
