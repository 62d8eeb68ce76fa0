"""How a citizen's browser books: the page of times, the time, the form of details, the appointment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlsplit

from benchmarks.client import Answer, Browser
from benchmarks.data import SERVICE

TIMES = f"/services/{SERVICE}/times"
DETAILS = "/booking"
FORM = {
    "email": "maria@example.gr",
    "phone": "+306900000000",
    "paper": "id_card",
    "language": "el",
    "delivery": "email",
}


@dataclass
class Deeds:
    """What one client did."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that each step took, by its name."""
    statuses: list[int] = field(default_factory=list)
    won: int = 0
    lost: int = 0
    strange: list[str] = field(default_factory=list)
    """Answers that nobody expects, in short."""

    @property
    def errors(self) -> int:
        return len(self.strange) + sum(status >= 500 for status in self.statuses)

    def add(self, other: Deeds) -> None:
        """Count what another client did, too."""
        for step, waits in other.waits.items():
            self.waits.setdefault(step, []).extend(waits)
        self.statuses += other.statuses
        self.won += other.won
        self.lost += other.lost
        self.strange += other.strange

    def timed(self, step: str, begin: float) -> None:
        self.waits.setdefault(step, []).append(time.perf_counter() - begin)


def times_page(browser: Browser, day: date) -> dict[str, str]:
    """Open the page of a day; the hidden fields of its form, of which there is one for each visit."""
    answer = browser.get(f"{TIMES}?office=any&day={day}")
    return answer.hidden_fields(TIMES)


def book(browser: Browser, hidden: dict[str, str], start: datetime, deeds: Deeds) -> bool:
    """Try to take ``start``, and if it is won fill in the form of details. True when it is booked."""
    return take(browser, hidden, start, deeds) and fill_in(browser, deeds)


def take(browser: Browser, hidden: dict[str, str], start: datetime, deeds: Deeds) -> bool:
    """Try to take ``start``: the one request for which citizens compete."""
    answer = _timed(deeds, "hold", lambda: browser.post(TIMES, {**hidden, "start": start.isoformat()}))
    if not _leads_to(answer, DETAILS):
        deeds.lost += 1
        if not _leads_to(answer, TIMES):
            deeds.strange.append(f"hold: {answer.status} {answer.location}")
        return False
    return True


def fill_in(browser: Browser, deeds: Deeds) -> bool:
    """Fill in the form of details for the time that is held."""
    page = _timed(deeds, "details", lambda: browser.get(DETAILS))
    if page.status != 200:
        deeds.strange.append(f"details: {page.status} {page.location}")
        return False
    fields = {**page.hidden_fields(DETAILS), **FORM}
    answer = _timed(deeds, "confirm", lambda: browser.post(DETAILS, fields))
    if not (answer.status == 302 and urlsplit(answer.location).path.startswith("/appointments/")):
        deeds.strange.append(f"confirm: {answer.status} {answer.location}")
        return False
    deeds.won += 1
    return True


def _timed(deeds: Deeds, step: str, ask) -> Answer:  # type: ignore[no-untyped-def]
    begin = time.perf_counter()
    answer: Answer = ask()
    deeds.timed(step, begin)
    deeds.statuses.append(answer.status)
    return answer


def _leads_to(answer: Answer, path: str) -> bool:
    return answer.status == 302 and urlsplit(answer.location).path == path
