"""What a citizen looks for, as addresses and forms carry it, and the page of free times that answers.

Used by the pages that show free times, for booking and for moving alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from flask import abort, current_app
from sqlalchemy import select

from portal.appointments import availability, explanation, roster
from portal.appointments.availability import Offer
from portal.appointments.citizen import advice
from portal.appointments.models import Appointment
from portal.appointments.pages import booking_rules
from portal.appointments.papers import CHANNELS
from portal.appointments.rules import Wish, may_be_interpreted
from portal.appointments.shifts import Counter, Roster
from portal.appointments.week import Times
from portal.db import db
from portal.i18n import clock_time
from portal.offices.models import Office, Service

ANY = "any"
FEW = 20
"""So many offices fit into a list to choose from; among more one has to search."""


@dataclass(frozen=True)
class Choice:
    """A service at one office or at any, by one of its channels, with an interpreter or without."""

    service: Service
    office: Office | None
    wish: Wish

    @classmethod
    def of(cls, service: Service, given: Mapping[str, str]) -> Choice:
        """What an address or a form says; an office or a channel that there is not, is none."""
        channel = given.get("channel", "")
        if channel not in service.channels:
            channel = service.channels[0]
        interpreted = given.get("interpreter") == "1" and may_be_interpreted(channel)
        return cls(service, office_named(given.get("office", ANY)), Wish(channel, interpreted))

    @property
    def office_key(self) -> str:
        return self.office.key if self.office else ANY

    @property
    def time_zone(self) -> str:
        """The zone in which its days are counted."""
        zone: str = current_app.config["PORTAL"].municipality.time_zone
        return self.office.time_zone if self.office else zone

    def values(self) -> dict[str, str]:
        """The choice as the fields of a form or an address; what is usual is left out."""
        values = {"office": self.office_key}
        if self.wish.channel != self.service.channels[0]:
            values["channel"] = self.wish.channel
        if self.wish.interpreted:
            values["interpreter"] = "1"
        return values

    def offer(self, first_day: date | None = None, days: int | None = None) -> Offer:
        """The free times, as they are or were a second ago."""
        return advice.offer(self.service, booking_rules(), self.office, first_day, days, self.wish)

    def offer_now(
        self, first_day: date | None = None, days: int | None = None, ignoring: Appointment | None = None
    ) -> Offer:
        """The free times as they are; the time of the appointment ``ignoring`` counts as free."""
        return availability.offer(
            self.service, booking_rules(), self.office, first_day, days, ignoring, self.wish
        )

    def why_none(self) -> str:
        """The stage that took the last free start, as `explanation` names it."""
        return explanation.explain(self.service, booking_rules(), self.office, self.wish).verdict


@dataclass(frozen=True)
class TimesPage:
    """The page of free times; ``address`` is the page for a choice, given as the choice's values."""

    choice: Choice
    offer: Offer
    asked_day: date | None
    address: Callable[..., str]

    @cached_property
    def times(self) -> Times:
        """The days and the hours of one of them."""
        return Times(self.offer, self.asked_day, self._on_day)

    @cached_property
    def entries(self) -> list[dict[str, object]]:
        """The hours of the day, for the component ``time_grid``."""
        first, zone = self.offer.next_start(), self.offer.window.zone
        return [
            {"value": start.isoformat(), "label": clock_time(start, zone), "first": start == first}
            for start in self.times.starts
        ]

    @property
    def offices(self) -> Sequence[Counter]:
        """The offices to choose from; none where they are so many that one has to search."""
        offices = self._roster.offices
        return offices if len(offices) <= FEW else []

    @property
    def channels(self) -> Mapping[str, object]:
        """How the service can be had, in words."""
        return {channel: CHANNELS[channel] for channel in self.choice.service.channels}

    @property
    def interpreters(self) -> bool:
        """True where interpreters serve at all, and can in the chosen way."""
        return may_be_interpreted(self.choice.wish.channel) and bool(self._roster.interpreters)

    @cached_property
    def why_none(self) -> str:
        """Why there is no time at all; empty when there is."""
        return "" if self.offer.free else self.choice.why_none()

    @cached_property
    def _roster(self) -> Roster:
        return roster.of_service(self.choice.service)

    @cached_property
    def _here(self) -> str:
        """The page with this choice; it always has a parameter, to which the day can be added."""
        return self.address(**self.choice.values())

    def _on_day(self, day: date) -> str:
        return f"{self._here}&day={day}"


def office_named(key: str) -> Office | None:
    """The office with this key, or None for any office; one that does not serve is not found (404)."""
    if key == ANY:
        return None
    return db.session.scalar(select(Office).filter_by(key=key, active=True)) or abort(404)
