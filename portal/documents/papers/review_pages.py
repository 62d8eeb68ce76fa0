"""The staff's side of a case: ask for papers, look at them, accept or refuse; refuse the request."""

from __future__ import annotations

from flask import Response, abort, flash, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal import files, security
from portal.appointments.staff.case_pages import served_appointment
from portal.db import db, transaction
from portal.documents.desk import back_to, blueprint, refusals_told, served_request
from portal.documents.models import SentPaper
from portal.documents.papers import lifecycle as papers
from portal.documents.papers.review_forms import MissingPapers, NoReason, RefusalForm, verdicts
from portal.people import access
from portal.people.visitor import the_person


@blueprint.post("/appointments/<key>/case")
@security.staff_only
def open_case(key: str) -> ResponseReturnValue:
    """After the call it turned out that a document is to be issued."""
    appointment = served_appointment(key)
    with refusals_told():
        with transaction():
            papers.open_case(appointment, the_person())
        flash(_("The case is open. The citizen gets an e-mail with the protocol number."), "success")
    return back_to(appointment)


@blueprint.post("/appointments/<key>/papers")
@security.staff_only
def ask_for_papers(key: str) -> ResponseReturnValue:
    """Tell the citizen which papers are missing."""
    wanted = served_request(key)
    form = MissingPapers(appointment=wanted.appointment)
    if not form.validate() or not form.titles():
        told = next(iter(form.errors.values()), [_("Choose or write at least one paper.")])
        flash(str(told[0]), "error")
        return back_to(wanted.appointment)
    with refusals_told():
        with transaction():
            papers.ask_for(wanted, form.titles(), the_person())
        flash(_("The citizen gets an e-mail with the list and can send them from the portal."), "success")
    return back_to(wanted.appointment)


@blueprint.post("/appointments/<key>/papers/review")
@security.staff_only
def review_papers(key: str) -> ResponseReturnValue:
    """Accept or refuse what came, each paper by itself; all refusals go out in one message."""
    wanted = served_request(key)
    try:
        said = verdicts(wanted, request.form)
    except NoReason:
        flash(
            _("Write why for each paper that you refuse, so that the citizen can send the right one."),
            "error",
        )
        return back_to(wanted.appointment)
    if not said:
        flash(_("Choose for at least one paper whether you accept it."), "error")
        return back_to(wanted.appointment)
    with refusals_told():
        with transaction():
            papers.review(wanted, said, the_person())
        flash(_("Recorded. The citizen gets an e-mail and sends again what was refused."), "success")
    return back_to(wanted.appointment)


@blueprint.post("/appointments/<key>/papers/go-on")
@security.staff_only
def go_on_without(key: str) -> ResponseReturnValue:
    """What is there is enough."""
    wanted = served_request(key)
    with refusals_told():
        with transaction():
            papers.go_on(wanted, the_person())
        flash(_("The case goes on without the missing papers."), "success")
    return back_to(wanted.appointment)


@blueprint.post("/appointments/<key>/document/refuse")
@security.staff_only
def refuse_request(key: str) -> ResponseReturnValue:
    """There is no document, and the citizen reads why."""
    wanted = served_request(key)
    form = RefusalForm()
    if not form.validate():
        flash(str(form.reason.errors[0]), "error")
        return back_to(wanted.appointment)
    with refusals_told():
        with transaction():
            papers.refuse(wanted, form.reason.data.strip(), the_person())
        flash(_("The request is refused. The citizen gets an e-mail with the reason."), "success")
    return back_to(wanted.appointment)


@blueprint.post("/appointments/<key>/document/reopen")
@security.staff_only
def reopen(key: str) -> ResponseReturnValue:
    """The refusal does not stand."""
    wanted = served_request(key)
    with refusals_told():
        with transaction():
            papers.reopen(wanted, the_person())
        flash(_("The refusal is taken back. The citizen gets an e-mail, and the case goes on."), "success")
    return back_to(wanted.appointment)


@blueprint.get("/papers/<key>")
@security.staff_only
def read_paper(key: str) -> ResponseReturnValue:
    """A file of the citizen, to be saved and opened outside of the portal; nothing of it runs here."""
    file = db.session.scalar(select(SentPaper).filter_by(key=key))
    if file is None or file.erased_at or not access.may_serve(the_person(), file.paper.request.appointment):
        abort(404)
    try:
        content = files.open_document(file.stored_as)
    except FileNotFoundError:
        abort(404)
    with transaction():
        papers.read(file, the_person())
    answer: Response = send_file(
        content, mimetype=file.media_type, as_attachment=True, download_name=file.filename
    )
    return security.in_sandbox(answer)
