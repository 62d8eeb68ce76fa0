"""Rooms on the municipality's Jitsi Meet: an unguessable name, and a token for each guest at the click."""

from __future__ import annotations

from portal.plugin_api import Finding, Guest, Join, PluginContext, Room, RoomOrder, VideoProvider, lazy

from . import overrides, tokens, trial
from .server import JitsiServer
from .settings import JitsiSettings


class JitsiRooms(VideoProvider):
    """A room begins when the first guest comes with a token, and is gone when the last one leaves."""

    name = "jitsi"
    title = lazy("Jitsi Meet of the municipality")
    timeout = 20
    can_forbid_recording = True
    sound_switch = "page"
    prevents = (
        lazy("The call runs on the municipality's own Jitsi Meet server."),
        lazy("The portal forbids everybody, also the clerk, to record, to stream and to transcribe."),
        lazy("If the server reports a recording all the same, the portal's page ends the call at once."),
        lazy("That no recorder is installed on the server is in the hands of its administrators."),
    )

    def __init__(self, context: PluginContext[JitsiSettings]) -> None:
        self._context = context
        self._settings = context.settings
        self.origins = frozenset({context.settings.base_url})
        self.script_origins = self.origins

    def open_room(self, order: RoomOrder) -> Room:
        """Nothing to reserve; but a server that is away must be noticed here, while another can be chosen.

        The name is derived, so it says nothing about the appointment, and nobody else can think of it.
        """
        self.check()
        name = self._context.signer.derive(f"room {order.key}").hex()[:40]
        return Room(order.key, order.closes_at, {"name": name, "max_guests": str(order.max_guests)})

    def join(self, room: Room, guest: Guest) -> Join:
        """The call page for one guest, with a token of his own."""
        settings = self._settings
        left = (room.closes_at - self._context.clock()).total_seconds()
        options = {
            "roomName": room.data["name"],
            "jwt": self._token(room, guest),
            "lang": guest.language,
            "configOverwrite": overrides.overrides(guest.moderates, room.sound_only),
        }
        return Join.page(
            "portal_video_jitsi/call.html",
            jitsi_script=f"{settings.base_url}/external_api.js",
            jitsi_host=settings.host,
            jitsi_options=options if settings.base_url.startswith("https:") else {**options, "noSSL": True},
            jitsi_toolbars={"picture": overrides.buttons(False), "sound": overrides.buttons(True)},
            jitsi_seconds_left=max(0, int(left)),
            jitsi_me=guest,
        )

    def close_room(self, room: Room) -> None:
        """Nothing can be called here: the portal lets nobody in any more, and its pages take the frame away.

        With reservations the server ends the room itself, when its time is over.
        """

    def check(self) -> None:
        """The script that every call page loads must be there."""
        JitsiServer(self._context, self.timeout).script()

    def join_url(self, room: Room, guest: Guest) -> str | None:
        config = overrides.overrides(guest.moderates, room.sound_only, asks_before_joining=True)
        token = self._token(room, guest)
        return overrides.address(self._settings.base_url, room.data["name"], token, guest.language, config)

    def try_out(self) -> list[Finding]:
        now = self._context.clock()
        nobody = Guest("try", "Δοκιμή", "citizen", "el")
        token = tokens.token(self._settings, trial.INVENTED_ROOM, now + tokens.LIFETIME, nobody, "try", now)
        return trial.findings(JitsiServer(self._context, self.timeout), self._settings, token)

    def try_join(self, join_url: str) -> list[Finding]:
        return trial.join_findings(JitsiServer(self._context, self.timeout), join_url)

    def _token(self, room: Room, guest: Guest) -> str:
        # The others' pages see it; it must not tell which of several calls the same person was in.
        person = self._context.signer.derive(f"guest {room.key} {guest.key}").hex()[:24]
        now = self._context.clock()
        return tokens.token(self._settings, room.data["name"], room.closes_at, guest, person, now)
