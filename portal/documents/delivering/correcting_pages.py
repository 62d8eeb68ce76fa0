"""Where the citizen mends a delivery that did not work: what happened, and a form with the service's ways."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import security
from portal.appointments.citizen.own_pages import own_appointment
from portal.appointments.pages import ways_of
from portal.db import transaction
from portal.documents import lifecycle
from portal.documents.delivering import correcting
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.delivering.way_form import WayForm, what_is_known
from portal.documents.models import DocumentRequest
from portal.documents.states import NotPossible
from portal.people.visitor import the_person
from portal.points.lists import needs_point
from portal.providers import current_providers

blueprint = Blueprint("correcting", __name__)


@blueprint.get("/appointments/<key>/delivery")
@security.citizen_only
def show(key: str) -> ResponseReturnValue:
    """What happened, and the form with what is known."""
    wanted = _own_request(key)
    if not correcting.can_be_corrected(wanted):
        return _not_now(wanted)
    delivery = current_delivery(wanted)
    known = what_is_known(wanted.appointment, delivery.provider if delivery else "")
    return _page(wanted, _form(wanted, None, data=known))


@blueprint.post("/appointments/<key>/delivery")
@security.limiter.limit("10 per hour", exempt_when=lambda: _looks_for_points())
@security.limiter.limit("60 per hour")
@security.citizen_only
def send(key: str) -> ResponseReturnValue:
    """Begin another attempt with what was typed; what is wrong comes back at its field."""
    wanted = _own_request(key)
    if not correcting.can_be_corrected(wanted):
        return _not_now(wanted)
    form = _form(wanted, request.form)
    if form.wants_points():
        return _page(wanted, form)
    if not form.validate():
        return _page(wanted, form), 422
    try:
        with transaction():
            correcting.correct(wanted, form.chosen_way(), form.contact(), the_person())
    except NotPossible:
        return _not_now(wanted)
    flash(_("Thank you. The document is on its way to you again."), "success")
    return _to_appointment(wanted)


def _looks_for_points() -> bool:
    """To look for a point is no attempt. The same as `WayQuestions.wants_points`, before there is a form."""
    way = current_providers().delivery.get(request.form.get("delivery", ""))
    return "show_points" in request.form and way is not None and needs_point(way)


def _form(wanted: DocumentRequest, given: Any, **more: Any) -> WayForm:
    appointment = wanted.appointment
    ways = ways_of(appointment.service, appointment.channel)
    question = _l("How shall the document reach you?")
    return WayForm(given, appointment=appointment, ways=ways, question=question, **more)


def _own_request(key: str) -> DocumentRequest:
    return lifecycle.request_of(own_appointment(key)) or abort(404)


def _page(wanted: DocumentRequest, form: WayForm) -> str:
    return render_template("documents/correct_delivery.html", wanted=wanted, form=form)


def _not_now(wanted: DocumentRequest) -> ResponseReturnValue:
    flash(_("There is nothing to correct now: see below where your document stands."), "info")
    return _to_appointment(wanted)


def _to_appointment(wanted: DocumentRequest) -> ResponseReturnValue:
    key = wanted.appointment.key
    return redirect(flask_url_for("citizen.appointment", key=key, _anchor="document"))
