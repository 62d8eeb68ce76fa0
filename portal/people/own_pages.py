"""My details: what the registry says of the citizen, and the contact details that he lets us keep."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import Length, Optional

from portal import audit, security
from portal.db import transaction
from portal.forms import EmailField, PageForm, PhoneField, PostalCodeField, short_text
from portal.people import lifecycle
from portal.people.models import Person
from portal.people.visitor import the_person

blueprint = Blueprint("own_details", __name__)

ADDRESS = ("street", "number", "postal_code", "town")


class ContactForm(PageForm):
    """How the citizen is reached; everything may be left empty."""

    email = EmailField(_l("E-mail"), [Optional(), Length(max=254)])
    phone = PhoneField(_l("Mobile or landline phone"), [Optional()])
    street = short_text(_l("Street"), 100)
    number = short_text(_l("Number"), 10)
    postal_code = PostalCodeField(_l("Postal code"), [Optional()])
    town = short_text(_l("Town"), 80)

    def address(self) -> dict[str, str]:
        """As much of an address as was given."""
        return {name: self[name].data for name in ADDRESS if self[name].data}


@blueprint.get("/my-details")
@security.citizen_only
def show() -> str:
    """What is known of the citizen."""
    person = the_person()
    contact = {"email": person.email, "phone": person.phone} if person.contact_kept_at else {}
    return _page(person, ContactForm(data={**contact, **person.address}))


@blueprint.post("/my-details")
@security.citizen_only
def change() -> ResponseReturnValue:
    """Keep what was typed, or forget all of it."""
    person = the_person()
    if "forget" in request.form:
        with transaction():
            lifecycle.forget_contact(person)
            audit.record(person.id, "contact forgotten", f"person:{person.id}")
        flash(_("Your contact details are deleted. Appointments that are booked keep their own."), "success")
        return redirect(flask_url_for("own_details.show"))
    form = ContactForm()
    if not form.validate():
        return _page(person, form), 422
    with transaction():
        lifecycle.keep_contact(person, form.email.data or "", form.phone.data or "", form.address())
        audit.record(person.id, "contact kept", f"person:{person.id}")
    flash(_("Your contact details are saved. They are filled in for you at the next booking."), "success")
    return redirect(flask_url_for("own_details.show"))


def _page(person: Person, form: ContactForm) -> str:
    number = lifecycle.tax_number_of(person)
    # Enough to recognise one's own number; whoever looks over the shoulder learns nothing.
    shown = f"••••••{number[-3:]}" if number else ""
    return render_template("people/own_details.html", person=person, form=form, tax_number=shown)
