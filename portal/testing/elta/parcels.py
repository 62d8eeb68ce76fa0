"""The parcels in the stand-in: what was said about each, and its way so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from portal import clock

ATHENS = ZoneInfo("Europe/Athens")
CREATED = "ΔΗΜΙΟΥΡΓΙΑ ΣΥ.ΔΕ.ΤΑ. ΑΠΟ ΠΕΛΑΤΗ"
CLOSED = "ΚΛΕΙΣΙΜΟ ΑΠΟ ΚΑΤΑΣΤΗΜΑ"
TRAVELS = "Αποστολή βρίσκεται σε στάδιο μεταφοράς"
ARRIVED = "Άφιξη σε"
WITH_COURIER = "Σε διανομέα προς παράδοση"
DELIVERED = "Αποστολή παραδόθηκε"
NOT_DELIVERED = "Αδυναμία παράδοσης"
REFUSED = "Απορρίφθηκε από τον παραλήπτη"
RETURNED = "Επιστροφή στον αποστολέα"


@dataclass(frozen=True)
class Movement:
    """One line of a parcel's history."""

    title: str
    station: str
    at: datetime

    def record(self) -> dict[str, str]:
        """As the service tells it: in local time, without separators."""
        local = self.at.astimezone(ATHENS)
        return {
            "web_date": f"{local:%Y%m%d}",
            "web_time": f"{local:%H%M}",
            "web_station": self.station,
            "web_status_title": self.title,
        }


@dataclass
class SentParcel:
    """One voucher. ``told`` is the request that made it."""

    voucher: str
    told: Mapping[str, str] = field(repr=False)
    movements: list[Movement] = field(default_factory=list)
    delivered_at: datetime | None = None
    received_by: str = ""

    def move(self, title: str, station: str = "ΖΩΓΡΑΦΟΥ", by: str = "") -> None:
        """Something happens to the parcel now. ``by`` is whoever took it: it is delivered then."""
        self.movements.append(Movement(title, station, clock.now()))
        if by:
            self.delivered_at, self.received_by = clock.now(), by


def voucher(serial: int) -> str:
    """The number of a parcel, with its check digit by the rules of the postal union."""
    digits = f"{serial:08d}"
    rest = 11 - sum(w * int(d) for w, d in zip((8, 6, 4, 2, 3, 5, 9, 7), digits, strict=True)) % 11
    return f"WT{digits}{ {10: 0, 11: 5}.get(rest, rest) }GR"
