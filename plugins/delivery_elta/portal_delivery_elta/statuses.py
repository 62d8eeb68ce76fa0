"""What ELTA Courier tells about a parcel: Greek sentences without codes, newest first, padded at the end."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.plugin_api import Tracking

ATHENS = ZoneInfo("Europe/Athens")
LONGEST_TEXT = 200

# Words of failure come first: "ΠΑΡΑΔΟΣΗ" also stands in "ΑΔΥΝΑΜΙΑ ΠΑΡΑΔΟΣΗΣ" and "ΠΡΟΣ ΠΑΡΑΔΟΣΗ".
MEANINGS = (
    ("ΕΠΙΣΤΡΟΦΗ", "returned"),
    ("ΑΔΥΝΑΜΙΑ ΠΑΡΑΔΟΣΗΣ", "failed"),
    ("ΔΕΝ ΠΑΡΑΔΟΘΗΚΕ", "failed"),
    ("ΑΠΟΡΡΙΦΘΗΚΕ", "failed"),
    ("ΑΚΥΡΩΘΗΚΕ", "failed"),
    ("ΠΑΡΑΔΟΘΗΚΕ", "delivered"),
    ("ΠΡΟΣ ΠΑΡΑΔΟΣΗ", "sent"),
    ("ΚΛΕΙΣΙΜΟ", "sent"),
    ("ΑΝΑΧΩΡΗΣΗ", "sent"),
    ("ΑΦΙΞΗ", "sent"),
    ("ΜΕΤΑΦΟΡΑ", "sent"),
    ("ΔΗΜΙΟΥΡΓΙΑ", "prepared"),
)


@dataclass(frozen=True)
class Movement:
    """One line of the parcel's history."""

    title: str
    station: str
    at: datetime | None

    @property
    def meaning(self) -> str:
        """The state that it stands for; empty when its words are not known."""
        said = plain(self.title)
        return next((state for words, state in MEANINGS if words in said), "")


def movements(answer: Any) -> list[Movement]:
    """The history, newest first. The array may be filled up with empty records: the first one ends it."""
    told = []
    for record in answer.web_status or ():
        title, station = _text(record.web_status_title), _text(record.web_station)
        if not title:
            break
        told.append(Movement(title, station, moment(record.web_date, record.web_time)))
    return told


def is_known(answer: Any) -> bool:
    """True when the answer is about a parcel that is there."""
    return bool(movements(answer) or _text(answer.pod_date))


def news(answer: Any) -> Tracking:
    """How far the parcel is: turned back, delivered by its date, or where the newest known words put it."""
    history = movements(answer)
    text = _told(history[0]) if history else ""
    delivered_at = moment(answer.pod_date, answer.pod_time)
    turned_back = next((one for one in history if one.meaning == "returned"), None)
    if turned_back:
        # It is handed over in the end too, but to its sender.
        return Tracking("returned", turned_back.at, text)
    if _text(answer.pod_date):
        return Tracking("delivered", delivered_at, text)
    for movement in history:
        if movement.meaning:
            return Tracking(movement.meaning, movement.at, text)  # type: ignore[arg-type]
    return Tracking(text=text)


def moment(day: Any, time: Any) -> datetime | None:
    """An instant from ``20261130`` and ``0815`` of Athens; None when that is no date."""
    try:
        told = datetime.strptime(f"{_text(day)} {(_text(time) or '0000').zfill(4)}", "%Y%m%d %H%M").replace(
            tzinfo=ATHENS
        )
    except ValueError:
        return None
    return told.astimezone(UTC)


def plain(text: str) -> str:
    """Capitals without accents, for comparing."""
    spread = unicodedata.normalize("NFD", text.upper())
    bare = "".join(sign for sign in spread if not unicodedata.combining(sign))
    return " ".join(bare.split())


def _told(movement: Movement) -> str:
    return ", ".join(filter(None, (movement.title, movement.station)))[:LONGEST_TEXT]


def _text(value: Any) -> str:
    return str(value or "").strip()
