"""The step from the portal to a call on another site, once the room is known to be there."""

from __future__ import annotations

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from portal.appointments import rooms
from portal.appointments.models import VideoRoom
from portal.db import transaction
from portal.providers import current_providers


def lead(room: VideoRoom, url: str) -> ResponseReturnValue:
    """To ``url``; where the room may have vanished, first a page that waits until it is open again.

    The page asks for its own address anew, so the way in is made then, from what the provider says.
    """
    if rooms.is_fresh(room, current_providers().video[room.provider].fresh_for):
        return redirect(url)
    with transaction():
        rooms.renew(room)
    return render_template("door/opening.html")
