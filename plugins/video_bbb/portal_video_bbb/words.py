"""What somebody reads who comes back because BigBlueButton did not let him in."""

from __future__ import annotations

from portal.plugin_api import LazyText, lazy

OPENED_ANEW = lazy("The room of the call is being opened anew. Wait one minute and enter again.")
HAS_ENDED = lazy("This video call has ended. If it is still needed, the clerk can open another one.")
IS_FULL = lazy("The call is full. Close it in other windows and on other devices, then enter again.")
NOT_ADMITTED = lazy("You were not let into the video call. Keep this page open, or call the office.")
UNKNOWN = lazy(
    "The video system did not let you in. Enter again in a minute; if it still does not, the clerk can choose"
    " another way."
)

BY_KEY: dict[str, LazyText] = {
    "notFound": OPENED_ANEW,
    "mismatchCreateTimeParam": OPENED_ANEW,
    "meetingForciblyEnded": HAS_ENDED,
    "meetingEnded": HAS_ENDED,
    "maxParticipantsReached": IS_FULL,
    "guestDeniedAccess": NOT_ADMITTED,
    "guestDeny": NOT_ADMITTED,
}
