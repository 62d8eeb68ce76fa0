"""Which servers help two browsers find each other. TURN credentials are made here and end by themselves."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from .settings import DirectSettings


def configuration(settings: DirectSettings, guest: str, until: datetime) -> dict[str, object]:
    """What the browser's RTCPeerConnection is made with."""
    policy = "relay" if settings.relay_only else "all"
    return {"iceServers": _servers(settings, guest, until), "iceTransportPolicy": policy}


def _servers(settings: DirectSettings, guest: str, until: datetime) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if settings.stun_urls:
        found.append({"urls": list(settings.stun_urls)})
    if settings.turn_urls and settings.turn_secret:
        username, credential = turn_login(settings.turn_secret.get_secret_value(), guest, until)
        found.append({"urls": list(settings.turn_urls), "username": username, "credential": credential})
    return found


def turn_login(secret: str, guest: str, until: datetime) -> tuple[str, str]:
    """Name and password that a TURN server with this shared secret accepts until then."""
    username = f"{int(until.timestamp())}:{guest}"
    return username, base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()
