"""What the call page asks of Jitsi's own page: nothing that captures, a short toolbar, no third parties.

These are wishes of the browser: what must never happen belongs into the server's configuration too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

NO_CAPTURE: Mapping[str, object] = {
    "recordingService": {"enabled": False, "sharingEnabled": False},
    "localRecording": {"disable": True, "disableSelfRecording": True, "enabled": False},
    "liveStreaming": {"enabled": False},
    "liveStreamingEnabled": False,
    "transcription": {
        "enabled": False,
        "autoTranscribeOnRecord": False,
        "autoCaptionOnTranscribe": False,
        "disableClosedCaptions": True,
    },
    "transcribingEnabled": False,
    "autoCaptionOnRecord": False,
    "fileRecordingsEnabled": False,
    "fileRecordingsServiceEnabled": False,
    "fileRecordingsServiceSharingEnabled": False,
    "screenshotCapture": {"enabled": False},
    "recordings": {"suggestRecording": False},
    "fileSharing": {"enabled": False},
    "whiteboard": {"enabled": False},
    "giphy": {"enabled": False},
    "dropbox": {},
    "openSharedDocumentOnJoin": False,
}
"""Old names beside new ones: a server ignores those that it does not know."""

CALM: Mapping[str, object] = {
    "hiddenPremeetingButtons": ["invite"],
    "disableInviteFunctions": True,
    "disableThirdPartyRequests": True,
    "doNotStoreRoom": True,
    "disableDeepLinking": True,
    "deeplinking": {"disabled": True},
    "readOnlyName": True,
    "disableProfile": True,
    "disablePolls": True,
    "disableReactions": True,
    "hideConferenceSubject": True,
    "gravatar": {"disabled": True},
    "analytics": {"disabled": True},
    "breakoutRooms": {"hideAddRoomButton": True},
    "enableInsecureRoomNameWarning": False,
    "enableCalendarIntegration": False,
    "feedbackPercentage": 0,
    # A paper that is held to the camera must be readable for whoever holds it, too.
    "doNotFlipLocalVideo": True,
    # Directly connected, the two sides would learn each other's internet address.
    "p2p": {"enabled": False},
    "notifications": [
        "connection.CONNFAIL",
        "dialog.cameraNotSendingData",
        "dialog.micNotSendingData",
        "dialog.reservationError",
        "dialog.sessTerminated",
        "dialog.recording",
        "dialog.liveStreaming",
        "dialog.transcribing",
        "localRecording.localRecording",
    ],
}

BUTTONS = (
    "microphone",
    "camera",
    "toggle-camera",
    "hangup",
    "settings",
    "tileview",
    "fullscreen",
    "chat",
)
"""All that anybody may press; without such a list Jitsi shows every button it has."""
PICTURE_BUTTONS = frozenset({"camera", "toggle-camera", "tileview"})


def buttons(sound_only: bool) -> list[str]:
    """The toolbar; without pictures it has nothing that brings them back."""
    return [button for button in BUTTONS if not (sound_only and button in PICTURE_BUTTONS)]


def overrides(moderates: bool, sound_only: bool, asks_before_joining: bool = False) -> dict[str, object]:
    """The option ``configOverwrite``.

    The portal has its own test of camera and microphone, so Jitsi's page before joining is left out. Outside
    a frame leaving it out would switch both off, hence ``asks_before_joining``.
    """
    return {
        **NO_CAPTURE,
        **CALM,
        "toolbarButtons": buttons(sound_only),
        "prejoinConfig": {"enabled": asks_before_joining, "hideDisplayName": True},
        "prejoinPageEnabled": asks_before_joining,
        "startAudioOnly": sound_only,
        "startLowBandwidthMode": sound_only,
        "startWithVideoMuted": sound_only,
        "startWithAudioMuted": False,
        "remoteVideoMenu": {"disableKick": not moderates, "disableGrantModerator": True},
    }


def address(base_url: str, room: str, token: str, language: str, config: Mapping[str, object]) -> str:
    """The room's own address. What stands after ``#`` never leaves the browser, so it reaches no log."""
    values = {"jwt": token, **{f"config.{key}": value for key, value in _flat(config)}}
    hash_ = urlencode({key: json.dumps(value) for key, value in values.items()}, quote_via=quote, safe="")
    return f"{base_url}/{room}?lang={language}#{hash_}"


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Nested keys with dots between them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
