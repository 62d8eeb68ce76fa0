"""One-time codes: the second way to a document, for whoever cannot log in but reads the citizen's mail.

Six digits are guessed in a million tries; so few tries, few codes and little time make that hopeless,
and the address of the document's page must be known besides.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Literal

from flask import current_app
from sqlalchemy import func, select

from portal import clock
from portal.db import db, must_be_writing
from portal.documents.models import AccessCode, DocumentRequest

LIFETIME = timedelta(minutes=15)
TRIES = 5
"""So often one code may be typed wrong."""
CODES_IN_AN_HOUR = 5

Answer = Literal["right", "wrong", "worthless"]
"""``worthless``: there is no code (any more) that could be right; a new one must be asked for."""


def make(request: DocumentRequest) -> tuple[str, str]:
    """A new code, and a name for the message that brings it. Earlier codes are worthless from now on."""
    must_be_writing()
    for earlier in _open_codes(request):
        earlier.used_at = clock.now()
    code = f"{secrets.randbelow(1_000_000):06}"
    row = AccessCode(request_id=request.id, code_hash=_hash(request, code), expires_at=clock.now() + LIFETIME)
    db.session.add(row)
    db.session.flush()
    return code, f"code-{request.key}-{row.id}"


def use(request: DocumentRequest, given: str) -> Answer:
    """Try a code. The try counts even when it is wrong, so the caller must commit in every case."""
    must_be_writing()
    known = next(iter(_open_codes(request)), None)
    if known is None or known.attempts >= TRIES:
        return "worthless"
    known.attempts += 1
    if hmac.compare_digest(known.code_hash, _hash(request, "".join(given.split()))):
        known.used_at = clock.now()
        return "right"
    return "wrong" if known.attempts < TRIES else "worthless"


def enough_sent(request: DocumentRequest) -> bool:
    """True when so many codes were made in the last hour that no further one is."""
    since = clock.now() + LIFETIME - timedelta(hours=1)
    made = (
        select(func.count())
        .select_from(AccessCode)
        .where(AccessCode.request_id == request.id, AccessCode.expires_at > since)
    )
    return (db.session.scalar(made) or 0) >= CODES_IN_AN_HOUR


def _open_codes(request: DocumentRequest) -> list[AccessCode]:
    return list(
        db.session.scalars(
            select(AccessCode)
            .where(
                AccessCode.request_id == request.id,
                AccessCode.used_at.is_(None),
                AccessCode.expires_at > clock.now(),
            )
            .order_by(AccessCode.id.desc())
            .with_for_update()
        )
    )


def _hash(request: DocumentRequest, code: str) -> str:
    """Keyed, so that nobody with the table alone can find the code by trying a million."""
    key = current_app.config["PORTAL"].secret_keys[0].encode()
    return hmac.new(key, f"one-time code:{request.key}:{code}".encode(), "sha256").hexdigest()
