"""Logins as rows: begun, found again, ended by the person, by the identity server or by their time.

Only the key of a row stands in the browser's cookie, so that a session ends for good when it ends here.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from portal import clock
from portal.db import db, must_be_writing
from portal.encryption import read_text, sealed_text
from portal.people.models import LoginSession, Person
from portal.plugin_api import Door, Identity

if TYPE_CHECKING:
    from sqlalchemy.engine import CursorResult

KEPT_AFTERWARDS = timedelta(days=1)
"""How long the row of an ended session stays: whoever asks why he was logged out asks soon."""


def begin(person: Person, door: Door, provider: str, identity: Identity, longest: timedelta) -> LoginSession:
    """Begin a session with a key that nobody can guess; it ends after ``longest`` at the latest."""
    must_be_writing()
    row = LoginSession(
        key=secrets.token_urlsafe(32),
        person=person,
        door=door,
        provider=provider,
        subject=identity.subject,
        provider_session=identity.session,
        logout_hint_encrypted=sealed_text(identity.logout_hint),
        ends_at=clock.now() + longest,
    )
    db.session.add(row)
    db.session.flush()
    return row


def running(key: str) -> LoginSession | None:
    """The session with this key and its person, if it has not ended; one question to the database."""
    wanted = select(LoginSession).filter_by(key=key).options(joinedload(LoginSession.person))
    row = db.session.scalar(wanted)
    return row if row and row.ended_at is None and row.ends_at > clock.now() else None


def identity_of(row: LoginSession) -> Identity:
    """As much of the identity as the provider needs to end its own session."""
    hint = read_text(row.logout_hint_encrypted)
    return Identity(subject=row.subject, session=row.provider_session, logout_hint=hint)


def lapse(row: LoginSession) -> None:
    """End a session because nobody was there. The provider's may live on, so the way to end that is kept."""
    must_be_writing()
    row.ended_at = clock.now()


def end(row: LoginSession) -> None:
    """End one session; what the provider gave for its logout is forgotten."""
    must_be_writing()
    row.ended_at = row.ended_at or clock.now()
    row.logout_hint_encrypted = ""


def end_known_as(provider: str, subject: str = "", session: str = "") -> int:
    """End what the identity server knows by ``session`` or, without one, all of ``subject``; how many."""
    must_be_writing()
    known_as = {"provider_session": session} if session else {"subject": subject}
    if not session and not subject:
        return 0
    result = db.session.execute(
        update(LoginSession)
        .filter_by(provider=provider, ended_at=None, **known_as)
        .values(ended_at=clock.now(), logout_hint_encrypted="")
    )
    return cast("CursorResult[Any]", result).rowcount


def forget_old() -> int:
    """Delete the rows of sessions that ended more than a day ago; how many those were."""
    must_be_writing()
    before = clock.now() - KEPT_AFTERWARDS
    result = db.session.execute(delete(LoginSession).where(LoginSession.ends_at < before))
    return cast("CursorResult[Any]", result).rowcount
