"""The counter: the citizen shows his code, the clerk looks at the papers and records who took it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal import clock, security
from portal.appointments.papers import PAPERS
from portal.db import db, transaction
from portal.documents.delivering import collecting, counter_codes, lifecycle, undoing
from portal.documents.delivering.delivery_pages import desk_page
from portal.documents.delivering.hand_over_forms import AUTHORISATIONS, HandOverForm
from portal.documents.delivering.trays import within_reach
from portal.documents.desk import back_to, blueprint, delivery_at_desk, refusals_told
from portal.documents.models import Delivery, DocumentRequest
from portal.people.visitor import the_person


@blueprint.post("/deliveries/code")
@security.staff_only
def find_by_code() -> ResponseReturnValue:
    """The code was typed or scanned at the desk: whose document is it?"""
    typed = request.form.get("code", "")
    try:
        with transaction():
            found = counter_codes.found_by(typed, _ready(), the_person())
    except counter_codes.TooManyWrong:
        return desk_page(_too_many(), typed), 422
    if not found:
        return desk_page(_not_known(), typed), 422
    if len(found) > 1:
        return desk_page(_("Several documents have this code. Look for the citizen in the list."), typed), 422
    counter_codes.prove(found[0])
    return redirect(flask_url_for("desk.hand_over", key=found[0]))


@blueprint.get("/deliveries/<key>/hand-over")
@security.staff_only
def hand_over(key: str) -> ResponseReturnValue:
    """Whom the document is for and what to look at; before that, the code."""
    delivery = delivery_at_desk(key)
    if delivery.state not in collecting.READY:
        return _moved_on(delivery)
    return _page(delivery, HandOverForm(formdata=None))


@blueprint.post("/deliveries/<key>/code")
@security.staff_only
def show_code(key: str) -> ResponseReturnValue:
    """The code was typed or scanned for this document."""
    delivery = delivery_at_desk(key)
    if delivery.state not in collecting.READY:
        return _moved_on(delivery)
    try:
        with transaction():
            right = counter_codes.is_right(delivery, request.form.get("code", ""), the_person())
    except counter_codes.TooManyWrong:
        return _page(delivery, HandOverForm(formdata=None), _too_many()), 422
    if not right:
        return _page(delivery, HandOverForm(formdata=None), _not_this(delivery)), 422
    counter_codes.prove(delivery.key)
    return redirect(flask_url_for("desk.hand_over", key=key))


@blueprint.post("/deliveries/<key>/handed-over")
@security.staff_only
def handed_over(key: str) -> ResponseReturnValue:
    """The document is in the hands of whom it is for."""
    delivery = delivery_at_desk(key)
    if delivery.state not in collecting.READY:
        return _moved_on(delivery)
    form = HandOverForm()
    if not counter_codes.is_proved(delivery):
        return _page(delivery, form, _("Ask for the code first. Nothing has been handed over.")), 422
    if not form.validate():
        return _page(delivery, form), 422
    with refusals_told():
        with transaction():
            lifecycle.handed_over(delivery, the_person(), form.proof())
        flash(_handed_over(delivery), "success")
        return redirect(flask_url_for("desk.receipt", key=key))
    return back_to(delivery.request.appointment)


@blueprint.get("/deliveries/<key>/receipt")
@security.staff_only
def receipt(key: str) -> ResponseReturnValue:
    """What the recipient signs, to be printed."""
    delivery = delivery_at_desk(key)
    if delivery.hand_over is None:
        return _moved_on(delivery)
    return render_template(
        "documents/receipt.html",
        delivery=delivery,
        proof=delivery.hand_over,
        papers=PAPERS,
        authorisations=AUTHORISATIONS,
    )


@blueprint.post("/deliveries/<key>/undo")
@security.staff_only
def undo(key: str) -> ResponseReturnValue:
    """It was recorded by mistake."""
    delivery = delivery_at_desk(key)
    with refusals_told():
        with transaction():
            undoing.undo(delivery, the_person())
        flash(_("Undone: the document is still at the office."), "success")
    return back_to(delivery.request.appointment)


@blueprint.post("/deliveries/<key>/extend")
@security.staff_only
def extend(key: str) -> ResponseReturnValue:
    """The citizen needs more time to come."""
    delivery = delivery_at_desk(key)
    with refusals_told():
        with transaction():
            collecting.extend(delivery, the_person())
        flash(_("It is kept longer. The citizen gets an e-mail with the new day."), "success")
    return back_to(delivery.request.appointment)


def _page(delivery: Delivery, form: HandOverForm, code_error: str = "") -> str:
    return render_template(
        "documents/hand_over.html",
        delivery=delivery,
        appointment=delivery.request.appointment,
        form=form,
        proved=counter_codes.is_proved(delivery),
        code_error=code_error,
        now=clock.now(),
    )


def _ready() -> list[tuple[str, str]]:
    """Key and code of what can be collected in the offices of the person."""
    ready = (
        select(Delivery.key, Delivery.code)
        .join(Delivery.request)
        .join(DocumentRequest.appointment)
        .where(Delivery.state.in_(collecting.READY), Delivery.code != "", DocumentRequest.state == "issued")
    )
    return [(key, code) for key, code in db.session.execute(within_reach(ready, the_person()))]


def _moved_on(delivery: Delivery) -> ResponseReturnValue:
    flash(_("This document is not waiting to be handed over. See below where it stands."), "info")
    return back_to(delivery.request.appointment)


def _handed_over(delivery: Delivery) -> str:
    name = delivery.request.appointment.citizen_name
    minutes = int(undoing.UNDO_FOR.total_seconds() // 60)
    return _(
        "The document of %(name)s is handed over. In case of a mistake, undo it within %(minutes)s minutes.",
        name=name,
        minutes=minutes,
    )


def _not_this(delivery: Delivery) -> str:
    return _(
        "This is not the code of %(name)s’s document. Nothing has been handed over. The citizen "
        "finds the code in the e-mail, or after login on the page of the appointment.",
        name=delivery.request.appointment.citizen_name,
    )


def _not_known() -> str:
    return _(
        "No document that waits here has this code. The citizen finds the code in the e-mail, or after login "
        "on the page of the appointment."
    )


def _too_many() -> str:
    minutes = int(counter_codes.PAUSE.total_seconds() // 60)
    return _("Too many wrong codes. For %(minutes)s minutes no further code is tried here.", minutes=minutes)
