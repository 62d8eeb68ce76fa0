"""One-time codes: the second way to a document for whoever cannot log in but reads the citizen's mail."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from portal import clock
from portal.db import db, must_be_writing
from portal.documents.models import AccessCode, DocumentRequest

LIFETIME = timedelta(minutes=15)
TRIES = 5


def make(request: DocumentRequest) -> str:
    """A new code of six digits; earlier ones of this document are worthless from now on."""
    must_be_writing()
    for earlier in _open_codes(request):
        earlier.used_at = clock.now()
    code = f"{secrets.randbelow(1_000_000):06}"
    db.session.add(
        AccessCode(request_id=request.id, code_hash=_hash(request, code), expires_at=clock.now() + LIFETIME)
    )
    return code


def use(request: DocumentRequest, code: str) -> bool:
    """True once for the right code, within its time and its tries."""
    must_be_writing()
    given = _hash(request, "".join(code.split()))
    for known in _open_codes(request):
        known.attempts += 1
        if known.attempts <= TRIES and hmac.compare_digest(known.code_hash, given):
            known.used_at = clock.now()
            return True
    return False


def _open_codes(request: DocumentRequest) -> list[AccessCode]:
    return list(
        db.session.scalars(
            select(AccessCode)
            .where(
                AccessCode.request_id == request.id,
                AccessCode.used_at.is_(None),
                AccessCode.expires_at > clock.now(),
            )
            .with_for_update()
        )
    )


def _hash(request: DocumentRequest, code: str) -> str:
    key = hashlib.sha256(b"one-time code " + current_app.secret_key.encode()).digest()  # type: ignore[union-attr]
    return hmac.new(key, f"{request.key}:{code}".encode(), hashlib.sha256).hexdigest()
