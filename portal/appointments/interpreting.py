"""The interpreter whose time is booked takes part in the call, with a link of his own.

`portal.appointments.lifecycle` calls it whenever the interpreter of an appointment may have changed.
Interpreters whom a clerk invites by hand are none of its business.
"""

from __future__ import annotations

from datetime import datetime

from portal import clock
from portal.appointments import messages
from portal.appointments.models import Appointment, Participant
from portal.db import db, must_be_writing


def seat(appointment: Appointment, expected_at: datetime, tell: bool = True) -> None:
    """Invite the interpreter of the roster; one who was booked before is told that he is free.

    ``expected_at`` is the time for which the former one was booked. ``tell`` is False where nobody is to
    be told, as in sample data.
    """
    must_be_writing()
    seated = None
    for guest in appointment.participants:
        if guest.person_id is None or guest.revoked_at:
            continue
        if guest.person_id == appointment.interpreter_id:
            seated = guest
        else:
            guest.revoked_at = clock.now()
            messages.excuse_guest(guest, expected_at)
    if seated is None and appointment.interpreter_id is not None:
        seated = _guest(appointment)
        if tell:
            messages.tell_guest(seated)


def _guest(appointment: Appointment) -> Participant:
    db.session.flush()
    db.session.refresh(appointment, ["interpreter"])
    person = appointment.interpreter
    if person is None:
        raise LookupError(f"interpreter {appointment.interpreter_id} is gone")
    guest = Participant(
        role="interpreter",
        person_id=person.id,
        name=person.name,
        email=person.email,
        language=person.language,
    )
    appointment.participants.append(guest)
    db.session.flush()
    return guest
