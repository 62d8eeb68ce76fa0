"""Where each person of an appointment is at this moment, as the staff's pages show it."""

from __future__ import annotations

from datetime import timedelta

from portal import clock
from portal.appointments import call
from portal.appointments.models import Participant


def presence(participant: Participant) -> str:
    """One word: ``waiting`` at the door, ``inside`` the call, ``away`` after that, or ``expected``."""
    state = participant.appointment.state
    if participant.revoked_at or state not in ("booked", "in_call"):
        return "away"
    if participant.appointment.channel != "video":
        return "inside" if state == "in_call" else "expected"
    if call.is_here(participant):
        return "inside" if participant.admitted_at else "waiting"
    return "away" if participant.admitted_at else "expected"


def minutes_waiting(participant: Participant) -> int:
    """For how many full minutes the person has been at the door."""
    since = participant.waiting_since or clock.now()
    return (clock.now() - since) // timedelta(minutes=1)
