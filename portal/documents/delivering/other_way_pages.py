"""Where staff choose another way of delivery, and type what the citizen tells them for it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import security
from portal.db import transaction
from portal.documents.delivering import redirecting
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.delivering.recipients import ways_to_choose
from portal.documents.delivering.way_form import WayForm, what_is_known
from portal.documents.desk import back_to, blueprint, refusals_told, request_at_desk
from portal.documents.models import DocumentRequest
from portal.documents.states import FAILURES
from portal.people import access
from portal.people.visitor import the_person


@blueprint.get("/deliveries/other-way/<key>")
@security.staff_only
def choose_way(key: str) -> ResponseReturnValue:
    """What can be done with a document that has not reached the citizen, and how it shall go."""
    wanted = request_at_desk(key)
    if wanted.state not in redirecting.POSSIBLE:
        return redirect(flask_url_for("desk.deliveries"))
    known = what_is_known(wanted.appointment, _way_at_first(wanted))
    return _page(wanted, _form(wanted, None, data=known))


@blueprint.post("/documents/<key>/other-way")
@security.staff_only
def other_way(key: str) -> ResponseReturnValue:
    """Deliver the document by another way, or to another address, than before."""
    wanted = request_at_desk(key)
    form = _form(wanted, request.form)
    if form.wants_points():
        return _page(wanted, form)
    if wanted.state in redirecting.POSSIBLE and not form.validate():
        return _page(wanted, form), 422
    with refusals_told():
        with transaction():
            redirecting.redirect(wanted, form.chosen_way(), form.contact(), the_person())
        flash(_told(wanted), "success")
    return back_to(wanted.appointment)


def _way_at_first(wanted: DocumentRequest) -> str:
    """Where only the address may be wrong the way stays chosen; otherwise the clerk chooses."""
    delivery = current_delivery(wanted)
    if delivery is None:
        return wanted.appointment.delivery
    return delivery.provider if delivery.state in FAILURES else ""


def _form(wanted: DocumentRequest, given: Any, **more: Any) -> WayForm:
    appointment, question = wanted.appointment, _l("How shall it reach the citizen?")
    ways = ways_to_choose(appointment)
    return WayForm(given, appointment=appointment, ways=ways, question=question, **more)


def _page(wanted: DocumentRequest, form: WayForm) -> str:
    may_serve = access.may_serve(the_person(), wanted.appointment)
    return render_template("documents/choose_way.html", wanted=wanted, form=form, may_serve=may_serve)


def _told(wanted: DocumentRequest) -> str:
    if wanted.state == "issued":
        return _("The document is on its way to the citizen.")
    return _("As soon as the document is issued, it goes this way.")
