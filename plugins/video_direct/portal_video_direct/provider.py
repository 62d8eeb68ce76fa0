"""Rooms that exist only as a list of messages while people talk; picture and sound never pass through us."""

from __future__ import annotations

from portal.plugin_api import Finding, Guest, Join, PluginContext, Room, RoomOrder, VideoProvider, lazy

from . import ice, trial
from .passes import CallPass
from .settings import DirectSettings
from .signalling import SignalledRoom


class DirectRooms(VideoProvider):
    """Calls from browser to browser. No server is in between, so there is nothing that could record."""

    name = "direct"
    title = lazy("Direct video call")
    can_forbid_recording = True
    timeout = 45
    prevents = (
        lazy("The call goes from browser to browser; no server is in between that could record it."),
        lazy("At most a relay passes on what it cannot read."),
    )

    def __init__(self, context: PluginContext[DirectSettings]) -> None:
        self._context = context

    def open_room(self, order: RoomOrder) -> Room:
        """Nothing to reserve: the room begins with its first message."""
        return Room(order.key, order.closes_at, {"max_guests": str(order.max_guests)})

    def join(self, room: Room, guest: Guest) -> Join:
        """The call page for one guest, with a pass of his own."""
        settings = self._context.settings
        return Join.page(
            "portal_video_direct/call.html",
            me=guest,
            call_token=CallPass.for_guest(self._context, room, guest).signed(self._context),
            messages_url=self._context.url_for("messages"),
            rtc=ice.configuration(settings, guest.key, room.closes_at),
            sound_only=room.sound_only,
            upload_kbit=settings.upload_kbit,
            poor_line_kbit=settings.poor_line_kbit,
        )

    def close_room(self, room: Room) -> None:
        """Every page learns it with its next question and ends the call."""
        SignalledRoom(self._context, room.key).close()

    def check(self) -> None:
        """Only the portal's own store is needed."""
        self._context.exchange.read("check", 0)

    def try_out(self) -> list[Finding]:
        """Ask the store, and each STUN and TURN server as a browser would."""
        self.check()
        return [Finding("the portal's store answers"), *trial.findings(self._context)]
