"""The call page of a test room, for video systems whose call lives in the portal's own page.

`portal try video` makes the address; whoever opens it takes part, so it can be opened on two devices.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, current_app, g, render_template
from itsdangerous import BadSignature, URLSafeSerializer

from portal import clock, security
from portal.appointments import links
from portal.i18n import current_language
from portal.plugin_api import Guest, Role, Room
from portal.providers import current_providers

blueprint = Blueprint("trial", __name__, url_prefix="/try")


def address(provider: str, room: Room, role: Role) -> str:
    """The full address of the page for one role; it is good until the room closes."""
    value = {
        "provider": provider,
        "room": room.key,
        "data": dict(room.data),
        "until": room.closes_at.isoformat(),
        "role": role,
    }
    return links.page_address("trial.call", token=_serializer().dumps(value))


@blueprint.get("/<token>")
@security.with_camera
@security.signed_link
def call(token: str) -> str:
    """The test call. Everybody who opens the page is another guest."""
    value = _read(token)
    provider = current_providers().video.get(value["provider"]) or abort(404)
    room = Room(value["room"], datetime.fromisoformat(value["until"]), value["data"])
    if clock.now() > room.closes_at:
        abort(404)
    number = secrets.token_hex(2)
    guest = Guest(f"try-{number}", f"Test {number}", value["role"], current_language())
    join = provider.join(room, replace(guest, moderates=guest.role == "clerk"))
    if join.template is None:
        abort(404)
    g.call_provider = provider
    return render_template("door/trial.html", join=join, **join.values)


def _read(token: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = _serializer().loads(token)
    except BadSignature:
        abort(404)
    return value


def _serializer() -> URLSafeSerializer:
    # The last key of the list signs in itsdangerous, the first in our configuration.
    keys = list(reversed(current_app.config["PORTAL"].secret_keys))
    return URLSafeSerializer(keys, salt="test room")
