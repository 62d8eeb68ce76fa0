"""Rooms of the stand-in and who is in them; what happens is told to each page as it asks for news."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .reservations import Reservation, ReservationClient, ReservationRefused
from .tokens import ServerKeys, TokenRefused, allows, opens, verify


class JoinRefused(Exception):
    """The page fires ``errorOccurred`` with this type, name and text."""

    def __init__(self, kind: str, name: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.name = kind, name


@dataclass
class Participant:
    """Somebody in a room."""

    id: str
    name: str
    role: str
    claims: Mapping[str, Any] = field(repr=False)
    news: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, event: str, **data: object) -> None:
        """Let the page of this participant fire an event."""
        self.news.append({"event": event, "data": data})


@dataclass
class Room:
    """One conference."""

    name: str
    reservation: Reservation | None
    people: dict[str, Participant] = field(default_factory=dict)

    def tell(self, event: str, **data: object) -> None:
        """Let every page fire an event."""
        for person in self.people.values():
            person.tell(event, **data)


class Rooms:
    """All rooms of one server."""

    def __init__(self, keys: ServerKeys, clock: Callable[[], datetime]) -> None:
        self.keys = keys
        self.clock = clock
        self.reservations: ReservationClient | None = None
        self.roles_from_tokens = True
        """False: the first one in becomes moderator, whoever it is, as in a stock server."""
        self.rooms: dict[str, Room] = {}
        self._lock = threading.Lock()

    def join(self, name: str, token: str) -> Participant:
        """Connect, and enter. Raises JoinRefused."""
        claims = self._connected(token)
        if claims and not opens(claims, name, self.keys):
            raise JoinRefused(
                "CONFERENCE", "conference.connectionError.notAllowed", "Room and token mismatched"
            )
        with self._lock:
            room = self._open(name.lower())
            most = room.reservation.max_occupants if room.reservation else None
            if most is not None and len(room.people) >= most:
                raise JoinRefused("CONFERENCE", "conference.max_users", "The room is full")
            return self._enter(room, claims)

    def leave(self, person_id: str) -> None:
        """Gone; an empty room is gone too."""
        for room in list(self.rooms.values()):
            if room.people.pop(person_id, None):
                room.tell("participantLeft", id=person_id)
            if not room.people:
                self._forget(room)

    def find(self, person_id: str) -> tuple[Room, Participant] | None:
        """Where somebody is; a room whose time is over is ended first."""
        self.end_expired()
        for room in self.rooms.values():
            if person_id in room.people:
                return room, room.people[person_id]
        return None

    def end_expired(self) -> None:
        """The module for reservations looks every minute, and destroys what is over."""
        for room in list(self.rooms.values()):
            if room.reservation and self.clock() > room.reservation.ends_at:
                self._forget(room)

    def may_record(self, person_id: str) -> bool:
        """Whether prosody would pass a wish to record on to the recorder."""
        found = self.find(person_id)
        return found is not None and allows(found[1].claims, "recording", found[1].role == "moderator")

    def _connected(self, token: str) -> Mapping[str, Any]:
        if not token and self.keys.allow_empty_token:
            return {}
        try:
            return verify(token, self.keys, self.clock())
        except TokenRefused as refused:
            raise JoinRefused("CONNECTION", "connection.passwordRequired", str(refused)) from None

    def _open(self, name: str) -> Room:
        self.end_expired()
        if name in self.rooms:
            return self.rooms[name]
        reservation = None
        if self.reservations:
            try:
                reservation = self.reservations.reserve(name, f"{secrets.token_hex(8)}@auth", self.clock())
            except ReservationRefused as refused:
                raise JoinRefused("CONFERENCE", "conference.reservationError", str(refused)) from None
            if self.clock() > reservation.ends_at:
                raise JoinRefused("CONFERENCE", "conference.reservationError", "Reservation expired")
        return self.rooms.setdefault(name, Room(name, reservation))

    def _enter(self, room: Room, claims: Mapping[str, Any]) -> Participant:
        user = claims.get("context", {}).get("user", {})
        if self.roles_from_tokens:
            leads = user.get("moderator") in (True, "true") or user.get("affiliation") == "owner"
        else:
            leads = not room.people
        role = "moderator" if leads else "participant"
        person = Participant(secrets.token_hex(4), str(user.get("name", "")), role, claims)
        room.tell("participantJoined", id=person.id, displayName=person.name)
        room.people[person.id] = person
        return person

    def _forget(self, room: Room) -> None:
        self.rooms.pop(room.name, None)
        if self.reservations and room.reservation:
            self.reservations.over(room.reservation)
