"""The clerk's form for a template, made from what its TOML file asks for."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, DecimalField, Field, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from portal.certificates.forms import Asked, Form
from portal.forms import PageForm, choices
from portal.i18n import in_readers_language


def form_for(asked: Form) -> PageForm:
    """The form with a field for each thing asked; `answers` of what it validated fills the template."""
    fields = {one.key: _field(one) for one in asked.fields}
    kind = type("CertificateForm", (PageForm,), fields)
    form: PageForm = kind()
    return form


def answers(form: PageForm, asked: Form) -> dict[str, Any]:
    """What was typed, by key, as the template knows it; a choice in Greek."""
    return {one.key: _answer(one, form[one.key].data) for one in asked.fields}


def sample(asked: Form) -> dict[str, Any]:
    """Invented answers, to try a template without a case."""
    kinds: dict[str, Any] = {"yes_no": True, "number": "1"}
    return {one.key: kinds.get(one.kind, "Δοκιμή") for one in asked.fields}


def _field(one: Asked) -> Field:
    label, hint = in_readers_language(one.label), in_readers_language(one.hint) if one.hint else ""
    if one.kind == "yes_no":
        return BooleanField(label, description=hint)
    checks: list[Any] = [InputRequired(_l("Fill in “%(field)s”: the certificate needs it.", field=label))]
    if not one.required:
        checks = [Optional()]
    if one.kind == "choice":
        names = {str(number): in_readers_language(text) for number, text in enumerate(one.choices)}
        return RadioField(label, checks, choices=choices(names), description=hint)
    if one.kind == "date":
        return DateField(label, checks, description=hint)
    if one.kind == "number":
        return DecimalField(label, checks, description=hint)
    longest = Length(max=one.longest, message=_l("At most %(max)d letters."))
    kind = TextAreaField if one.kind == "long_text" else StringField
    return kind(label, [*checks, longest], description=hint, filters=[_stripped])


def _answer(one: Asked, given: Any) -> Any:
    if one.kind == "choice":
        return one.choices[int(given)].el if given else ""
    return given


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text
