"""Where the citizen fetches an issued document: after login, or with a one-time code from his mail.

The pages are open to everybody because the way in is chosen on them; each view proves the right itself:
the address cannot be guessed, and nothing of the document is told before the login or the code.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal import clock, files, outbox, security
from portal.db import db, transaction
from portal.documents import access_codes, lifecycle
from portal.documents.models import DocumentRequest
from portal.people.visitor import current_person

blueprint = Blueprint("documents", __name__, url_prefix="/documents")

OPEN_FOR = timedelta(minutes=15)
"""How long a session may read a document after the right one-time code."""


@blueprint.get("/<key>")
@security.public
def show(key: str) -> ResponseReturnValue:
    """The document's page, or the choice how to prove who one is."""
    wanted = _request(key)
    if not _may_read(wanted):
        if current_person():
            abort(404)
        return render_template("documents/prove.html", wanted=wanted)
    if _expired(wanted):
        return render_template("documents/expired.html", wanted=wanted), 410
    return render_template("documents/document.html", wanted=wanted, document=wanted.document)


@blueprint.post("/<key>/code")
@security.limiter.limit("5 per minute; 20 per hour")
@security.public
def ask_code(key: str) -> ResponseReturnValue:
    """Mail a one-time code to the address of the appointment."""
    wanted = _request(key)
    number = int(clock.now().timestamp()) // 60
    with transaction():
        outbox.post(
            "document.code",
            f"document:{wanted.id}",
            {"request_id": wanted.id, "number": number},
            key=f"code-{wanted.key}-{number}",
            give_up_at=clock.now() + access_codes.LIFETIME,
        )
    return redirect(flask_url_for("documents.enter_code", key=key))


@blueprint.get("/<key>/code")
@security.public
def enter_code(key: str) -> str:
    """Ask for the code that was mailed."""
    return render_template("documents/code.html", wanted=_request(key), wrong=False)


@blueprint.post("/<key>/open")
@security.limiter.limit("10 per minute")
@security.public
def open_with_code(key: str) -> ResponseReturnValue:
    """Let this session read the document if the code is right."""
    wanted = _request(key)
    with transaction():
        right = access_codes.use(wanted, request.form.get("code", ""))
    if not right:
        return render_template("documents/code.html", wanted=wanted, wrong=True), 422
    until = (clock.now() + OPEN_FOR).isoformat()
    session["open_document"] = {"key": key, "until": until}
    return redirect(flask_url_for("documents.show", key=key))


@blueprint.get("/<key>/file")
@security.public
def fetch(key: str) -> ResponseReturnValue:
    """The file itself."""
    wanted = _request(key)
    if not _may_read(wanted):
        abort(404)
    if _expired(wanted) or wanted.document is None:
        flash(_("The time in which this document could be fetched is over."), "error")
        return redirect(flask_url_for("documents.show", key=key))
    document = wanted.document
    try:
        content = files.read(document.stored_as)
    except FileNotFoundError:
        return redirect(flask_url_for("documents.show", key=key))
    with transaction():
        lifecycle.opened(wanted, current_person())
    answer: Response = send_file(
        content, mimetype=document.media_type, as_attachment=True, download_name=document.filename
    )
    return answer


def _request(key: str) -> DocumentRequest:
    row = db.session.scalar(select(DocumentRequest).filter_by(key=key))
    return row if row is not None and row.document is not None else abort(404)


def _may_read(wanted: DocumentRequest) -> bool:
    person = current_person()
    if person is not None and person.id == wanted.appointment.citizen_id:
        return True
    opened = session.get("open_document")
    return (
        opened is not None
        and opened["key"] == wanted.key
        and datetime.fromisoformat(opened["until"]) > clock.now()
    )


def _expired(wanted: DocumentRequest) -> bool:
    return wanted.document is None or wanted.document.expires_at <= clock.now()
