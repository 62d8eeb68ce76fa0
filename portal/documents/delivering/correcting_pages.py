"""Where the citizen mends a delivery that did not work: what happened, and a form with the service's ways."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal import security
from portal.appointments import contact
from portal.appointments.citizen import point_questions
from portal.appointments.citizen.own_pages import own_appointment
from portal.appointments.citizen.way_questions import WayQuestions
from portal.appointments.models import Appointment
from portal.appointments.pages import ways_of
from portal.db import transaction
from portal.documents import lifecycle
from portal.documents.delivering import correcting
from portal.documents.delivering.lifecycle import Way, current_delivery
from portal.documents.delivering.recipients import recipient_of
from portal.documents.models import DocumentRequest
from portal.documents.states import NotPossible
from portal.forms import EmailField, PhoneField, PostalCodeField, demand, short_text
from portal.people.visitor import the_person
from portal.plugin_api import Recipient, RecipientField
from portal.points.lists import needs_point
from portal.providers import current_providers

blueprint = Blueprint("correcting", __name__)


class CorrectionForm(WayQuestions):
    """How the document shall come now; what only one way needs is demanded for that way alone."""

    delivery = RadioField(
        _l("How shall the document reach you?"), [InputRequired(_l("Choose a way of delivery."))]
    )
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

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._appointment = appointment
        self.offer_ways(ways_of(appointment.service, appointment.channel))

    def validate(self, extra_validators: Any = None) -> bool:
        """Only what the chosen way needs is looked at; what stands in other fields is kept all the same."""
        aside = {field: field.data for field in self._not_needed()}
        for field in aside:
            field.data = ""
        valid = super().validate(extra_validators)
        valid = all(self._demanded()) and valid
        for field, typed in aside.items():
            field.data = typed
        return valid

    def _not_needed(self) -> list[StringField]:
        needed = self.needed_by(self.delivery.data or "")
        asked = {
            self.email: RecipientField.EMAIL,
            self.phone: RecipientField.PHONE,
            self.postal_code: RecipientField.POSTAL_ADDRESS,
        }
        return [field for field, what in asked.items() if what not in needed]

    def _demanded(self) -> list[bool]:
        needed = self.needed_by(self.delivery.data or "")
        wanted = {
            RecipientField.EMAIL: (
                self.email,
                _l("Write the e-mail address to which the document shall go."),
            ),
            RecipientField.PHONE: (self.phone, _l("Write a phone number: the carrier needs it.")),
        }
        return [demand(*question) for field, question in wanted.items() if field in needed]

    def _as_recipient(self) -> Recipient:
        return recipient_of(self._appointment, self.recipient(self.delivery.data or ""))


@blueprint.get("/appointments/<key>/delivery")
@security.citizen_only
def show(key: str) -> ResponseReturnValue:
    """What happened, and the form with what is known."""
    wanted = _own_request(key)
    if not correcting.can_be_corrected(wanted):
        return _not_now(wanted)
    appointment = wanted.appointment
    delivery = current_delivery(wanted)
    answers = {
        "email": appointment.email,
        "phone": appointment.phone,
        **appointment.address,
        "delivery": delivery.provider if delivery else None,
        "attachment": bool(appointment.recipient.get("attachment_wish")),
        **_point_answers(appointment),
    }
    return _page(wanted, CorrectionForm(formdata=None, data=answers, appointment=appointment))


@blueprint.post("/appointments/<key>/delivery")
@security.limiter.limit("10 per hour", exempt_when=lambda: _looks_for_points())
@security.limiter.limit("60 per hour")
@security.citizen_only
def send(key: str) -> ResponseReturnValue:
    """Begin another attempt with what was typed; what is wrong comes back at its field."""
    wanted = _own_request(key)
    if not correcting.can_be_corrected(wanted):
        return _not_now(wanted)
    form = CorrectionForm(request.form, appointment=wanted.appointment)
    if form.wants_points():
        return _page(wanted, form)
    if not form.validate():
        return _page(wanted, form), 422
    try:
        _begin(wanted, form)
    except NotPossible:
        return _not_now(wanted)
    flash(_("Thank you. The document is on its way to you again."), "success")
    return _to_appointment(wanted)


def _looks_for_points() -> bool:
    """To look for a point is no attempt. The same as `WayQuestions.wants_points`, before there is a form."""
    way = current_providers().delivery.get(request.form.get("delivery", ""))
    return "show_points" in request.form and way is not None and needs_point(way)


def _point_answers(appointment: Appointment) -> dict[str, str]:
    """The point of the last attempt, and where to look for others."""
    told = appointment.recipient.get(RecipientField.PICKUP_POINT)
    home = appointment.address.get("postal_code", "")
    return {
        "point": told["code"] if told else "",
        "point_search": home or (told["postal_code"] if told else ""),
    }


def _begin(wanted: DocumentRequest, form: CorrectionForm) -> None:
    appointment, citizen, name = wanted.appointment, the_person(), form.delivery.data
    way = Way(name, form.recipient(name))
    needed = form.needed_by(name)
    # What stands in a field that the chosen way does not need was not looked at.
    email = form.email.data if RecipientField.EMAIL in needed else ""
    phone = form.phone.data if RecipientField.PHONE in needed else ""
    address = form.address() if RecipientField.POSTAL_ADDRESS in needed else {}
    with transaction():
        correcting.correct(wanted, way, citizen)
        contact.correct(appointment, email or "", phone or "", address, citizen)
        contact.prefer(appointment, way.provider, way.recipient)


def _own_request(key: str) -> DocumentRequest:
    return lifecycle.request_of(own_appointment(key)) or abort(404)


def _page(wanted: DocumentRequest, form: CorrectionForm) -> str:
    return render_template("documents/correct_delivery.html", wanted=wanted, form=form)


def _not_now(wanted: DocumentRequest) -> ResponseReturnValue:
    flash(_("There is nothing to correct now: see below where your document stands."), "info")
    return _to_appointment(wanted)


def _to_appointment(wanted: DocumentRequest) -> ResponseReturnValue:
    key = wanted.appointment.key
    return redirect(flask_url_for("citizen.appointment", key=key, _anchor="document"))
