"""Rooms on BigBlueButton: created by a worker, entered by a signed address made at the click."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

from portal.plugin_api import (
    ConfigurationFailure,
    Finding,
    Guest,
    Join,
    LazyText,
    PluginContext,
    Room,
    RoomOrder,
    TemporaryFailure,
    VideoProvider,
    lazy,
)

from . import answers, meetings, trial, words
from .answers import Answer
from .calls import BAD_REQUEST, BbbServer
from .settings import BbbSettings
from .signing import signed

GONE = frozenset({"notFound", "meetingForciblyEnded", "meetingEnded", "noMeetings"})
PAUSES = (0.2, 1.0, 2.0)
"""Seconds between questions whether a meeting has ended: the order to end it is obeyed a little later."""
NOBODY = "portal-check"
"""A meeting that does not exist, which every server says of it to whoever signs rightly."""


class BbbRooms(VideoProvider):
    """Each room is a meeting; people go to the server's own page and come back when they leave."""

    name = "bbb"
    title = lazy("Video call with BigBlueButton")
    timeout = 60
    can_forbid_recording = True
    sound_switch = "new_room"
    # A server that was restarted has lost its meetings, so we create again before later joins: the same
    # meeting when it is still there.
    fresh_for = timedelta(minutes=1)
    prevents = (
        lazy("For each call the portal tells BigBlueButton that nothing may be recorded or written down."),
        lazy("Nobody in the call has a button to record, neither the citizen nor the clerk."),
        lazy(
            "Picture and sound pass through the BigBlueButton server; those who run it must have switched"
            " recording off there too."
        ),
    )

    def __init__(self, context: PluginContext[BbbSettings]) -> None:
        self._context = context
        self._server = BbbServer(context)
        self.origins = frozenset({context.settings.origin})

    def open_room(self, order: RoomOrder) -> Room:
        """Create the meeting; one that exists under this key is the same room."""
        values = meetings.creation(order, self._context.clock())
        # It is not unique when it lives under passwords, which we never set: still the room of this key.
        self._server.ask("create", values, expected={"idNotUnique"})
        # Asked of the server instead of believed: whether it lives, since when, and that it does not record.
        meeting = self._server.ask("getMeetingInfo", {"meetingID": order.key}, expected=GONE)
        data = {"create_time": _create_time(meeting), "return_url": order.return_url}
        if meeting.text("recording") != "false":
            raise ConfigurationFailure(f"the meeting may record although it must not; {trial.SWITCH_OFF}")
        return Room(order.key, order.closes_at, data)

    def join(self, room: Room, guest: Guest) -> Join:
        """To the meeting. The address works as long as the meeting exists, so it is never sent or shown."""
        user_id = self._context.signer.derive(f"{room.key} {guest.key}").hex()[:32]
        values = meetings.way_in(room, guest, user_id)
        return Join.redirect(signed(self._context.settings, "join", values))

    def close_room(self, room: Room) -> None:
        """End the meeting, and see that nobody is in it any more."""
        meeting = {"meetingID": room.key}
        if self._server.ask("end", meeting, expected=GONE | {BAD_REQUEST}).key in GONE:
            return
        for pause in PAUSES:
            if self._server.ask("isMeetingRunning", meeting).text("running") != "true":
                return
            time.sleep(pause)
        raise TemporaryFailure("the meeting goes on although its end was ordered")

    def check(self) -> None:
        """Ask about a meeting that does not exist: the cheapest question that needs the secret."""
        self._server.ask("isMeetingRunning", {"meetingID": NOBODY})

    def try_out(self) -> list[Finding]:
        """Version, secret and algorithm."""
        return trial.findings(self._context, NOBODY)

    def try_join(self, join_url: str) -> list[Finding]:
        """Follow the address one step, then ask whether its meeting records."""
        return trial.of_way_in(self._server, join_url)

    def explain_return(self, query: Mapping[str, str]) -> LazyText | None:
        """BigBlueButton sends people back with ``errors`` when it does not let them in."""
        if "errors" not in query:
            return None
        keys = answers.error_keys(query["errors"])
        self._context.log.info("join refused", keys=keys)
        return next((words.BY_KEY[key] for key in keys if key in words.BY_KEY), words.UNKNOWN)


def _create_time(meeting: Answer) -> str:
    created = meeting.text("createTime")
    if not created.isdecimal() or meeting.text("hasBeenForciblyEnded") == "true":
        raise TemporaryFailure("BigBlueButton has no meeting that could be entered")
    return created
