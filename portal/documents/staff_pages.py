"""The delivery desk: documents to issue, where each delivery stands, and what needs attention."""

from __future__ import annotations

import hmac

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from portal import files, outbox, security
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.documents import lifecycle
from portal.documents.jobs import days_kept
from portal.documents.models import Delivery, DocumentRequest
from portal.people import access
from portal.people.visitor import the_person
from portal.providers import current_providers

blueprint = Blueprint("desk", __name__, url_prefix="/staff")

SHOWN = 100


@blueprint.get("/deliveries")
@security.staff_only
def deliveries() -> str:
    """What is owed, what is on its way, what failed."""
    open_requests = db.session.scalars(
        _visible(select(DocumentRequest)).where(DocumentRequest.state.in_(["to_issue", "issued"]))
    ).all()
    return render_template(
        "documents/desk.html",
        owed=[r for r in open_requests if r.state == "to_issue"],
        under_way=[r for r in open_requests if r.state == "issued"],
        ways=current_providers().delivery,
    )


@blueprint.post("/appointments/<key>/document")
@security.staff_only
def add_document(key: str) -> ResponseReturnValue:
    """Add the issued PDF; it goes on its way at once."""
    wanted = _owed(key)
    upload = request.files.get("document")
    content = upload.read() if upload else b""
    try:
        stored = files.store_pdf(upload.filename or "" if upload else "", content)
    except files.NotAcceptable as reason:
        flash(str(reason), "error")
        return redirect(flask_url_for("staff.case", key=key))
    try:
        with transaction():
            lifecycle.issue(wanted, stored, the_person(), days_kept())
    except lifecycle.NotPossible:
        files.forget(stored.stored_as)
        flash(_("The document of this case has been added already."), "error")
        return redirect(flask_url_for("staff.case", key=key))
    flash(_("The document is on its way to the citizen."), "success")
    return redirect(flask_url_for("staff.case", key=key))


@blueprint.post("/deliveries/<key>/handed-over")
@security.staff_only
def hand_over(key: str) -> ResponseReturnValue:
    """The citizen said the code and has the document in his hands."""
    delivery = _delivery(key)
    given = "".join(request.form.get("code", "").split()).upper()
    if delivery.code and not hmac.compare_digest(given.encode(), delivery.code.upper().encode()):
        flash(
            _("This is not the code of this document. Ask the citizen for the code in his e-mail."), "error"
        )
    else:
        try:
            with transaction():
                lifecycle.handed_over(delivery, the_person())
            flash(_("Handed over."), "success")
        except lifecycle.NotPossible:
            flash(_("This document has been handed over already."), "error")
    return redirect(flask_url_for("staff.case", key=delivery.request.appointment.key))


@blueprint.post("/documents/<key>/other-way")
@security.staff_only
def other_way(key: str) -> ResponseReturnValue:
    """Deliver the document by another way than the citizen chose at first."""
    wanted = _served(db.session.scalar(select(DocumentRequest).filter_by(key=key)))
    way = request.form.get("way", "")
    if way not in current_providers().delivery:
        abort(400)
    appointment = wanted.appointment
    recipient = {
        "email": appointment.email,
        "phone": appointment.phone,
        "postal_address": appointment.address or None,
    }
    try:
        with transaction():
            lifecycle.deliver(wanted, way, recipient, the_person())
        flash(_("The document is on its way to the citizen."), "success")
    except lifecycle.NotPossible:
        flash(_("This document has reached the citizen already."), "error")
    return redirect(flask_url_for("staff.case", key=appointment.key))


@blueprint.get("/attention")
@security.supervisor_only
def attention() -> str:
    """Work that was given up and deliveries that failed, with what can be done."""
    failed = db.session.scalars(
        _visible(select(DocumentRequest))
        .join(Delivery, Delivery.request_id == DocumentRequest.id)
        .where(Delivery.state.in_(["failed", "returned"]), DocumentRequest.state == "issued")
        .distinct()
    ).all()
    return render_template(
        "documents/attention.html",
        rows=outbox.buried_rows()[:SHOWN],
        failed=failed,
        ways=current_providers().delivery,
    )


@blueprint.post("/attention/<int:row_id>/<any(retry, close):deed>")
@security.supervisor_only
def settle(row_id: int, deed: str) -> ResponseReturnValue:
    """Try given-up work again, or take it off the list."""
    with transaction():
        done = outbox.retry_now(row_id) if deed == "retry" else outbox.close(row_id)
    flash(_("Done.") if done else _("Somebody else has dealt with this already."), "info")
    return redirect(flask_url_for("desk.attention"))


def _visible(query: Select[tuple[DocumentRequest]]) -> Select[tuple[DocumentRequest]]:
    """The documents of the offices in which the person holds a post; an administrator sees all."""
    posts = access.active_memberships(the_person())
    query = (
        query.join(DocumentRequest.appointment)
        .options(
            joinedload(DocumentRequest.appointment).joinedload(Appointment.service),
            selectinload(DocumentRequest.deliveries),
        )
        .order_by(DocumentRequest.created_at)
        .limit(SHOWN)
    )
    if any(post.role == "administrator" for post in posts):
        return query
    return query.where(Appointment.office_id.in_([post.office_id for post in posts]))


def _owed(key: str) -> DocumentRequest:
    query = select(DocumentRequest).join(DocumentRequest.appointment).where(Appointment.key == key)
    return _served(db.session.scalar(query))


def _delivery(key: str) -> Delivery:
    delivery = db.session.scalar(select(Delivery).filter_by(key=key))
    _served(delivery.request if delivery else None)
    return delivery or abort(404)


def _served(wanted: DocumentRequest | None) -> DocumentRequest:
    """The document, if its office is one of the person's; otherwise it is not found."""
    if wanted is None or not access.may_see_office(the_person(), wanted.appointment.office_id):
        abort(404)
    return wanted
