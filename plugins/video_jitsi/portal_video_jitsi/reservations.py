"""Where prosody's module ``reservations`` asks whether a room is wanted, and for how long.

It asks before it opens a room, and ends the room when the told duration is over. Prosody proves itself with
the header that is set as ``reservations_api_headers``. The portal keeps no reservations: the answer is made
from its open rooms, so a room that is opened a second time gets what is left of its time.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from flask import abort, make_response, request
from flask.typing import ResponseReturnValue

from portal.plugin_api import PluginBlueprint, PluginContext, Room, webhook

from .settings import JitsiSettings

SPARE_PLACES = 2
"""Whoever loads the page again is counted twice until the server notices that the former page is gone."""


def add_reservations(context: PluginContext[JitsiSettings], blueprint: PluginBlueprint) -> None:
    """Add the addresses; ``reservations_api_prefix`` ends before ``/conference``."""

    @blueprint.post("/reservations/conference")
    @webhook
    def ask() -> ResponseReturnValue:
        _prove(context)
        return _told(context, request.form.get("name", ""), request.form.get("mail_owner", ""), 403)

    @blueprint.get("/reservations/conference/<name>")
    @webhook
    def show(name: str) -> ResponseReturnValue:
        _prove(context)
        return _told(context, name, "", 404)

    @blueprint.delete("/reservations/conference/<name>")
    @webhook
    def over(name: str) -> ResponseReturnValue:
        # The call may go on in a room that everybody left for a moment; only the clerk ends it.
        _prove(context)
        return "", 204


def _prove(context: PluginContext[JitsiSettings]) -> None:
    secret = context.settings.reservations_secret
    wanted = f"Bearer {secret.get_secret_value()}" if secret else ""
    shown = request.headers.get("Authorization", "")
    if not wanted or not hmac.compare_digest(wanted.encode(), shown.encode()):
        abort(make_response({"message": "Authorization is missing or wrong"}, 403))


def _told(context: PluginContext[JitsiSettings], name: str, owner: str, refusal: int) -> ResponseReturnValue:
    now = context.clock()
    wanted = name.lower()
    room = next((room for room in context.open_rooms() if room.data.get("name") == wanted), None)
    if room is None:
        return {"message": "No call is held in this room now."}, refusal
    return _reservation(room, owner, now)


def _reservation(room: Room, owner: str, now: datetime) -> dict[str, object]:
    return {
        "id": room.data["name"],
        "name": room.data["name"],
        # Prosody wants its word back: the connection that asked, which names nobody.
        "mail_owner": owner or "portal",
        "start_time": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "duration": max(1, int((room.closes_at - now).total_seconds())),
        "max_occupants": int(room.data["max_guests"]) + SPARE_PLACES,
    }
