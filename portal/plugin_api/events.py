"""What happened at the counter, told to observers after it was committed. Ids only, no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Event:
    """Common parent of all events. ``at`` is UTC."""

    at: datetime


@dataclass(frozen=True)
class AppointmentBooked(Event):
    """A citizen or a clerk booked; ``appointment`` is the public key of the appointment."""

    appointment: str
    service: str
    office: str
    starts_at: datetime


@dataclass(frozen=True)
class AppointmentMoved(Event):
    """The appointment has a new time. ``version`` grows with each move."""

    appointment: str
    version: int
    starts_at: datetime


@dataclass(frozen=True)
class AppointmentCancelled(Event):
    """The appointment will not take place."""

    appointment: str


@dataclass(frozen=True)
class CallEnded(Event):
    """The clerk ended the call. ``outcome`` is one of the outcomes of the appointment."""

    appointment: str
    outcome: str


@dataclass(frozen=True)
class DocumentIssued(Event):
    """A document was added and is on its way by ``method`` (the delivery provider's name)."""

    appointment: str
    method: str
