"""The pass of one guest for one room: a token that prosody checks when the connection opens, never again.

So it lives only as long as joining takes; a page that is loaded again carries a new one.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from jwcrypto.common import base64url_encode
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from portal.plugin_api import Guest, Secret

from .settings import JitsiSettings

LIFETIME = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(seconds=60)
"""Prosody allows no difference between the two clocks; so the token begins a little before now."""

FORBIDDEN = (
    "recording",
    "livestreaming",
    "transcription",
    "outbound-call",
    "sip-outbound-call",
    "inbound-call",
    "sip-inbound-call",
    "screen-sharing",
    "file-upload",
    "create-polls",
)
"""False for everybody, the clerk too: a moderator who promotes somebody hands over his own table, and
without a table some servers let a moderator record."""


def features() -> dict[str, bool]:
    """What a token allows: writing to each other, which deaf people need, and nothing that keeps or calls."""
    return {**dict.fromkeys(FORBIDDEN, False), "send-groupchat": True}


def token(
    settings: JitsiSettings, room: str, closes_at: datetime, guest: Guest, person: str, now: datetime
) -> str:
    """The token for ``guest``, whom the others' pages know as ``person``."""
    claims = {
        "iss": settings.app_id,
        "aud": settings.app_id,
        "sub": settings.domain,
        "room": room,
        "nbf": int((now - CLOCKS_DIFFER).timestamp()),
        "exp": int(min(closes_at, now + LIFETIME).timestamp()),
        "context": {
            "user": {
                "id": person,
                "name": guest.name,
                "moderator": guest.moderates,
                "affiliation": "owner" if guest.moderates else "member",
            },
            "features": features(),
        },
    }
    return _signed(claims, settings.app_secret)


def _signed(claims: dict[str, object], secret: Secret) -> str:
    key = JWK(kty="oct", k=base64url_encode(secret.get_secret_value()))
    signed = JWS(json.dumps(claims, ensure_ascii=False).encode())
    # Prosody refuses a header without "typ", and any algorithm but the one it is set to.
    signed.add_signature(key, protected=json.dumps({"alg": "HS256", "typ": "JWT"}))
    return str(signed.serialize(compact=True))
