"""Where the citizen fetches an issued document: after login, or with a one-time code from his mail.

The routes are marked public because the way in is chosen on them. Each view proves the right itself: the
address cannot be guessed, nothing of the document is told before login or code, and whoever has logged in
as somebody else learns no more than that there is no such page.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from portal import clock, files, outbox, security
from portal.appointments.pages import chosen_way
from portal.db import db, transaction
from portal.documents import case_progress, lifecycle, progress
from portal.documents.delivering import access_codes, calling_back, collecting, correcting
from portal.documents.delivering import lifecycle as deliveries
from portal.documents.delivering.recipients import ways_to
from portal.documents.models import AccessCode, DocumentRequest
from portal.documents.states import PROBLEMS
from portal.forms import readable_phone
from portal.people import access
from portal.people.visitor import current_citizen, current_person
from portal.points.words import chosen_point

blueprint = Blueprint("documents", __name__, url_prefix="/documents")

OPEN_FOR = timedelta(minutes=15)
"""How long a session may read a document after the right one-time code."""


@blueprint.app_context_processor
def document_words() -> dict[str, object]:
    """What the parts need that other pages include: ``documents/status.html``, ``case_section.html``."""
    return {
        "status_steps": progress.status_steps,
        "can_be_fetched": progress.can_be_fetched,
        "current_delivery": deliveries.current_delivery,
        "delivery_state": progress.delivery_state,
        "delivery_problems": PROBLEMS,
        "delivery_next_steps": progress.NEXT_STEPS,
        "qr_of": progress.qr_of,
        "closed_until": collecting.closed_until,
        "keeps": progress.keeps,
        "lies_in_portal": progress.lies_in_portal,
        "ways_to": ways_to,
        "chosen_point": chosen_point,
        "chosen_way": chosen_way,
        "reason_told": progress.reason_told,
        "can_be_corrected": correcting.can_be_corrected,
        "is_deaf": correcting.is_deaf,
        "readable_phone": readable_phone,
        "way_title": progress.way_title,
        "has_labels": progress.has_labels,
        "parcel_can_be_called_back": calling_back.can_be_asked,
        "address_lines": progress.address_lines,
        "moment": case_progress.moment,
    }


@blueprint.get("/<key>")
@security.public
def show(key: str) -> ResponseReturnValue:
    """The document's page, or the choice how to prove who one is."""
    wanted = _wanted(key)
    if not progress.can_be_fetched(wanted):
        return _gone(wanted)
    if not _may_read(wanted):
        return render_template("documents/prove.html", wanted=wanted)
    return render_template(
        "documents/document.html", wanted=wanted, document=wanted.document, is_own=_is_own(wanted)
    )


@blueprint.post("/<key>/code")
@security.limiter.limit("5 per minute; 20 per hour")
@security.public
def ask_code(key: str) -> ResponseReturnValue:
    """Mail a one-time code to the address of the appointment."""
    wanted = _wanted(key)
    if (refused := _no_code(wanted)) is not None:
        return refused
    if access_codes.enough_sent(wanted):
        flash(_("We have sent several codes already. Use the newest one, or come back in an hour."), "error")
    else:
        with transaction():
            _post_code(wanted)
    return redirect(flask_url_for("documents.enter_code", key=key))


@blueprint.get("/<key>/code")
@security.public
def enter_code(key: str) -> ResponseReturnValue:
    """Ask for the code that was mailed."""
    wanted = _wanted(key)
    if (refused := _no_code(wanted)) is not None:
        return refused
    return render_template("documents/code.html", wanted=wanted, error="")


@blueprint.post("/<key>/open")
@security.limiter.limit("10 per minute")
@security.public
def open_with_code(key: str) -> ResponseReturnValue:
    """Let this session read the document if the code is right."""
    wanted = _wanted(key)
    if (refused := _no_code(wanted)) is not None:
        return refused
    with transaction():
        answer = access_codes.use(wanted, request.form.get("code", ""))
    if answer == "right":
        session["open_document"] = {"key": key, "until": (clock.now() + OPEN_FOR).isoformat()}
        return redirect(flask_url_for("documents.show", key=key))
    if answer == "wrong":
        error = _("This is not the code. Look for the newest message from us and type its six digits.")
    else:
        error = _("This code is not valid any more. Have a new one sent to you.")
    return render_template("documents/code.html", wanted=wanted, error=error), 422


@blueprint.get("/<key>/file")
@security.public
def fetch(key: str) -> ResponseReturnValue:
    """The file itself. Fetching it is how the portal learns that it has arrived."""
    wanted = _wanted(key)
    document = wanted.document
    if document is None or not progress.can_be_fetched(wanted):
        return _gone(wanted)
    if not _may_read(wanted):
        return redirect(flask_url_for("documents.show", key=key))
    try:
        content = files.open_document(document.stored_as)
    except FileNotFoundError:
        return _gone(wanted)
    answer: Response = send_file(
        content, mimetype=document.media_type, as_attachment=True, download_name=document.filename
    )
    answer.headers["Cache-Control"] = "no-store"
    if request.method == "GET":
        with transaction():
            lifecycle.opened(wanted, current_person())
    return answer


def _wanted(key: str) -> DocumentRequest:
    """The document behind the address; one that was never issued, or is somebody else's, is not found."""
    row = db.session.scalar(select(DocumentRequest).filter_by(key=key))
    if row is None or not row.deliveries:
        abort(404)
    person = current_person()
    if person is not None and not _may_read(row):
        if access.may_see_own(person, row.appointment):
            security.refuse_staff()
        abort(404)
    return row


def _may_read(wanted: DocumentRequest) -> bool:
    """The citizen after his login, or whoever typed the code of this document a short while ago."""
    if _is_own(wanted):
        return True
    opened = session.get("open_document")
    return (
        opened is not None
        and not progress.lies_in_portal(wanted)
        and opened["key"] == wanted.key
        and datetime.fromisoformat(opened["until"]) > clock.now()
    )


def _is_own(wanted: DocumentRequest) -> bool:
    citizen = current_citizen()
    return citizen is not None and access.may_see_own(citizen, wanted.appointment)


def _no_code(wanted: DocumentRequest) -> ResponseReturnValue | None:
    """The answer where no code opens anything: the document is gone, or its owner chose to log in for it."""
    if not progress.can_be_fetched(wanted):
        return _gone(wanted)
    if progress.lies_in_portal(wanted):
        return redirect(flask_url_for("documents.show", key=wanted.key))
    return None


def _gone(wanted: DocumentRequest) -> ResponseReturnValue:
    """The time is over, or it was taken back or deleted; the page says what to do.

    That the citizen has deleted it is told to himself alone.
    """
    is_deleted = _is_own(wanted) and wanted.document is not None and wanted.document.deleted_at is not None
    return render_template("documents/gone.html", wanted=wanted, is_deleted=is_deleted), 410


def _post_code(wanted: DocumentRequest) -> None:
    """Two clicks bring one code; a click after the code has come, or a minute later, brings a new one."""
    made = db.session.scalar(
        select(func.count()).select_from(AccessCode).where(AccessCode.request_id == wanted.id)
    )
    outbox.post(
        "document.code",
        f"document:{wanted.id}",
        {"request_id": wanted.id},
        key=f"code-{wanted.key}-{made}-{clock.now():%Y%m%dT%H%M}",
        give_up_at=clock.now() + access_codes.LIFETIME,
    )
