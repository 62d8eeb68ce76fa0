"""What prosody checks of a token, in its order and with its words; written without any library for tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class TokenRefused(Exception):
    """The text is what the client is told."""


@dataclass(frozen=True)
class ServerKeys:
    """What stands in prosody's configuration."""

    app_id: str
    app_secret: str = field(repr=False)
    domain: str
    verifies_domain: bool = True
    verifies_room: bool = True
    """False where the module ``token_verification`` is missing: then a token opens any room."""
    audiences: tuple[str, ...] = ("*",)
    allow_empty_token: bool = False


def verify(token: str, keys: ServerKeys, now: datetime) -> Mapping[str, Any]:
    """The claims, once everything is right that is checked when the connection opens. Raises TokenRefused."""
    if not token:
        raise TokenRefused("token required")
    header, claims, signed, signature = _parts(token)
    if header.get("typ") != "JWT":
        raise TokenRefused("Invalid typ")
    # A server with a shared secret knows this one alone; no letter may be small.
    if header.get("alg") != "HS256":
        raise TokenRefused("Invalid or incorrect alg")
    for name in ("exp", "nbf"):
        if name in claims and not _is_number(claims[name]):
            raise TokenRefused(f"{name} must be number")
    if not hmac.compare_digest(hmac.digest(keys.app_secret.encode(), signed, hashlib.sha256), signature):
        raise TokenRefused("Invalid signature")
    _check_times(claims, now.timestamp())
    _check_names(claims, keys)
    return claims


def opens(claims: Mapping[str, Any], room: str, keys: ServerKeys) -> bool:
    """Whether these claims open ``room``: checked when somebody enters it, not when he connects."""
    if not keys.verifies_room:
        return True
    if keys.verifies_domain and claims["sub"] not in ("*", keys.domain):
        return False
    return claims["room"] == "*" or str(claims["room"]).lower() == room.lower()


def allows(claims: Mapping[str, Any], feature: str, moderates: bool) -> bool:
    """Whether prosody passes a wish on; without a table of features every moderator's is."""
    features = claims.get("context", {}).get("features")
    return moderates if features is None else features.get(feature) in (True, "true")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    parts = token.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in parts):
        raise TokenRefused("Invalid token")
    try:
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    except (ValueError, binascii.Error):
        raise TokenRefused("Invalid json") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("Invalid json")
    return header, claims, ".".join(parts[:2]).encode(), _decoded(parts[2])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Without any leeway; a token without an end is taken for ever."""
    if "exp" in claims and int(now) >= claims["exp"]:
        raise TokenRefused("Not acceptable by exp")
    if "nbf" in claims and int(now) < claims["nbf"]:
        raise TokenRefused("Not acceptable by nbf")


def _check_names(claims: Mapping[str, Any], keys: ServerKeys) -> None:
    for name in ("iss", "aud", "sub", "room"):
        if claims.get(name) is None:
            raise TokenRefused(f"'{name}' claim is missing")
    if claims["iss"] != keys.app_id:
        raise TokenRefused("invalid 'iss' claim")
    if "*" not in keys.audiences and claims["aud"] not in keys.audiences:
        raise TokenRefused("invalid 'aud' claim")
