"""Logins that have been begun in this browser and not ended yet, sealed in its cookie.

Several may be open at once, for people press the back button and open second windows.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from flask import session
from werkzeug.urls import iri_to_uri

from portal import clock
from portal.encryption import decrypt, encrypt
from portal.plugin_api import Door

AT_ONCE = 3
"""The oldest is forgotten for a fourth: a cookie has room for no more."""
LONGEST = timedelta(hours=1)
LONGEST_PAGE = 200
"""Letters of an address to return to, as it goes over the line, where a Greek letter takes six. Of a longer
one only the path is kept, or nothing: a cookie holds 4 KB in all."""


@dataclass(frozen=True)
class Attempt:
    """One login between leaving for the identity provider and coming back."""

    door: Door
    provider: str
    next: str | None
    begun: float
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    kept: dict[str, str] = field(default_factory=dict, repr=False)
    """What the provider wants to see again; no browser can read it."""

    @property
    def took_too_long(self) -> bool:
        """True when the person was away for longer than anybody needs."""
        return clock.now().timestamp() - self.begun > LONGEST.total_seconds()


def begin(door: Door, provider: str, next_page: str | None) -> Attempt:
    """An attempt with a state that nobody can guess; `keep` puts it into the cookie."""
    return Attempt(door, provider, _short(next_page or ""), clock.now().timestamp())


def keep(attempt: Attempt, kept: Mapping[str, str]) -> None:
    """Remember the attempt, and what its provider wants to see again."""
    sealed = encrypt(json.dumps({**asdict(attempt), "kept": dict(kept)}).encode()).decode()
    others = [
        other for other in session.get("logins", []) if (one := _opened(other)) and not one.took_too_long
    ]
    session["logins"] = [*others, sealed][-AT_ONCE:]


def take(state: str) -> Attempt | None:
    """The attempt with this state, once: afterwards it is forgotten."""
    for sealed in session.get("logins", []):
        attempt = _opened(sealed)
        if attempt and hmac.compare_digest(attempt.state.encode(), state.encode()):
            session["logins"] = [other for other in session["logins"] if other != sealed]
            return attempt
    return None


def _short(page: str) -> str | None:
    candidates = (iri_to_uri(page), iri_to_uri(urlsplit(page).path))
    return next((one for one in candidates if one and len(one) <= LONGEST_PAGE), None)


def _opened(sealed: str) -> Attempt | None:
    try:
        return Attempt(**json.loads(decrypt(sealed.encode())))
    except (InvalidToken, ValueError, TypeError):
        return None
