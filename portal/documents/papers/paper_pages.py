"""The citizen's side of a case: send a missing paper, take one back, withdraw the request."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import FileField

from portal import files, security
from portal.appointments.citizen.own_pages import own_appointment
from portal.db import db, transaction
from portal.documents import case_progress, lifecycle
from portal.documents.models import AskedPaper, DocumentRequest, SentPaper
from portal.documents.papers import lifecycle as papers
from portal.documents.papers import paper_check
from portal.documents.states import NotPossible
from portal.files import NotAcceptable, StoredFile, StoreTrouble
from portal.forms import PageForm
from portal.people import access
from portal.people.visitor import the_person

blueprint = Blueprint("papers", __name__)
blueprint.app_context_processor(case_progress.words)


class PaperForm(PageForm):
    """One file for one paper."""

    file = FileField(_l("Photo or PDF of the paper"))


@blueprint.route("/papers/<key>", methods=["GET", "POST"])
@security.limiter.limit("20 per minute; 100 per hour", methods=["POST"])
@security.citizen_only
def add(key: str) -> ResponseReturnValue:
    """One question: the photo or PDF of one paper."""
    paper = _own_paper(key)
    if not case_progress.takes_files(paper):
        return _not_now(paper)
    form = PaperForm()
    if request.method == "GET":
        return _question(paper, form)
    try:
        _keep(paper, _sent_file())
    except NotAcceptable as refusal:
        form.file.errors = [str(refusal)]
        return _question(paper, form), 422
    except StoreTrouble as trouble:
        form.file.errors = [str(trouble.told)]
        return _question(paper, form), 503
    except (NotPossible, papers.TooManyFiles):
        return _not_now(paper)
    flash(_received_words(paper), "success")
    return _to_case(paper.request)


@blueprint.post("/papers/files/<key>/take-back")
@security.citizen_only
def take_back(key: str) -> ResponseReturnValue:
    """Erase a file that the office has not accepted."""
    file = db.session.scalar(select(SentPaper).filter_by(key=key)) or abort(404)
    paper = _checked(file.paper)
    try:
        with transaction():
            stored_as = papers.take_back(file, the_person())
    except NotPossible:
        return _not_now(paper)
    files.let_go(stored_as)
    flash(_("The file is erased. The office does not have it any more."), "success")
    return _to_case(paper.request)


@blueprint.route("/appointments/<key>/request/withdraw", methods=["GET", "POST"])
@security.citizen_only
def withdraw(key: str) -> ResponseReturnValue:
    """Ask once whether the citizen is sure; then the office issues nothing and the papers are erased."""
    appointment = own_appointment(key)
    wanted = lifecycle.request_of(appointment)
    if wanted is None:
        abort(404)
    if request.method == "GET" and wanted.state in papers.UNDECIDED:
        return render_template("documents/withdraw.html", document_request=wanted, appointment=appointment)
    try:
        with transaction():
            lifecycle.withdraw(wanted, the_person())
    except NotPossible:
        flash(_("The request cannot be withdrawn any more: the office has decided."), "error")
    else:
        flash(_("Your request is withdrawn. No document is issued."), "success")
    return _to_case(wanted)


def _own_paper(key: str) -> AskedPaper:
    return _checked(db.session.scalar(select(AskedPaper).filter_by(key=key)))


def _checked(paper: AskedPaper | None) -> AskedPaper:
    """The paper, for the citizen of its case; for everybody else there is none."""
    if paper is None or not access.may_see_own(the_person(), paper.request.appointment):
        abort(404)
    return paper


def _sent_file() -> StoredFile:
    """What was sent, made harmless and stored. Raises NotAcceptable."""
    sent = request.files.get("file")
    clean = paper_check.clean(sent.read() if sent else b"")
    return files.store((sent.filename if sent else "") or "", clean.content, clean.media_type)


def _keep(paper: AskedPaper, stored: StoredFile) -> None:
    try:
        with transaction():
            papers.receive(paper, stored, the_person())
    except BaseException:
        files.let_go(stored.stored_as)
        raise


def _question(paper: AskedPaper, form: PaperForm) -> str:
    return render_template("documents/paper.html", paper=paper, form=form)


def _received_words(paper: AskedPaper) -> str:
    if paper.request.state == "in_review":
        return _("The office has all papers now. You do not have to do anything; you can still add pages.")
    return _("The file has arrived. Other papers are still missing.")


def _not_now(paper: AskedPaper) -> ResponseReturnValue:
    flash(_("This cannot be done now: see below where your request stands."), "error")
    return _to_case(paper.request)


def _to_case(wanted: DocumentRequest) -> ResponseReturnValue:
    key = wanted.appointment.key
    return redirect(flask_url_for("citizen.appointment", key=key, _anchor="document"))
