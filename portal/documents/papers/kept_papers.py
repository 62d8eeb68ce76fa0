"""How long citizens' papers are kept: while their case is open, and for some days after its end.

A withdrawn case needs them no longer: they go at once. What nobody names is swept away.
"""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from portal import audit, clock, files, outbox
from portal.db import db, transaction
from portal.documents import named_files
from portal.documents.models import AskedPaper, DocumentRequest, SentPaper

ENDED = ("issued", "completed", "refused", "withdrawn")
"""Here the office needs the papers no more, unless the document is taken back."""
ERASE_UNTIL = timedelta(days=365)
"""Erasing is tried for so long: a disk that is away must not leave papers behind."""


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


def follow(request: DocumentRequest) -> None:
    """The case has changed its state: fix the day on which its papers go, or call that off."""
    outbox.cancel(_subject(request))
    if request.state not in ENDED or not request.papers:
        return
    days = 0 if request.state == "withdrawn" else current_app.config["PORTAL"].portal.paper_days
    due = clock.now() + timedelta(days=days)
    outbox.post(
        "papers.erase",
        _subject(request),
        {"request_id": request.id},
        key=f"erase-papers-{request.key}-v{request.version}",
        due_at=due,
        give_up_at=due + ERASE_UNTIL,
    )


@outbox.job("papers.erase", queue="events")
def erase(request_id: int) -> None:
    """Erase the papers of a case whose end is long enough ago, and sweep what nobody names."""
    request = db.session.get(DocumentRequest, request_id)
    if request is not None and request.state in ENDED:
        kept = _files_of(request)
        for file in kept:
            files.forget(file.stored_as)
        with transaction():
            _mark_erased(request, kept)
    sweep()


def sweep() -> None:
    """Remove the files that no document, issued or prepared, no paper and no label of a parcel names."""
    files.sweep(named_files.named)


def _files_of(request: DocumentRequest) -> list[SentPaper]:
    kept = (
        select(SentPaper)
        .join(SentPaper.paper)
        .where(AskedPaper.request_id == request.id, SentPaper.erased_at.is_(None))
    )
    return list(db.session.scalars(kept))


def _mark_erased(request: DocumentRequest, kept: list[SentPaper]) -> None:
    for file in kept:
        file.erased_at, file.filename = clock.now(), ""
    if kept:
        audit.record(None, "papers erased", f"appointment:{request.appointment_id}")


def _subject(request: DocumentRequest) -> str:
    return f"papers:{request.id}"
