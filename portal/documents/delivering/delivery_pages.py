"""The delivery desk of an office: what is owed, what waits to be handed over, where the rest stands."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from portal import security
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.documents.delivering import calling_back, lifecycle
from portal.documents.desk import (
    back_to,
    blueprint,
    delivery_at_desk,
    refusals_told,
    request_at_desk,
    way_chosen,
)
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers.lifecycle import OPEN
from portal.documents.progress import has_labels, keeps
from portal.people import access
from portal.people.visitor import the_person

SHOWN = 200
ARRIVED_SHOWN = 20

LATIN = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
"""Greek letters that look like Latin ones: whoever types the code with either keyboard means the same."""


@dataclass(frozen=True)
class Tray:
    """One heap of the desk."""

    name: str
    title: LazyString
    empty: LazyString
    requests: list[DocumentRequest]


@blueprint.get("/deliveries")
@security.staff_only
def deliveries() -> str:
    """What is owed, what waits for the citizen, what failed, what is on its way, what arrived lately."""
    person, trays = the_person(), _trays()
    return render_template(
        "documents/desk.html",
        trays=trays,
        carriers=_carriers(trays),
        may_serve=lambda appointment: access.may_serve(person, appointment),
        may_approve=lambda wanted: access.may_approve(
            person, wanted.appointment.office_id, wanted.prepared.prepared_by
        ),
    )


@blueprint.post("/deliveries/<key>/handed-over")
@security.staff_only
def hand_over(key: str) -> ResponseReturnValue:
    """The citizen says his code and has the document in his hands."""
    delivery = delivery_at_desk(key)
    appointment = delivery.request.appointment
    given, right = _comparable(request.form.get("code", "")), _comparable(delivery.code)
    if not hmac.compare_digest(given.encode(), right.encode()):
        flash(
            _(
                "This is not the code of %(name)s’s document. Nothing has been handed over. The citizen "
                "finds the code in his e-mail, or after login on the page of the appointment.",
                name=appointment.citizen_name,
            ),
            "error",
        )
        return back_to(appointment)
    with refusals_told():
        with transaction():
            lifecycle.handed_over(delivery, the_person())
        flash(_("The document of %(name)s is handed over.", name=appointment.citizen_name), "success")
    return back_to(appointment)


@blueprint.post("/deliveries/<key>/<any('carrier', 'came-back', 'try-again', 'call-back'):deed>")
@security.staff_only
def record_deed(key: str, deed: str) -> ResponseReturnValue:
    """Given to the carrier, came back, to be tried once more the same way, or to be called back."""
    delivery = delivery_at_desk(key)
    if deed == "came-back" and keeps(delivery.provider):
        abort(400)  # there is nothing that could come back
    deeds = {
        "carrier": (lifecycle.handed_to_carrier, _("Recorded: given to the carrier.")),
        "came-back": (lifecycle.came_back, _("Recorded: it came back. Choose another way.")),
        "try-again": (lifecycle.try_again, _("The document is being sent once more.")),
        "call-back": (
            calling_back.ask,
            _("The carrier is being asked. Its answer will stand here; until then nothing has changed."),
        ),
    }
    change, message = deeds[deed]
    with refusals_told():
        with transaction():
            change(delivery, the_person())
        flash(message, "success")
    return back_to(delivery.request.appointment)


@blueprint.post("/documents/<key>/other-way")
@security.staff_only
def other_way(key: str) -> ResponseReturnValue:
    """Deliver the document by another way than before."""
    wanted = request_at_desk(key)
    with refusals_told():
        way = way_chosen(wanted.appointment, request.form.get("way", ""))
        with transaction():
            lifecycle.choose_other_way(wanted, way, the_person())
        flash(_("The document is on its way to the citizen."), "success")
    return back_to(wanted.appointment)


@blueprint.get("/deliveries/other-way/<key>")
@security.staff_only
def choose_way(key: str) -> ResponseReturnValue:
    """Where colleagues of the same office choose another way without opening the case."""
    wanted = request_at_desk(key)
    if wanted.state != "issued":
        return redirect(flask_url_for("desk.deliveries"))
    return render_template("documents/choose_way.html", wanted=wanted)


def visible(query: Select[DocumentRequest]) -> Select[DocumentRequest]:
    """Narrow to the offices in which the person serves; an administrator sees all."""
    query = query.join(DocumentRequest.appointment).options(
        joinedload(DocumentRequest.appointment).options(
            joinedload(Appointment.service),
            joinedload(Appointment.office),
            joinedload(Appointment.clerk),
            joinedload(Appointment.served),
        ),
        selectinload(DocumentRequest.deliveries),
        selectinload(DocumentRequest.document),
        selectinload(DocumentRequest.prepared),
    )
    posts = access.counter_posts(the_person())
    if any(post.role == "administrator" for post in posts):
        return query
    return query.where(Appointment.office_id.in_([post.office_id for post in posts]))


def _trays() -> list[Tray]:
    requests = _requests()
    states = {row.id: _state(row) for row in requests}

    def heap(*wanted: str) -> list[DocumentRequest]:
        return [row for row in requests if states[row.id] in wanted]

    return [
        Tray("owed", _l("To be issued"), _l("Nothing waits to be issued."), heap("to_issue")),
        Tray("review", _l("Papers to be looked at"), _l("No papers have come."), heap("in_review")),
        Tray(
            "papers",
            _l("Waiting for citizens’ papers"),
            _l("No papers are missing."),
            heap("needs_papers"),
        ),
        Tray(
            "approval",
            _l("Waits for approval or the seal"),
            _l("Nothing waits for approval."),
            heap("to_approve", "to_seal"),
        ),
        Tray(
            "problem",
            _l("Did not work: choose another way"),
            _l("Every delivery works."),
            heap("failed", "returned", "cancelled"),
        ),
        Tray("ready", _l("Ready to be handed over"), _l("Nobody is expected."), heap("prepared")),
        Tray("away", _l("On their way"), _l("Nothing is on its way."), heap("waiting", "sent")),
        Tray("arrived", _l("Received lately"), _l("Nothing yet."), _arrived()),
    ]


def _carriers(trays: list[Tray]) -> dict[str, int]:
    """How many parcels with labels wait to be given to each carrier."""
    ready = next(tray for tray in trays if tray.name == "ready")
    names = [lifecycle.current_delivery(row) for row in ready.requests]
    labelled = [one.provider for one in names if one is not None and has_labels(one.provider)]
    return {name: labelled.count(name) for name in sorted(set(labelled))}


def _requests() -> list[DocumentRequest]:
    query = visible(select(DocumentRequest)).where(DocumentRequest.state.in_([*OPEN, "issued"]))
    by_age = query.order_by(DocumentRequest.due_on, DocumentRequest.created_at)
    return list(db.session.scalars(by_age.limit(SHOWN)))


def _arrived() -> list[DocumentRequest]:
    query = visible(select(DocumentRequest)).where(DocumentRequest.state == "completed")
    return list(db.session.scalars(query.order_by(DocumentRequest.id.desc()).limit(ARRIVED_SHOWN)))


def _state(row: DocumentRequest) -> str:
    delivery: Delivery | None = lifecycle.current_delivery(row)
    return delivery.state if delivery else row.state


def _comparable(code: str) -> str:
    return "".join(code.split()).upper().translate(LATIN)
