"""The interface of the stand-in: every call is checked before it is answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from . import answers, checksums, pages
from .meetings import CAPTURING, Meeting, Meetings, Visit

BOOLEANS = frozenset({*CAPTURING, "muteOnStart", "webcamsOnlyForModerator", "lockSettingsDisableCam"})
NUMBERS = frozenset(
    {
        "duration",
        "maxParticipants",
        "meetingExpireIfNoUserJoinedInMinutes",
        "meetingExpireWhenLastUserLeftInMinutes",
        "learningDashboardCleanupDelayInMinutes",
    }
)
CALLS = frozenset({"create", "join", "isMeetingRunning", "getMeetingInfo", "end"})


@dataclass(frozen=True)
class Api:
    """How one server answers at the moment."""

    mode: str
    secret: str = field(repr=False)
    meetings: Meetings
    lengths: Collection[int]
    version: str
    records_anyway: bool
    ends_after: int
    node: str
    """Where b3lb sends browsers that join."""
    node_secret: str = field(repr=False)

    def base(self) -> Response:
        """The address without a call needs no checksum."""
        told = {"bbbVersion": self.version} if self.version else {}
        return answers.success({"version": "2.0", "apiVersion": "2.0", **told})

    def answer(self, method: str, call: str, raw_query: str, values: Mapping[str, str]) -> Response:
        """The answer to one call."""
        if call not in CALLS:
            return self._unknown_call()
        if method != "GET":
            # A body without the right type; the portal sends none.
            return answers.failed("unsupportedContentType")
        if not checksums.is_signed(call, raw_query, self.secret, self.lengths, self.mode == "bbb"):
            return self._not_signed()
        if not values.get("meetingID"):
            return answers.failed("missingParamMeetingID")
        return {
            "create": self._create,
            "join": self._join,
            "isMeetingRunning": self._is_running,
            "getMeetingInfo": self._info,
            "end": self._end,
        }[call](values)

    def _unknown_call(self) -> Response:
        if self.mode == "scalelite":
            return answers.failed("unsupportedRequest")
        return Response("", 403 if self.mode == "b3lb" else 404, content_type="text/plain")

    def _not_signed(self) -> Response:
        if self.mode == "b3lb":
            return Response("Unauthorized", 401, content_type="text/plain")
        return answers.failed("checksumError", "Checksums do not match")

    def _create(self, values: Mapping[str, str]) -> Response:
        fault = _fault_of_creation(values)
        if fault:
            return answers.failed(fault)
        living = self.meetings.living(values["meetingID"])
        if living is None:
            return answers.created(self.meetings.create(values))
        same = all(values.get(name) == living.asked.get(name) for name in ("attendeePW", "moderatorPW"))
        unsaid = not values.get("attendeePW") and not values.get("moderatorPW")
        return (
            answers.created(living, "duplicateWarning") if same or unsaid else answers.failed("idNotUnique")
        )

    def _is_running(self, values: Mapping[str, str]) -> Response:
        meeting = self._asked_about(values)
        return answers.success({"running": meeting is not None and meeting.is_running})

    def _info(self, values: Mapping[str, str]) -> Response:
        meeting = self._asked_about(values)
        return answers.info(meeting, self.records_anyway) if meeting else answers.failed("notFound")

    def _end(self, values: Mapping[str, str]) -> Response:
        meeting = self.meetings.find(values["meetingID"])
        if meeting is None:
            return Response("", 400) if self.mode == "b3lb" else answers.failed("notFound")
        if self.ends_after:
            meeting.ends_after = self.ends_after
        else:
            meeting.end()
        return answers.success({"messageKey": "sentEndMeetingRequest", "message": "ask again in a while"})

    def _asked_about(self, values: Mapping[str, str]) -> Meeting | None:
        meeting = self.meetings.find(values["meetingID"])
        if meeting and meeting.ends_after is not None:
            meeting.ends_after -= 1
            if meeting.ends_after < 0:
                meeting.end()
        return meeting

    def _join(self, values: Mapping[str, str]) -> Response:
        if self.node:
            return self._on_to_node(values)
        meeting = self.meetings.find(values["meetingID"])
        if not values.get("role") and not values.get("password"):
            return answers.failed("Params required")
        key = _fault_of_join(values, meeting)
        if key or meeting is None:
            back = values.get("errorRedirectUrl") or (meeting.asked.get("logoutURL") if meeting else "")
            return (
                answers.sent_back(back, key) if back else Response(pages.refused(key), mimetype="text/html")
            )
        visit = Visit(meeting, dict(values), _has_to_wait(values, meeting))
        meeting.visits.append(visit)
        answer = redirect(f"/client/{'lobby' if visit.waits else 'html5'}?sessionToken={visit.token}")
        answer.set_cookie("JSESSIONID", visit.cookie, path="/client", httponly=True)
        return answer

    def _on_to_node(self, values: Mapping[str, str]) -> Response:
        if self.meetings.find(values["meetingID"]) is None:
            return Response("", 400)
        query = urlencode({name: value for name, value in values.items() if name != "checksum"})
        proof = hashlib.sha256(f"join{query}{self.node_secret}".encode()).hexdigest()
        return redirect(f"{self.node}/api/join?{query}&checksum={proof}")


def _fault_of_creation(values: Mapping[str, str]) -> str:
    """The key of what is wrong with the parameters; empty when all is well."""
    if not values.get("name"):
        return "emptyError"
    if any(not 2 <= len(values[name]) <= 256 for name in ("name", "meetingID")):
        return "sizeError"
    wrong = (
        "," in values["meetingID"],
        any(values[name] not in ("true", "false") for name in BOOLEANS & values.keys()),
        any(not values[name].isdecimal() for name in NUMBERS & values.keys()),
    )
    return "validationError" if any(wrong) else ""


def _fault_of_join(values: Mapping[str, str], meeting: Meeting | None) -> str:
    if not values.get("fullName"):
        return "missingParamFullName"
    if values.get("role") not in ("MODERATOR", "VIEWER") or values.get("guest", "true") not in (
        "true",
        "false",
    ):
        return "validationError"
    if not re.fullmatch(r"\d*", values.get("createTime", "")):
        return "validationError"
    return _fault_of_meeting(values, meeting)


def _fault_of_meeting(values: Mapping[str, str], meeting: Meeting | None) -> str:
    if meeting is None:
        return "notFound"
    if meeting.forcibly_ended:
        return "meetingForciblyEnded"
    if values.get("createTime", str(meeting.create_time)) != str(meeting.create_time):
        return "mismatchCreateTimeParam"
    most = meeting.number("maxParticipants", 0)
    others = {visit.asked.get("userID", visit.token) for visit in meeting.present} - {values.get("userID")}
    return "maxParticipantsReached" if most and len(others) >= most else ""


def _has_to_wait(values: Mapping[str, str], meeting: Meeting) -> bool:
    """Moderators walk in, and who is explicitly no guest."""
    asks = meeting.asked.get("guestPolicy", "ALWAYS_ACCEPT") == "ASK_MODERATOR"
    return asks and values["role"] != "MODERATOR" and values.get("guest") != "false"
