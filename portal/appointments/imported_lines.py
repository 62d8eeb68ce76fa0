"""Reads a CSV file of appointments from a former system. Called by `portal.appointments.importing`.

What can be judged without the database is judged here: the file, its columns, and each cell by itself.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from io import StringIO
from pathlib import Path

from flask_babel import force_locale
from werkzeug.datastructures import MultiDict
from wtforms import Form
from wtforms.validators import Length, Optional

from portal.forms import EmailField, PhoneField, required, short_text

COLUMNS = ("service", "office", "clerk", "day", "time", "name", "email", "phone", "language", "channel")
LANGUAGES = ("el", "en")


class UnreadableFile(Exception):
    """Not one line of the file can be read; the text says why."""


@dataclass(frozen=True)
class Line:
    """One appointment as the file names it."""

    number: int
    """The line of the file on which it begins."""
    service: str
    office: str
    clerk: str
    """Login; empty is anyone."""
    day: date
    minute: int
    """Minutes after midnight on the clock of the office."""
    name: str
    email: str
    phone: str
    language: str
    channel: str
    """Empty is the preferred one of the service."""

    @property
    def request_key(self) -> str:
        """The same for the same line wherever it stands, so that it is recognised when imported again."""
        cells = "\x1f".join(str(value) for value in astuple(self)[1:])
        return f"import-{hashlib.sha256(cells.encode()).hexdigest()[:57]}"

    @property
    def when(self) -> str:
        """Day and time as the file names them."""
        return f"{self.day} {self.minute // 60:02}:{self.minute % 60:02}"


Problem = tuple[int, str]
"""Line of the file, and what is wrong there."""


def read_lines(path: Path, default_language: str) -> tuple[list[Line], list[Problem]]:
    """All lines that are right in themselves, and what is wrong with the others.

    Raises UnreadableFile.
    """
    rows = _rows(_text_of(path))
    number, header = next(rows, (1, []))
    _expect_columns(header)
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, cells in rows:
        if not any(cells):
            continue
        if len(cells) != len(header):
            problems.append((number, f"has {len(cells)} cells; the first line names {len(header)} columns"))
            continue
        cell = dict(zip(header, cells, strict=True))
        contact = _Contact(MultiDict(cell))
        wrong = [*_problems_of(cell), *_problems_of_contact(contact)]
        problems += [(number, text) for text in wrong]
        if not wrong:
            lines.append(_line(number, cell, contact, default_language))
    return lines, problems


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableFile("is not UTF-8; save it with that encoding") from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line on which each begins. Semicolons and tabs part cells as well as commas."""
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, [cell.strip() for cell in row]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(f"line {begins}: is no CSV: {error}") from None


def _expect_columns(header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
            raise UnreadableFile(f'line 1: there is no column "{name}"; {mend}')
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UnreadableFile(f"line 1: these columns are missing: {', '.join(missing)}")
    if len(header) != len(COLUMNS):
        raise UnreadableFile("line 1: a column is named twice")


def _problems_of(cell: Mapping[str, str]) -> Iterator[str]:
    for name in ("service", "office"):
        if not cell[name]:
            yield f"{name}: is missing; write its key"
    if _day(cell["day"]) is None:
        yield f'day: "{cell["day"]}" is no day; write it like 2026-12-03'
    if _minute(cell["time"]) is None:
        yield f'time: "{cell["time"]}" is no time of day; write it like 09:30'
    if cell["language"] and cell["language"] not in LANGUAGES:
        yield f'language: "{cell["language"]}" is not spoken here; write el or en'


def _problems_of_contact(contact: _Contact) -> Iterator[str]:
    # The command speaks English, whatever the language of the municipality.
    with force_locale("en"):
        contact.validate()
        told = [f"{field.name}: {error}" for field in contact for error in field.errors]
    yield from told
    if not contact.email.data and not contact.phone.data:
        yield "phone: is missing, and so is email; write one of them, so that the citizen can be reached"


class _Contact(Form):
    """Who comes and how he is reached, under the rules of the booking form."""

    name = short_text("name", 200, required("is missing; write who comes"))
    email = EmailField("email", [Optional(), Length(max=254)], asks=False)
    phone = PhoneField("phone", [Optional()])


def _line(number: int, cell: Mapping[str, str], contact: _Contact, default_language: str) -> Line:
    day, minute = _day(cell["day"]), _minute(cell["time"])
    assert day is not None and minute is not None
    return Line(
        number,
        cell["service"],
        cell["office"],
        cell["clerk"],
        day,
        minute,
        contact.name.data or "",
        contact.email.data or "",
        contact.phone.data or "",
        cell["language"] or default_language,
        cell["channel"],
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def _minute(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text, re.ASCII)
    if found is None or int(found[1]) > 23:
        return None
    return int(found[1]) * 60 + int(found[2])
