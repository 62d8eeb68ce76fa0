"""Back from a call on another site: the browser returns here and is led to its own page again.

The address is the same for everybody and names nobody; the browser's session knows which call it left.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue

from portal import security
from portal.appointments import links

BY_LINK, AS_STAFF = "left_by_link", "left_as_staff"
"""Where in the browser's session it stands how the call was entered: the personal link's token, or the key
of the appointment."""

blueprint = Blueprint("left", __name__)


def entered_by_link(token: str) -> None:
    """A guest goes to a call on another site."""
    session[BY_LINK] = token
    session.pop(AS_STAFF, None)


def entered_as_staff(appointment_key: str) -> None:
    """A member of staff goes to a call on another site."""
    session[AS_STAFF] = appointment_key
    session.pop(BY_LINK, None)


@blueprint.get("/left")
@security.public
def back() -> ResponseReturnValue:
    """Guests come back to their door, which knows how it goes on; staff have their page in another window."""
    token = session.get(BY_LINK, "")
    if token and links.participant_of(token):
        return redirect(flask_url_for("door.show", token=token))
    return render_template("door/left.html", call=session.get(AS_STAFF))
