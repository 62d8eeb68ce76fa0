"""What the stand-in for GSIS remembers: browsers that have logged in, codes and tokens."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal import clock

from .people import Taxpayer


@dataclass
class BrowserSession:
    """One browser in one context, known by its cookie."""

    asked: dict[str, str] | None = None
    """The query of the login that waits for codes or consent."""
    claimed: Taxpayer | None = None
    """Whose password was right, while the one-time code is still missing."""
    taxpayer: Taxpayer | None = None
    approved: set[str] = field(default_factory=set)
    """Clients to which the person agreed; they are not asked about again while the session lives."""


@dataclass
class Grant:
    """What a code or a token stands for."""

    context: str
    client_id: str
    redirect_uri: str
    taxpayer: Taxpayer
    ends_at: datetime


class Grants:
    """Codes that hold once and shortly, and tokens."""

    def __init__(self) -> None:
        self.code_life = timedelta(minutes=2)
        self.token_life = timedelta(minutes=5)
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def code_for(self, context: str, client_id: str, redirect_uri: str, taxpayer: Taxpayer) -> str:
        """A new code of six letters, as the real one makes them."""
        code = "".join(secrets.choice(string.ascii_letters) for _ in range(6))
        ends_at = clock.now() + self.code_life
        self._codes[code] = Grant(context, client_id, redirect_uri, taxpayer, ends_at)
        return code

    def redeem(self, code: str) -> Grant | None:
        """What the code stood for; it is used up, whatever comes of it."""
        return _living(self._codes.pop(code, None))

    def token_for(self, grant: Grant) -> str:
        """A token for what the code stood for."""
        token = secrets.token_hex(16)
        ends_at = clock.now() + self.token_life
        self._tokens[token] = Grant(
            grant.context, grant.client_id, grant.redirect_uri, grant.taxpayer, ends_at
        )
        return token

    def behind(self, token: str, context: str) -> Taxpayer | None:
        """Whose token it is, in the context where it was made."""
        grant = _living(self._tokens.get(token))
        return grant.taxpayer if grant and grant.context == context else None


def _living(grant: Grant | None) -> Grant | None:
    return grant if grant and clock.now() < grant.ends_at else None
