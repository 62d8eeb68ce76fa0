"""Parcels that a carrier takes: labels to print, the list to sign, the numbers that staff type.

Nothing here calls a carrier. A worker has fetched the labels; a typed number is checked on the spot.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, abort, flash, redirect, render_template, request, send_file
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal import audit, clock, files, security
from portal.db import db, transaction
from portal.documents.delivering import carrier, following
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.delivery_pages import visible
from portal.documents.desk import back_to, blueprint, delivery_at_desk, refusals_told
from portal.documents.issuing.pdf_check import joined
from portal.documents.models import Delivery, DocumentRequest
from portal.people.visitor import the_person
from portal.providers import current_providers

AT_ONCE = 200
"""So many parcels of one carrier are handed over at a time."""


@blueprint.post("/deliveries/<key>/number")
@security.staff_only
def tell_number(key: str) -> ResponseReturnValue:
    """The number on the slip of the post office, or on the voucher where an answer was lost."""
    delivery = delivery_at_desk(key)
    provider = current_providers().delivery.get(delivery.provider) or abort(404)
    with refusals_told():
        receipt = provider.accept_number(following.receipt_of(delivery), request.form.get("number", ""))
        with transaction():
            carrier.number_told(delivery, receipt, the_person())
            following.post_label(delivery)
        flash(_("The number %(number)s is recorded.", number=receipt.reference), "success")
    return back_to(delivery.request.appointment)


@blueprint.post("/deliveries/<key>/arrived")
@security.staff_only
def arrived(key: str) -> ResponseReturnValue:
    """It has arrived: so says the carrier's page, or the citizen."""
    delivery = delivery_at_desk(key)
    with refusals_told():
        with transaction():
            deliveries.arrived(delivery, the_person())
        flash(_("Recorded: it has arrived."), "success")
    return back_to(delivery.request.appointment)


@blueprint.get("/deliveries/<key>/label")
@security.staff_only
def label(key: str) -> ResponseReturnValue:
    """The label of one parcel."""
    delivery = delivery_at_desk(key)
    if not delivery.label_file:
        return _no_label()
    return _printed([delivery], f"label-{delivery.reference}.pdf")


@blueprint.get("/deliveries/labels/<way>")
@security.staff_only
def labels(way: str) -> ResponseReturnValue:
    """All labels that wait for a carrier, as one file to print."""
    waiting = [delivery for delivery in _waiting(way) if delivery.label_file]
    if not waiting:
        return _no_label()
    return _printed(waiting, f"labels-{clock.now():%Y-%m-%d}.pdf")


@blueprint.get("/deliveries/hand-over/<way>")
@security.staff_only
def hand_over_list(way: str) -> str:
    """What the carrier takes today, to print and have signed."""
    return render_template("documents/hand_over_list.html", way=way, waiting=_waiting(way), now=clock.now())


@blueprint.post("/deliveries/hand-over/<way>")
@security.staff_only
def hand_all_over(way: str) -> ResponseReturnValue:
    """The carrier has taken the parcels that are marked on the list."""
    marked = set(request.form.getlist("taken"))
    taken = [delivery for delivery in _waiting(way) if delivery.key in marked]
    if not taken:
        flash(_("Mark at least one parcel that was taken."), "error")
        return redirect(flask_url_for("desk.hand_over_list", way=way))
    with refusals_told():
        with transaction():
            for delivery in taken:
                deliveries.handed_to_carrier(delivery, the_person())
        flash(
            ngettext(
                "Recorded: %(num)d parcel was given to the carrier.",
                "Recorded: %(num)d parcels were given to the carrier.",
                len(taken),
            ),
            "success",
        )
    return redirect(flask_url_for("desk.deliveries"))


def _waiting(way: str) -> list[Delivery]:
    """What is ready for this carrier in the offices of the person, oldest first."""
    if way not in current_providers().delivery:
        abort(404)
    query = visible(select(DocumentRequest)).where(
        DocumentRequest.state == "issued",
        DocumentRequest.deliveries.any((Delivery.provider == way) & (Delivery.state == "prepared")),
    )
    rows = db.session.scalars(query.order_by(DocumentRequest.created_at).limit(AT_ONCE))
    newest = [deliveries.current_delivery(row) for row in rows]
    return [one for one in newest if one and (one.provider, one.state, one.code) == (way, "prepared", "")]


def _printed(deliveries: Iterable[Delivery], filename: str) -> ResponseReturnValue:
    """The labels one after the other."""
    wanted = list(deliveries)
    try:
        content = joined([files.open_document(delivery.label_file) for delivery in wanted])
    except FileNotFoundError:
        return _no_label()
    with transaction():
        for delivery in wanted:
            audit.record(the_person().id, "label read", f"appointment:{delivery.request.appointment_id}")
    answer: Response = send_file(
        content, mimetype="application/pdf", as_attachment=True, download_name=filename
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _no_label() -> ResponseReturnValue:
    flash(_("There is no label to print."), "info")
    return redirect(flask_url_for("desk.deliveries"))
