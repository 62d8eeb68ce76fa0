"""Which servers help two browsers find each other. TURN credentials are made here and end by themselves."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from .settings import DirectSettings


def servers(settings: DirectSettings, guest: str, until: datetime) -> list[dict[str, object]]:
    """What the browser's RTCPeerConnection takes as ``iceServers``."""
    found: list[dict[str, object]] = []
    if settings.stun_urls:
        found.append({"urls": list(settings.stun_urls)})
    if settings.turn_urls and settings.turn_secret:
        username = f"{int(until.timestamp())}:{guest}"
        credential = turn_credential(settings.turn_secret.get_secret_value(), username)
        found.append({"urls": list(settings.turn_urls), "username": username, "credential": credential})
    return found


def turn_credential(secret: str, username: str) -> str:
    """The password that a TURN server with this shared secret expects of ``username``."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()
