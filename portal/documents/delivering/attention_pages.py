"""What needs attention: work that was given up and deliveries that did not work, with what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal import audit, outbox, security
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.db import db, transaction
from portal.documents.delivering.delivery_pages import visible
from portal.documents.delivering.lifecycle import current_delivery
from portal.documents.desk import blueprint
from portal.documents.models import Delivery, DocumentRequest, IssuedDocument
from portal.documents.states import PROBLEMS
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
    "delivery.label": _l("A label could not be fetched from the carrier"),
    "delivery.news": _l("The carrier could not be asked where a parcel is"),
    "delivery.notice": _l("The citizen was not told that the document did not arrive"),
    "delivery.redirected": _l("The citizen was not told that the office changed how the document comes"),
    "delivery.limit": _l("The time limit of a parcel could not be looked at"),
    "delivery.remind": _l("A citizen could not be reminded of a document"),
    "delivery.kept": _l("The last day of a document at the counter could not be looked at"),
    "delivery.waiting": _l("A message about a document at the counter did not reach the citizen"),
    "delivery.cancel": _l("A parcel could not be called back from the carrier"),
    "delivery.forget": _l("Personal data about a delivery could not be erased outside of the portal"),
    "points.refresh": _l("The list of a carrier’s pick-up points could not be fetched"),
    "document.code": _l("A one-time code for a document was not sent"),
    "document.seal": _l("A document could not be sealed"),
    "verification.forget": _l("The record of a document’s code could not be erased"),
    "document.forget": _l("An expired document could not be erased"),
    "case.notice": _l("A message about a request did not reach the citizen"),
    "papers.erase": _l("Papers of a closed case could not be erased"),
    "session.end": _l("A login that the login page had ended may still be open here"),
    "event.tell": _l("A plugin was not told what happened"),
}
"""What work is called that was given up."""

CASES = {
    "appointment_id": select(Appointment.id, Appointment),
    "participant_id": select(Participant.id, Appointment).join(Participant.appointment),
    "room_id": select(VideoRoom.id, Appointment).join(VideoRoom.appointment),
    "request_id": select(DocumentRequest.id, Appointment).join(DocumentRequest.appointment),
    "delivery_id": select(Delivery.id, Appointment).join(Delivery.request).join(DocumentRequest.appointment),
    "document_id": select(IssuedDocument.id, Appointment)
    .join(IssuedDocument.request)
    .join(DocumentRequest.appointment),
}
"""How the appointment is found behind each number that work is posted with."""


@dataclass(frozen=True)
class GivenUp:
    """One piece of work on the list."""

    row: OutboxRow
    title: str
    appointment: Appointment | None
    """Whose case it is; None when it belongs to none, which is a matter of the whole municipality."""


@blueprint.get("/attention")
@security.supervisor_only
def attention() -> str:
    """The list: a supervisor's of his office, an administrator's of the municipality."""
    given_up = _mine(outbox.buried_rows())[:SHOWN]
    return render_template("documents/attention.html", given_up=given_up, failed=_failed())


@blueprint.post("/attention/<int:row_id>/<any('retry', 'close'):deed>")
@security.supervisor_only
def settle(row_id: int, deed: str) -> ResponseReturnValue:
    """Try given-up work again, or take it off the list. What another office must do is not found."""
    row = db.session.get(OutboxRow, row_id)
    if row is None or not _mine([row]):
        abort(404)
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


def _mine(rows: Sequence[OutboxRow]) -> list[GivenUp]:
    """The work that the person may settle, of his offices; what belongs to no case is an administrator's."""
    person, cases = the_person(), _cases_of(rows)
    return [
        GivenUp(row, _title(row), cases.get(row.id))
        for row in rows
        if access.may_settle(person, cases[row.id].office_id if row.id in cases else None)
    ]


def _cases_of(rows: Sequence[OutboxRow]) -> dict[int, Appointment]:
    """The appointment behind each row that has one, found with a question for each kind of number."""
    found: dict[int, Appointment] = {}
    for name, query in CASES.items():
        behind = {row.id: row.payload[name] for row in rows if name in row.payload}
        if behind:
            wanted = query.where(query.selected_columns[0].in_(set(behind.values())))
            known = {number: case for number, case in db.session.execute(wanted)}
            found |= {row: known[number] for row, number in behind.items() if number in known}
    return found


def _title(row: OutboxRow) -> str:
    kind = row.kind.removesuffix(outbox.BURIED)
    return str(KINDS.get(kind, kind))


def _failed() -> list[DocumentRequest]:
    """Documents whose newest attempt did not work."""
    issued = visible(select(DocumentRequest)).where(
        DocumentRequest.state == "issued",
        DocumentRequest.deliveries.any(Delivery.state.in_(PROBLEMS)),
    )
    rows = db.session.scalars(issued.order_by(DocumentRequest.created_at).limit(SHOWN))
    return [row for row in rows if (last := current_delivery(row)) and last.state in PROBLEMS]
