"""What needs attention: work that was given up and deliveries that did not work, with what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import flash, redirect, render_template
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal import audit, outbox, security
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.db import db, transaction
from portal.documents.delivery_pages import visible
from portal.documents.desk import blueprint
from portal.documents.lifecycle import current_delivery
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.documents.progress import PROBLEMS
from portal.outbox import OutboxRow
from portal.people import access
from portal.people.visitor import the_person

SHOWN = 100

KINDS: dict[str, LazyString] = {
    "appointment.lapse": _l("A held time was not given back"),
    "appointment.notice": _l("A message about an appointment did not reach the citizen"),
    "appointment.served_notice": _l("A message about an appointment did not reach the person served"),
    "appointment.invitation": _l("An invitation to a call was not sent"),
    "video.open": _l("A video room could not be opened"),
    "video.close": _l("A video room could not be closed"),
    "delivery.send": _l("A document could not be delivered"),
    "delivery.forget": _l("Personal data about a delivery could not be erased outside of the portal"),
    "document.code": _l("A one-time code for a document was not sent"),
    "document.forget": _l("An expired document could not be erased"),
    "event.tell": _l("A plugin was not told what happened"),
}
"""What work is called that was given up."""

OWNERS: dict[str, Callable[[int], Appointment | None]] = {
    "appointment_id": lambda number: db.session.get(Appointment, number),
    "participant_id": lambda number: _appointment_of(db.session.get(Participant, number)),
    "room_id": lambda number: _appointment_of(db.session.get(VideoRoom, number)),
    "request_id": lambda number: _appointment_of(db.session.get(DocumentRequest, number)),
    "delivery_id": lambda number: _appointment_of(getattr(db.session.get(Delivery, number), "request", None)),
    "document_id": lambda number: _appointment_of(
        getattr(db.session.get(IssuedDocument, number), "request", None)
    ),
}
"""The appointment behind each number that work is posted with."""


@dataclass(frozen=True)
class GivenUp:
    """One piece of work on the list."""

    row: OutboxRow
    title: str
    appointment: Appointment | None
    """Whose case it is; None when it belongs to none or to one that the reader may not open."""


@blueprint.get("/attention")
@security.supervisor_only
def attention() -> str:
    """The list, for supervisors and administrators."""
    return render_template(
        "documents/attention.html",
        given_up=[_given_up(row) for row in outbox.buried_rows()[:SHOWN]],
        failed=_failed(),
    )


@blueprint.post("/attention/<int:row_id>/<any('retry', 'close'):deed>")
@security.supervisor_only
def settle(row_id: int, deed: str) -> ResponseReturnValue:
    """Try given-up work again, or take it off the list."""
    with transaction():
        done = outbox.retry_now(row_id) if deed == "retry" else outbox.close(row_id)
        if done:
            audit.record(the_person().id, f"work: {deed}", f"outbox:{row_id}")
    if not done:
        flash(_("A colleague has dealt with this already."), "info")
    elif deed == "retry":
        flash(_("It is being tried again now. If it fails once more, it comes back to this list."), "success")
    else:
        flash(_("It is off the list."), "success")
    return redirect(flask_url_for("desk.attention"))


def _given_up(row: OutboxRow) -> GivenUp:
    kind = row.kind.removesuffix(outbox.BURIED)
    found = next((OWNERS[name](value) for name, value in row.payload.items() if name in OWNERS), None)
    mine = found is not None and access.may_serve(the_person(), found)
    return GivenUp(row, str(KINDS.get(kind, kind)), found if mine else None)


def _failed() -> list[DocumentRequest]:
    """Documents whose newest attempt did not work."""
    issued = visible(select(DocumentRequest)).where(
        DocumentRequest.state == "issued",
        DocumentRequest.deliveries.any(Delivery.state.in_(PROBLEMS)),
    )
    rows = db.session.scalars(issued.order_by(DocumentRequest.created_at).limit(SHOWN))
    return [row for row in rows if (last := current_delivery(row)) and last.state in PROBLEMS]


def _appointment_of(found: Participant | VideoRoom | DocumentRequest | None) -> Appointment | None:
    return found.appointment if found else None
