"""The second person looks at a prepared document, approves it or sends it back; the clerk calls it back."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, request, send_file
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import audit, files, security
from portal.db import transaction
from portal.documents.desk import back_to, blueprint, refusals_told, request_at_desk, served_request
from portal.documents.issuing import approval, finishing
from portal.documents.issuing.issuing_pages import PUT_FORWARD
from portal.documents.models import DocumentRequest, PreparedDocument
from portal.documents.states import NotPossible
from portal.people import access
from portal.people.visitor import the_person

LONGEST_REASON = 1000


@blueprint.get("/documents/<key>/prepared")
@security.staff_only
def show_prepared(key: str) -> ResponseReturnValue:
    """What waits for approval, and what can be done with it."""
    wanted = request_at_desk(key)
    if wanted.prepared is None or wanted.state != "to_approve":
        return redirect(flask_url_for("desk.deliveries"))
    return render_template("documents/approve.html", wanted=wanted, prepared=_to_approve(wanted), error="")


@blueprint.get("/documents/<key>/prepared/file")
@security.staff_only
def read_prepared(key: str) -> ResponseReturnValue:
    """The file exactly as it will be issued, but for the seal. For the second person, and who prepared it."""
    wanted = request_at_desk(key)
    prepared = wanted.prepared or abort(404)
    if not access.may_serve(the_person(), wanted.appointment):
        _to_approve(wanted)
    try:
        content = files.open_document(prepared.stored_as)
    except FileNotFoundError:
        abort(404)
    with transaction():
        audit.record(the_person().id, "prepared document read", f"appointment:{wanted.appointment_id}")
    answer: Response = send_file(
        content, mimetype=prepared.media_type, as_attachment=True, download_name=prepared.filename
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/documents/<key>/approve")
@security.staff_only
def approve(key: str) -> ResponseReturnValue:
    """It is as it should be: issue it."""
    wanted = request_at_desk(key)
    with refusals_told():
        looked_at = _still_waits(wanted)
        with transaction():
            approval.approve(wanted, looked_at, the_person(), finishing.terms())
        flash(PUT_FORWARD.get(wanted.state, PUT_FORWARD["issued"]), "success")
    return redirect(flask_url_for("desk.deliveries"))


@blueprint.post("/documents/<key>/send-back")
@security.staff_only
def send_back(key: str) -> ResponseReturnValue:
    """Something is wrong with it: the clerk reads why and prepares it anew."""
    wanted = request_at_desk(key)
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON]
    with refusals_told():
        looked_at = _still_waits(wanted)
        if not reason:
            error = _("Write what has to be changed, so that your colleague can do it.")
            page = {"wanted": wanted, "prepared": wanted.prepared, "error": error}
            return render_template("documents/approve.html", **page), 422
        # Whoever prepared it is forgotten together with the file.
        name = _prepared_by(wanted)
        with transaction():
            stored_as = approval.send_back(wanted, looked_at, the_person(), reason)
        files.let_go(stored_as)
        flash(_("The document went back to %(name)s.", name=name), "success")
    return redirect(flask_url_for("desk.deliveries"))


@blueprint.post("/appointments/<key>/document/call-back")
@security.staff_only
def call_back(key: str) -> ResponseReturnValue:
    """Who serves the case changes it once more before it is issued."""
    wanted = served_request(key)
    with refusals_told():
        with transaction():
            stored_as = approval.call_back(wanted, the_person())
        files.let_go(stored_as)
        flash(_("The document is called back. Prepare it again."), "success")
    return back_to(wanted.appointment)


def _prepared_by(wanted: DocumentRequest) -> str:
    return wanted.prepared.clerk.name if wanted.prepared else wanted.appointment.clerk.name


def _still_waits(wanted: DocumentRequest) -> str:
    """The key of the file that was looked at, where the person may decide. Raises NotPossible."""
    if wanted.prepared is None or wanted.state != "to_approve":
        if not access.may_approve(the_person(), wanted.appointment.office_id, 0):
            abort(404)
        raise NotPossible(wanted.state)
    _to_approve(wanted)
    return request.form.get("prepared", "")


def _to_approve(wanted: DocumentRequest) -> PreparedDocument:
    """The file that waits, for whom may approve it; for others there is none."""
    prepared = wanted.prepared or abort(404)
    if not access.may_approve(the_person(), wanted.appointment.office_id, prepared.prepared_by):
        abort(404)
    return prepared
