"""Meetings of the stand-in: who is in them, who waits, and when they end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal import clock

CAPTURING = (
    "record",
    "autoStartRecording",
    "allowStartStopRecording",
    "recordFullDurationMedia",
    "breakoutRoomsRecord",
    "meetingKeepEvents",
)


@dataclass
class Visit:
    """One person's way into a meeting: waiting, in it, or gone."""

    meeting: Meeting = field(repr=False)
    asked: Mapping[str, str]
    waits: bool
    token: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    is_in: bool = False

    @property
    def name(self) -> str:
        return self.asked["fullName"]

    @property
    def moderates(self) -> bool:
        return self.asked.get("role") == "MODERATOR"


@dataclass
class Meeting:
    """One meeting from its creation to its end. ``asked`` is what the first ``create`` said."""

    asked: Mapping[str, str]
    create_time: int
    created_at: datetime
    visits: list[Visit] = field(default_factory=list)
    forcibly_ended: bool = False
    emptied_at: datetime | None = None
    was_joined: bool = False
    ends_after: int | None = None
    """An ordered end is obeyed after so many more questions about the meeting."""

    @property
    def key(self) -> str:
        return self.asked["meetingID"]

    @property
    def captures(self) -> list[str]:
        """What would, or by the server's defaults could, keep something of the call."""
        return [name for name in CAPTURING if self.asked.get(name) != "false"]

    @property
    def present(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.is_in]

    @property
    def is_running(self) -> bool:
        """True while somebody's client is in the meeting, not before."""
        return not self.forcibly_ended and bool(self.present)

    def number(self, name: str, default: int) -> int:
        return int(self.asked.get(name, default))

    def enter(self, visit: Visit) -> None:
        visit.is_in, visit.waits = True, False
        self.was_joined, self.emptied_at = True, None

    def leave(self, visit: Visit) -> None:
        visit.is_in = False
        if not self.present:
            self.emptied_at = clock.now()

    def end(self) -> None:
        self.forcibly_ended, self.ends_after = True, None
        for visit in self.visits:
            visit.is_in = visit.waits = False


class Meetings:
    """All meetings of one server by their keys."""

    def __init__(self) -> None:
        self._known: dict[str, Meeting] = {}
        self._last_time = 0

    def create(self, asked: Mapping[str, str]) -> Meeting:
        """A new meeting; one that was ended under the same key makes room for it."""
        now = clock.now()
        self._last_time = max(self._last_time + 1, int(now.timestamp() * 1000))
        self._known[asked["meetingID"]] = meeting = Meeting(dict(asked), self._last_time, now)
        return meeting

    def find(self, key: str) -> Meeting | None:
        """The meeting, also when it was forcibly ended; None when it never was or has expired."""
        self._expire()
        return self._known.get(key)

    def living(self, key: str) -> Meeting | None:
        """The meeting while it has not ended."""
        meeting = self.find(key)
        return None if meeting is None or meeting.forcibly_ended else meeting

    def visit(self, token: str) -> Visit | None:
        """The visit to which a client's address belongs."""
        self._expire()
        visits = (visit for meeting in self._known.values() for visit in meeting.visits)
        return next((visit for visit in visits if visit.token == token), None)

    def forget_all(self) -> None:
        """What a restarted server knows."""
        self._known.clear()

    def _expire(self) -> None:
        now = clock.now()
        for key, meeting in list(self._known.items()):
            if meeting.forcibly_ended:
                continue
            if _is_over(now, meeting.created_at, meeting.number("duration", 0)):
                meeting.end()
            elif _is_abandoned(now, meeting):
                del self._known[key]


def _is_abandoned(now: datetime, meeting: Meeting) -> bool:
    if not meeting.was_joined:
        unused = meeting.number("meetingExpireIfNoUserJoinedInMinutes", 5)
        return _is_over(now, meeting.created_at, unused)
    empty = meeting.number("meetingExpireWhenLastUserLeftInMinutes", 1)
    return meeting.emptied_at is not None and _is_over(now, meeting.emptied_at, empty)


def _is_over(now: datetime, since: datetime, minutes: int) -> bool:
    """Zero minutes mean never."""
    return minutes > 0 and now >= since + timedelta(minutes=minutes)
