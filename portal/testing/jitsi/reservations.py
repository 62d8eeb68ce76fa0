"""The module ``reservations`` of prosody: asks an outside system before a room is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx


class ReservationRefused(Exception):
    """The client gets a reservation error with this text."""


@dataclass(frozen=True)
class Reservation:
    """What the outside system granted."""

    id: str
    ends_at: datetime
    max_occupants: int | None


@dataclass
class ReservationClient:
    """``prefix`` and ``headers`` are ``reservations_api_prefix`` and ``reservations_api_headers``."""

    prefix: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def reserve(self, room: str, owner: str, now: datetime) -> Reservation:
        """Ask for a room. Raises ReservationRefused."""
        form = {
            "name": room,
            "start_time": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "mail_owner": owner,
        }
        answer = self._ask("POST", "/conference", form)
        if answer.status_code == 409:
            conflict = _json(answer).get("conflict_id")
            if conflict is None:
                raise ReservationRefused("Invalid response from reservation server")
            answer = self._ask("GET", f"/conference/{conflict}")
        if answer.status_code not in (200, 201):
            raise ReservationRefused(str(_json(answer).get("message", "Rejected by reservation server")))
        return _reservation(room, _json(answer))

    def over(self, reservation: Reservation) -> int:
        """Tell that the room is gone; the status of the answer, at which the real one does not look."""
        return self._ask("DELETE", f"/conference/{reservation.id}").status_code

    def _ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            return httpx.request(method, self.prefix + path, data=form, headers=self.headers, timeout=5)
        except httpx.HTTPError:
            raise ReservationRefused("Could not contact reservation server") from None


def _json(answer: httpx.Response) -> Mapping[str, object]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _reservation(room: str, told: Mapping[str, object]) -> Reservation:
    """Checked as the module does it: name, id, owner, a start that can be read, a duration in seconds."""
    try:
        if str(told["name"]).lower() != room.lower() or told["id"] is None or told["mail_owner"] is None:
            raise ValueError
        begins = datetime.fromisoformat(str(told["start_time"]).replace("Z", "+00:00"))
        ends_at = begins + timedelta(seconds=float(str(told["duration"])))
        most = told.get("max_occupants")
        return Reservation(str(told["id"]), ends_at, int(str(most)) if most is not None else None)
    except (KeyError, ValueError):
        raise ReservationRefused("Invalid response from reservation server") from None
