"""What the portal asks of a meeting and of each way in. Nothing is left to the server's own defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from portal.plugin_api import Guest, Room, RoomOrder

from .signing import Value, plain

NOTHING_IS_RECORDED: Mapping[str, Value] = {
    "record": False,
    "autoStartRecording": False,
    # Most servers allow it unless they are told.
    "allowStartStopRecording": False,
    "recordFullDurationMedia": False,
    "breakoutRoomsRecord": False,
    "meetingKeepEvents": False,
    "notifyRecordingIsOn": False,
    # Zero would keep it for ever.
    "learningDashboardCleanupDelayInMinutes": 1,
}
WITHOUT = (
    "breakoutRooms",
    "captions",
    "liveTranscription",
    "downloadPresentationWithAnnotations",
    "downloadPresentationConvertedToPdf",
    "downloadPresentationOriginalFile",
    "snapshotOfCurrentSlide",
    "importPresentationWithAnnotationsFromBreakoutRooms",
    "importSharedNotesFromBreakoutRooms",
    "externalVideos",
    "learningDashboard",
    "learningDashboardDownloadSessionData",
    "polls",
    "quizzes",
    "sharedNotes",
    "presentation",
    "cameraAsContent",
    "timer",
    # The clerk must see the face, and nothing painted over it.
    "virtualBackgrounds",
    "customVirtualBackgrounds",
)
"""Features that keep or spread what happens in the call. Chat stays: deaf people need it."""
LONGEST_NAME = 64


def creation(order: RoomOrder, now: datetime) -> dict[str, Value]:
    """The parameters of ``create``."""
    minutes = minutes_left(order.closes_at, now)
    return {
        "name": _name(order.title, order.key),
        "meetingID": order.key,
        **NOTHING_IS_RECORDED,
        "disabledFeatures": ",".join(WITHOUT),
        "guestPolicy": "ASK_MODERATOR",
        "duration": minutes,
        # One more, for somebody who loads the page again while his former one is still being missed.
        "maxParticipants": order.max_guests + 1,
        # An empty meeting waits for its people: only its duration, or the portal, ends it.
        "meetingExpireIfNoUserJoinedInMinutes": minutes,
        "meetingExpireWhenLastUserLeftInMinutes": minutes,
        "endWhenNoModerator": False,
        "logoutURL": order.return_url or None,
        **_manners(order.sound_only),
    }


def _manners(sound_only: bool) -> dict[str, Value]:
    return {
        "meetingLayout": "VIDEO_FOCUS",
        "muteOnStart": False,
        "userCameraCap": 1,
        "allowModsToEjectCameras": True,
        "allowModsToUnmuteUsers": False,
        "allowPromoteGuestToModerator": False,
        "allowRequestsWithoutSession": False,
        # An interpreter of sign language must see everybody.
        "webcamsOnlyForModerator": False,
        "lockSettingsLockOnJoin": True,
        "lockSettingsDisableCam": sound_only,
        "lockSettingsDisableMic": False,
        "lockSettingsDisablePrivateChat": True,
        "lockSettingsDisableNotes": True,
        "lockSettingsHideUserList": False,
    }


def way_in(room: Room, guest: Guest, user_id: str) -> dict[str, Value]:
    """The parameters of ``join``: bound to this very meeting by its time of creation."""
    return {
        "meetingID": room.key,
        "fullName": _name(guest.name, "?"),
        "userID": user_id,
        "role": "MODERATOR" if guest.moderates else "VIEWER",
        # Told to everybody: without it servers differ about who has to wait.
        "guest": guest.role != "clerk",
        "createTime": room.data["create_time"],
        "redirect": True,
        "excludeFromDashboard": True,
        "errorRedirectUrl": room.data["return_url"] or None,
        **{f"userdata-bbb_{name}": value for name, value in _client(room, guest).items()},
    }


def _client(room: Room, guest: Guest) -> dict[str, Value]:
    return {
        "override_default_locale": guest.language,
        "auto_join_audio": True,
        "listen_only_mode": False,
        "skip_check_audio_on_first_join": False,
        "enable_video": not room.sound_only,
        "auto_share_webcam": not room.sound_only,
        # People see themselves before others do.
        "skip_video_preview": False,
        "record_video": False,
        "record_permission": False,
        "show_participants_on_login": False,
        "show_public_chat_on_login": False,
        "show_session_details_on_join": False,
        "hide_presentation_on_join": True,
        "direct_leave_button": True,
        "ask_for_feedback_on_logout": False,
    }


def minutes_left(closes_at: datetime, now: datetime) -> int:
    """Whole minutes; never none, which would mean no end at all."""
    return max(1, math.ceil((closes_at - now).total_seconds() / 60))


def _name(text: str, otherwise: str) -> str:
    name = plain(text)[:LONGEST_NAME].rstrip()
    return name if len(name) >= 2 else otherwise
