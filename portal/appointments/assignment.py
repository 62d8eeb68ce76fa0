"""Gives an appointment to the best of those who can take it. Called by `portal.appointments.lifecycle`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from portal.appointments import occupancy
from portal.appointments.choosing import Candidate
from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.config import BookingRules
from portal.db import db

CONSIDERED = 16
"""Choices of which one is tried; the others are thought of again if it fails."""


def take_with_best(
    appointment: Appointment,
    booking: BookingRules,
    find: Callable[[], Iterable[Candidate]],
    expires_at: datetime | None,
) -> dict[str, Any]:
    """Take the time of the appointment with the best whom ``find`` names, and say why it was he.

    What one try took is given back before the next, for which ``find`` is asked anew: others book at the
    same moment, and it sees what they have taken. Whose time was lost once is not tried again. Raises
    TimeTaken when nobody is left.
    """
    lost: set[str] = set()
    while True:
        left = (choice for choice in find() if not lost & choice.resources(appointment.channel))
        choices = list(islice(left, CONSIDERED))
        if not choices:
            raise TimeTaken
        number = _place_in_queue(choices, appointment.starts_at)
        try:
            _take(appointment, choices[number], booking, expires_at)
        except CitizenElsewhere:
            raise  # nobody else would help
        except TimeTaken as taken:
            lost.add(taken.resource)
        else:
            chosen = choices[number]
            return {"clerk": chosen.clerk_id, "choice": len(lost) + number + 1, **chosen.reasons}


def _place_in_queue(choices: Sequence[Candidate], starts_at: datetime) -> int:
    """The first of the choices whose clerk nobody else is taking just now; the first if all are wanted.

    Without others at the same moment it is always the first. With many it spares them a queue in which
    each waits for the one before, only to learn that he came too late.
    """
    if len(choices) == 1:
        return 0
    clerks = [choice.clerk_id for choice in choices]
    unwanted = occupancy.first_unwanted(list(dict.fromkeys(clerks)), starts_at)
    return 0 if unwanted is None else clerks.index(unwanted)


def _take(
    appointment: Appointment, choice: Candidate, booking: BookingRules, expires_at: datetime | None
) -> None:
    with db.session.begin_nested():
        appointment.clerk_id, appointment.office_id = choice.clerk_id, choice.office_id
        appointment.second_clerk_id = choice.second_clerk_id
        appointment.interpreter_id = choice.interpreter_id
        appointment.place = choice.place
        db.session.add(appointment)
        db.session.flush()
        occupancy.take(appointment, booking, expires_at)
