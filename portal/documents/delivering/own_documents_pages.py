"""My documents: all that was issued to a citizen, by whichever way it came, with what he can do with it.

What lies in the portal is opened here; what came otherwise stands beside it, so that he finds everything in
one place. Documents that he has archived are one click away.
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal import security
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.documents import progress
from portal.documents.delivering import keeping
from portal.documents.models import DocumentRequest, IssuedDocument
from portal.documents.states import NotPossible
from portal.people import access
from portal.people.visitor import the_person

blueprint = Blueprint("own_documents", __name__, url_prefix="/my-documents")

SHOWN = 20
"""Documents on one page."""
LAST_PAGE = 10_000

blueprint.app_context_processor(
    lambda: {"own_state": progress.own_state, "may_be_deleted": keeping.may_be_deleted}
)


@blueprint.get("", endpoint="mine")
@security.citizen_only
def mine_list() -> ResponseReturnValue:
    """The citizen's documents, the newest first."""
    return _list(archived=False)


@blueprint.get("/archive")
@security.citizen_only
def archive() -> ResponseReturnValue:
    """Those that he has put aside."""
    return _list(archived=True)


@blueprint.post("/<key>/<any('archive', 'bring-back'):deed>")
@security.citizen_only
def move(key: str, deed: str) -> ResponseReturnValue:
    """Put one document into the archive, or bring it back."""
    wanted = _own(key)
    try:
        with transaction():
            (keeping.archive if deed == "archive" else keeping.bring_back)(wanted, the_person())
    except NotPossible:
        return _not_now()
    if deed == "archive":
        flash(_("The document is in your archive. You can bring it back at any time."), "success")
        return redirect(flask_url_for("own_documents.mine", page=_page()))
    flash(_("The document is back under “My documents”."), "success")
    return redirect(flask_url_for("own_documents.archive", page=_page()))


@blueprint.route("/<key>/delete", methods=["GET", "POST"])
@security.citizen_only
def delete(key: str) -> ResponseReturnValue:
    """Ask once whether the citizen is sure; then the file is erased."""
    wanted = _own(key)
    if wanted.document is None or not keeping.may_be_deleted(wanted.document):
        return _not_now()
    if request.method == "GET":
        return render_template("documents/delete.html", wanted=wanted, document=wanted.document)
    try:
        with transaction():
            keeping.delete(wanted, the_person())
    except NotPossible:
        return _not_now()
    flash(_("The document is deleted from the portal."), "success")
    return redirect(flask_url_for("own_documents.mine"))


def _list(*, archived: bool) -> ResponseReturnValue:
    """One page of the list; from a page that has become empty the way leads to the first one."""
    page = _page()
    wanted = _documents(the_person().id, archived).offset((page - 1) * SHOWN).limit(SHOWN + 1)
    found = list(db.session.scalars(wanted))
    if not found and page > 1:
        return redirect(flask_url_for(request.endpoint or ""))
    return render_template(
        "documents/own_documents.html",
        documents=found[:SHOWN],
        archived=archived,
        page=page,
        has_older=len(found) > SHOWN,
    )


def _documents(citizen_id: int, archived: bool) -> Select[IssuedDocument]:
    """With all that the list tells of them, in as many statements for twenty as for one."""
    is_archived = IssuedDocument.archived_at.is_not(None)
    whose = contains_eager(IssuedDocument.request).contains_eager(DocumentRequest.appointment)
    return (
        select(IssuedDocument)
        .join(IssuedDocument.request)
        .join(DocumentRequest.appointment)
        .where(Appointment.citizen_id == citizen_id, IssuedDocument.deleted_at.is_(None))
        .where(is_archived if archived else ~is_archived)
        .options(
            whose.options(
                joinedload(Appointment.service),
                joinedload(Appointment.office),
                joinedload(Appointment.served),
            ),
            contains_eager(IssuedDocument.request).options(selectinload(DocumentRequest.deliveries)),
        )
        .order_by(IssuedDocument.id.desc())
    )


def _own(key: str) -> DocumentRequest:
    """The case of one of the citizen's own documents; of anybody else's there is none."""
    found = db.session.scalar(select(DocumentRequest).filter_by(key=key))
    if found is None or not found.deliveries or not access.may_see_own(the_person(), found.appointment):
        abort(404)
    return found


def _page() -> int:
    return min(max(request.values.get("page", 1, type=int), 1), LAST_PAGE)


def _not_now() -> ResponseReturnValue:
    flash(
        _("This cannot be done now: the document has moved on. See below where it stands."),
        "error",
    )
    return redirect(flask_url_for("own_documents.mine"))
