"""Documents of somebody who can be chosen at the login: what the page “My documents” shows.

Called by `portal.demo.prepare` inside its transaction, after the bookings of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal import clock, outbox
from portal.appointments.models import Appointment
from portal.config import Config
from portal.db import db
from portal.demo import bookings, documents, then
from portal.demo.citizens import Invented
from portal.documents import lifecycle
from portal.documents.delivering import keeping
from portal.documents.issuing.approval import Finished
from portal.offices.models import Service
from portal.providers import current_providers

OWNER = Invented("giorgos.nikolaidis", "Γιώργος", "Νικολαΐδης", "Παύλος", 1991, "+306900000017")
LOT = (("kept", "archived"), ("kept", "opened"), ("other", "opened"), ("kept", "unopened"))
"""Whether each document lies in the portal or came otherwise, and what its owner has done with it."""


def make(config: Config, others: Sequence[Appointment], samples: list[Finished]) -> None:
    """Give the owner a few documents of the last days, on days when others had appointments too.

    Each takes one of the ``samples``, of which there are as many as in `LOT`.
    """
    zone = ZoneInfo(config.municipality.time_zone)
    today = clock.now().astimezone(zone).date()
    days = sorted({day for one in others if (day := one.starts_at.astimezone(zone).date()) < today})
    services = [service for service in _services() if _ways(service, "kept")]
    if not days or not services:
        return
    for place, ((where, deed), service) in enumerate(zip(LOT, cycle(services), strict=False)):
        turn, place_of_day = divmod(place, len(days))
        ways = _ways(service, where)
        number = service.deliveries.index(ways[0]) if ways else 0
        # The same way, and on a day that comes again another hour.
        number += turn * len(service.deliveries)
        _give(config, bookings.Visit(number, days[place_of_day], service, OWNER, 0), deed, samples)


def _give(config: Config, visit: bookings.Visit, deed: str, samples: list[Finished]) -> None:
    """Book, meet, issue, and let the owner do what he does with it; nothing where the day is full."""
    with then.at(clock.now() - bookings.BOOKED_BEFORE):
        appointment = bookings.book(config, visit)
    if appointment is None:
        return
    bookings.end(config, appointment, "issue")
    request = lifecycle.request_of(appointment)
    if request is None:
        return
    with then.at(appointment.ends_at + documents.LATER):
        delivery = documents.issue(request, samples.pop())
    outbox.cancel(f"case:{request.id}")
    if deed != "unopened":
        with then.at(appointment.ends_at + 2 * documents.LATER):
            documents.arrive(delivery)
    if deed == "archived" and appointment.citizen:
        keeping.archive(request, appointment.citizen)


def _services() -> list[Service]:
    """Those that one clerk gives by video and issues alone."""
    simple = select(Service).where(Service.active, ~Service.approval, ~Service.second_clerk)
    return [one for one in db.session.scalars(simple.order_by(Service.position)) if "video" in one.channels]


def _ways(service: Service, where: str) -> list[str]:
    """The service's ways that lie in the portal, or the other ones."""
    known = [way for way in service.deliveries if way in current_providers().delivery]
    return [way for way in known if current_providers().keeps(way) == (where == "kept")]
