"""The pass of one guest for one room: signed, short-lived, renewed while the call goes on.

Minted by `DirectRooms.join` at the click, shown by the page with every request.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from portal.plugin_api import Guest, PluginContext, Room

from .settings import DirectSettings

LIFETIME = timedelta(minutes=10)
RENEWED_AFTER = timedelta(minutes=2)
"""So that a phone that was locked for some minutes comes back with a pass that is still good."""


@dataclass(frozen=True)
class CallPass:
    """Who may take part where, until when. The name comes from here, so nobody can call himself otherwise."""

    room: str
    guest: str
    name: str
    role: str
    moderates: str
    """"yes" or empty: signed values are texts."""
    most_guests: str
    until: str
    """When the room ends; no renewal reaches beyond."""
    made: str

    @classmethod
    def for_guest(cls, context: PluginContext[DirectSettings], room: Room, guest: Guest) -> CallPass:
        """A new pass, made now."""
        return cls(
            room=room.key,
            guest=guest.key,
            name=guest.name,
            role=guest.role,
            moderates="yes" if guest.moderates else "",
            most_guests=room.data["max_guests"],
            until=room.closes_at.isoformat(),
            made=context.clock().isoformat(),
        )

    def signed(self, context: PluginContext[DirectSettings]) -> str:
        """The text that the page carries."""
        return context.signer.sign(asdict(self))


def read(context: PluginContext[DirectSettings], token: str) -> CallPass | None:
    """The pass in ``token``, or None when it is forged, too old, or the room's time is over."""
    value = context.signer.read(token, LIFETIME)
    if value is None or set(value) != set(CallPass.__dataclass_fields__):
        return None
    found = CallPass(**value)
    return found if context.clock() < datetime.fromisoformat(found.until) else None


def renewed(context: PluginContext[DirectSettings], held: CallPass) -> str | None:
    """A fresh text for ``held`` that is no longer quite new."""
    now = context.clock()
    if now - datetime.fromisoformat(held.made) < RENEWED_AFTER:
        return None
    return replace(held, made=now.isoformat()).signed(context)
