"""The clerk adds the issued document to a case, looks at it, or takes a wrong one back."""

from __future__ import annotations

from flask import Response, abort, flash, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal import audit, files, security
from portal.appointments.models import Appointment
from portal.db import transaction
from portal.documents import lifecycle, states
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.recipients import ways_to
from portal.documents.desk import back_to, blueprint, refusals_told, served_request, way_chosen
from portal.documents.issuing import approval, finishing
from portal.documents.models import DocumentRequest
from portal.people.visitor import the_person

PUT_FORWARD = {
    "issued": _l("The document has been issued and is on its way to the citizen."),
    "to_approve": _l("The document is prepared. It is issued as soon as a colleague has approved it."),
    "to_seal": _l("The document is prepared. It will be sent as soon as it bears the electronic seal."),
}
"""What comes next, by the state to which the request has moved."""


@blueprint.post("/appointments/<key>/document")
@security.staff_only
def add_document(key: str) -> ResponseReturnValue:
    """Add the issued PDF; it goes on its way at once."""
    wanted = served_request(key)
    upload = request.files.get("document")
    with refusals_told():
        instead = way_instead(wanted.appointment)
        if not upload:
            flash(_("Choose the PDF of the document first."), "error")
        else:
            put_forward(wanted, finishing.upload(upload.filename or "", upload.read()), instead)
    return back_to(wanted.appointment)


@blueprint.get("/appointments/<key>/document")
@security.staff_only
def read_document(key: str) -> ResponseReturnValue:
    """The issued document, to check it or to print it for collection."""
    wanted = served_request(key)
    document = wanted.document or abort(404)
    try:
        content = files.open_document(document.stored_as)
    except FileNotFoundError:
        abort(404)
    with transaction():
        audit.record(the_person().id, "document read", f"appointment:{wanted.appointment_id}")
    answer: Response = send_file(
        content, mimetype=document.media_type, as_attachment=True, download_name=document.filename
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/appointments/<key>/document/take-back")
@security.staff_only
def take_back(key: str) -> ResponseReturnValue:
    """The wrong file was added: nobody can open it any more, and the right one can be added."""
    wanted = served_request(key)
    with refusals_told():
        with transaction():
            stored_as = lifecycle.take_back(wanted, the_person())
        files.let_go(stored_as)
        flash(_("The document has been taken back. Add the right one."), "success")
    return back_to(wanted.appointment)


@blueprint.post("/appointments/<key>/document/withdraw")
@security.staff_only
def withdraw(key: str) -> ResponseReturnValue:
    """No document is issued after all."""
    wanted = served_request(key)
    with refusals_told():
        with transaction():
            lifecycle.withdraw(wanted, the_person())
        flash(_("No document will be issued for this case."), "success")
    return back_to(wanted.appointment)


def way_instead(appointment: Appointment) -> deliveries.Way | None:
    """What the clerk chose, where the citizen chose nothing or a way that there is no more."""
    if appointment.delivery in ways_to(appointment):
        return None
    return way_chosen(appointment, request.form.get("way", ""))


def put_forward(wanted: DocumentRequest, finished: approval.Finished, instead: deliveries.Way | None) -> None:
    """Issue the finished file, or let it wait for approval or seal, and say so. Raises NotPossible."""
    try:
        with transaction():
            approval.put_forward(wanted, finished, the_person(), finishing.terms(), instead)
    except states.NotPossible:
        files.let_go(finished.stored.stored_as)
        raise
    flash(PUT_FORWARD.get(wanted.state, PUT_FORWARD["issued"]), "success")
