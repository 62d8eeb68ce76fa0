"""The XML in which BigBlueButton answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from .meetings import Meeting

XML = "text/xml;charset=utf-8"


def success(values: Mapping[str, object]) -> Response:
    """``returncode`` SUCCESS and the elements."""
    return _response({"returncode": "SUCCESS", **values})


def failed(key: str, message: str = "") -> Response:
    """``returncode`` FAILED, with status 200 as the real one; without ``key`` the element is missing."""
    told = {"messageKey": key} if key else {}
    return _response({"returncode": "FAILED", **told, "message": message or f"about {key}"})


def sent_back(address: str, key: str) -> Response:
    """A join is refused: the browser goes to ``address``, which learns why."""
    errors = json.dumps([{"key": key, "message": f"about {key}"}])
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode({'errors': errors})}")


def created(meeting: Meeting, key: str = "") -> Response:
    """The answer to ``create``."""
    told = {"messageKey": key, "message": f"about {key}"} if key else {"messageKey": "", "message": ""}
    return success({**_facts(meeting), **told})


def info(meeting: Meeting, records: bool) -> Response:
    """The answer to ``getMeetingInfo``; the real one tells the passwords too."""
    people = "".join(
        f"<attendee><userID>{escape(visit.asked.get('userID', ''))}</userID>"
        f"<fullName>{escape(visit.name)}</fullName><role>{escape(visit.asked['role'])}</role></attendee>"
        for visit in meeting.present
    )
    facts = {
        "meetingName": meeting.asked["name"],
        **_facts(meeting),
        "running": meeting.is_running,
        "recording": records or meeting.asked.get("record") == "true",
        "participantCount": len(meeting.present),
        "attendeePW": "attendee-password",
        "moderatorPW": "moderator-password",
    }
    return _response({"returncode": "SUCCESS", **facts}, f"<attendees>{people}</attendees>")


def _facts(meeting: Meeting) -> dict[str, object]:
    return {
        "meetingID": meeting.key,
        "internalMeetingID": f"internal-{meeting.create_time}",
        "createTime": meeting.create_time,
        "duration": meeting.number("duration", 0),
        "hasUserJoined": meeting.was_joined,
        "hasBeenForciblyEnded": meeting.forcibly_ended,
    }


def _response(values: Mapping[str, object], more: str = "") -> Response:
    elements = "".join(f"<{name}>{escape(_text(value))}</{name}>" for name, value in values.items())
    return Response(f"<response>{elements}{more}</response>", content_type=XML)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
