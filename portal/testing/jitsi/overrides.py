"""What a page must ask of Jitsi's own page before this stand-in lets anybody in.

The real server does not look at it: the browser may ask for what it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MUST_BE: Mapping[str, object] = {
    "recordingService.enabled": False,
    "recordingService.sharingEnabled": False,
    "localRecording.disable": True,
    "localRecording.enabled": False,
    "liveStreaming.enabled": False,
    "liveStreamingEnabled": False,
    "transcription.enabled": False,
    "transcription.autoTranscribeOnRecord": False,
    "transcription.disableClosedCaptions": True,
    "transcribingEnabled": False,
    "autoCaptionOnRecord": False,
    "screenshotCapture.enabled": False,
    "recordings.suggestRecording": False,
    "fileSharing.enabled": False,
    "whiteboard.enabled": False,
    "disableThirdPartyRequests": True,
    "disableInviteFunctions": True,
    "gravatar.disabled": True,
    "analytics.disabled": True,
    "p2p.enabled": False,
}
HARMLESS_BUTTONS = frozenset(
    {"microphone", "camera", "toggle-camera", "hangup", "settings", "tileview", "fullscreen", "chat"}
)


def troubles(config: Mapping[str, Any]) -> list[str]:
    """Each thing that would let somebody capture, send away, or be followed; ``config`` is nested."""
    flat = dict(_flat(config))
    found = [name for name, value in MUST_BE.items() if flat.get(name) is not value]
    buttons = config.get("toolbarButtons")
    if not isinstance(buttons, list):
        return [*found, "toolbarButtons"]
    return [*found, *(f"button {name}" for name in buttons if name not in HARMLESS_BUTTONS)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
