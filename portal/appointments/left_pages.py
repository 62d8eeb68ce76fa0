"""Back from a call on another site: the browser returns here and is led to its own page again.

The address is the same for everybody and names nobody; the browser's session knows which call it left.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue

from portal import security
from portal.appointments import links
from portal.appointments.models import Appointment
from portal.db import db
from portal.plugin_api import ProviderFailure
from portal.providers import current_providers

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
    """Guests come back to their door, which knows how it goes on; staff have their page in another window.

    Whoever was not let in reads why, where the provider can say it.
    """
    token = session.get(BY_LINK, "")
    guest = links.participant_of(token) if token else None
    if guest:
        _explain(guest.appointment)
        return redirect(flask_url_for("door.show", token=token))
    key = session.get(AS_STAFF)
    if key:
        _explain(db.session.scalar(db.select(Appointment).where(Appointment.key == key)))
    return render_template("door/left.html", call=key)


def _explain(appointment: Appointment | None) -> None:
    """Let the next page tell what the provider of the last room knows about this return."""
    room = appointment.rooms[-1] if appointment and appointment.rooms else None
    provider = current_providers().video.get(room.provider) if room else None
    if provider is None:
        return
    try:
        words = provider.explain_return(request.args.to_dict())
    except ProviderFailure:
        return  # The guard has logged it; coming back must not fail.
    if words is not None:
        flash(str(words), "error")
