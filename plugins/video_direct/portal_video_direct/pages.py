"""The one address that the call page talks to: read what the others said, say something oneself."""

from __future__ import annotations

from typing import NoReturn

from flask import abort, make_response, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from portal.plugin_api import (
    PermanentFailure,
    PluginBlueprint,
    PluginContext,
    TemporaryFailure,
    signed_access,
)

from . import passes
from .passes import CallPass
from .settings import DirectSettings
from .signalling import POSTED, Message, SignalledRoom

LARGEST_BODY = 48 * 1024


def add_pages(context: PluginContext[DirectSettings], blueprint: PluginBlueprint) -> None:
    """Add the address."""

    @blueprint.get("/rooms/messages")
    @signed_access
    def messages() -> ResponseReturnValue:
        held, room = _enter(context)
        after = request.args.get("after", 0, type=int)
        answer = {
            "messages": room.heard(held.guest, request.args.get("session", ""), after),
            "removed": sorted(room.removed()),
        }
        fresh = passes.renewed(context, held)
        return answer | ({"token": fresh} if fresh else {})

    @blueprint.post("/rooms/messages")
    @signed_access
    def say() -> ResponseReturnValue:
        held, room = _enter(context)
        posted = _posted()
        if not isinstance(posted, Message):
            if not held.moderates:
                _refuse("not-for-you")
            room.remove(posted.guest)
            return {}
        if posted.kind == "hello" and room.is_full(held.guest, int(held.most_guests)):
            return {"error": "full"}, 409
        return {"number": room.say(held, posted)}

    @blueprint.errorhandler(TemporaryFailure)
    def store_is_away(failure: TemporaryFailure) -> ResponseReturnValue:
        return {"error": "away"}, 503

    @blueprint.errorhandler(PermanentFailure)
    def room_is_closed(failure: PermanentFailure) -> ResponseReturnValue:
        return {"error": "closed"}, 410


def _enter(context: PluginContext[DirectSettings]) -> tuple[CallPass, SignalledRoom]:
    """The caller's pass and his room; without a valid pass, or once removed, he is refused."""
    held = passes.read(context, request.headers.get("X-Call-Token", ""))
    if held is None:
        _refuse("expired")
    room = SignalledRoom(context, held.room)
    if held.guest in room.removed():
        _refuse("removed")
    return held, room


def _refuse(reason: str) -> NoReturn:
    """Answer 403 with a word from which the page makes a sentence."""
    abort(make_response({"error": reason}, 403))


def _posted() -> object:
    if (request.content_length or 0) > LARGEST_BODY:
        abort(413)
    try:
        return POSTED.validate_json(request.get_data())
    except ValidationError:
        abort(400)
