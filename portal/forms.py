"""Shared form fields and checks: phone, postal code, tax number, e-mail, with errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, Form, SelectMultipleField, StringField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal import kept_forms, mail_domains
from portal.plugin_api import tax_number


class PageForm(FlaskForm):
    """Parent of our forms: one whose sender was logged out meanwhile comes back as he had filled it in."""

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: Form, formdata: Any) -> Any:
            given = super().wrap_formdata(form, formdata)
            if given is not None:
                return given
            kept = kept_forms.of_this_page()
            return kept if kept and not kept.keys().isdisjoint(form._fields) else None


def required(message: Any) -> DataRequired:
    """The field must be filled in; ``message`` says with what."""
    return DataRequired(message=message)


def choices(words: Mapping[str, Any]) -> list[SelectChoice]:
    """The choices of a field from their values and what they are called."""
    return [SelectChoice(value, words[value]) for value in words]


class ManyChoices(SelectMultipleField):
    """Several of a few choices, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class EmailField(StringField):
    """An e-mail address; spaces around it are dropped.

    Where its domain looks like a slip of the keyboard the field asks once: it proposes another address, and
    takes the one that was typed when the form is sent once more. Nothing is changed without the person.
    With ``asks`` false there is nobody to be asked.
    """

    data: str | None

    def __init__(self, *args: Any, asks: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks, self.meant, self._kept = asks, "", ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        if formdata is None:
            return
        self._kept = formdata.get(f"{self.name}-kept", "")
        self.data = formdata.get(f"{self.name}-meant") or self.data

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata([value.strip() for value in valuelist])

    def pre_validate(self, form: Form) -> None:
        if not self.data:
            return
        try:
            self.data = validate_email(self.data, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValidationError(
                _l("This e-mail address is not complete. Write it like name@example.gr.")
            ) from None
        self._ask()

    def _ask(self) -> None:
        meant = mail_domains.meant_address(self.data or "")
        if self.asks and meant and self.data != self._kept:
            self.meant = meant
            raise ValidationError(
                _l(
                    "Do you mean %(address)s? If what you wrote is right, send the form once more.",
                    address=meant,
                )
            )


class PhoneField(StringField):
    """A phone number; Greek ones need no country code. Kept with it: ``+306900000000``."""

    data: str | None

    def pre_validate(self, form: Form) -> None:
        if not self.data:
            return
        try:
            number = phonenumbers.parse(self.data, "GR")
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise ValidationError(
                _l("This is not a phone number. Write ten digits, like 6900000000, or + and the country.")
            )
        self.data = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def _value(self) -> str:
        return readable_phone(self.data or "")


class PostalCodeField(StringField):
    """A Greek postal code, with or without its space; kept as five digits."""

    data: str | None

    def pre_validate(self, form: Form) -> None:
        if not self.data:
            return
        digits = re.sub(r"[\s-]", "", self.data)
        if not re.fullmatch(r"[1-8]\d{4}", digits):
            raise ValidationError(_l("A postal code has five digits, like 157 72."))
        self.data = digits


class TaxNumberField(StringField):
    """A Greek tax number with a right check digit; kept as nine digits."""

    data: str | None

    def pre_validate(self, form: Form) -> None:
        if not self.data:
            return
        number = tax_number.written_plainly(self.data)
        if not tax_number.is_tax_number(number):
            raise ValidationError(
                _l("This is not a tax number (AFM). Check its nine digits on a paper of the tax authority.")
            )
        self.data = number


def readable_phone(number: str) -> str:
    """``6900000000`` for a Greek number, the international form for any other."""
    try:
        parsed = phonenumbers.parse(number, "GR")
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code == 30:
        return str(parsed.national_number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def short_text(label: Any, longest: int, *checks: Any, **options: Any) -> StringField:
    """A line of text of at most ``longest`` letters, without spaces around it."""
    too_long = _l("Please write at most %(max)d letters.")
    return StringField(
        label,
        [*(checks or [Optional()]), Length(max=longest, message=too_long)],
        filters=[lambda value: value.strip() if value else value],
        **options,
    )


def demand(field: Field, message: Any) -> bool:
    """Demand a value where another answer of the form makes it necessary."""
    if field.data:
        return True
    field.errors = [*field.errors, message]
    return False
