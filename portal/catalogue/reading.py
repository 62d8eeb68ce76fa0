"""Reads a catalogue file and reports every problem in it at once, each with its line and its mend."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portal.catalogue import checks
from portal.catalogue.entries import (
    Capacity,
    Catalogue,
    ClosureEntry,
    Entry,
    FieldEntry,
    OfficeEntry,
    OpenDayEntry,
    ServiceEntry,
    StaffEntry,
)
from portal.catalogue.lines import Path, find_lines, line_of
from portal.config import TwoTexts

TABLES: dict[str, type[Entry]] = {
    "fields": FieldEntry,
    "services": ServiceEntry,
    "offices": OfficeEntry,
    "staff": StaffEntry,
    "closures": ClosureEntry,
    "open_days": OpenDayEntry,
}
ONE_OF = {
    "fields": "field",
    "services": "service",
    "offices": "office",
    "staff": "staff",
    "closures": "closure",
    "open_days": "open day",
}
MENDS = {
    "missing": "is missing; add it",
    "string_type": "write a text in quotes",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "date_type": "write a day without quotes, like 2026-12-24",
    "tuple_type": "write a list: [ … ]",
    "too_short": "name at least one",
}
MODEL_MENDS = {
    "TwoTexts": 'write both languages: { el = "…", en = "…" }',
    "Capacity": "write how many at once: { video = 4, in_person = 2 }",
}


class CatalogueProblems(Exception):
    """The file cannot be imported. ``problems`` are complete lines, in the order of the file."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__("\n  ".join([f"the catalogue was not imported: {count}", *problems]))


def read(path: FilePath, deliveries: Collection[str]) -> Catalogue:
    """What the file says. ``deliveries`` are the names of the delivery providers that run.

    Raises CatalogueProblems with the complete list.
    """
    text = _text_of(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueProblems([f"{path.name}: is not valid TOML: {error}"]) from None
    reading = _Reading(path.name, tables, find_lines(text))
    catalogue = reading.entries()
    for place, message in checks.problems(catalogue, reading.numbers, reading.keys, deliveries):
        reading.add(place, message)
    if reading.problems:
        raise CatalogueProblems([message for _, message in sorted(reading.problems)])
    return catalogue


def _text_of(path: FilePath) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CatalogueProblems([f"{path.name}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise CatalogueProblems([f"{path.name}: is not UTF-8; save it with that encoding"]) from None


class _Reading:
    """One file while it is read: its raw tables, its lines, and the problems found so far."""

    def __init__(self, name: str, tables: dict[str, Any], lines: dict[Path, int]) -> None:
        self.problems: list[tuple[int, str]] = []
        self.numbers: dict[str, list[int]] = {table: [] for table in TABLES}
        """Of each entry that is right in itself, its number in the file."""
        self._name, self._lines = name, lines
        self._raw = {table: self._entries_of(table, tables.get(table, [])) for table in TABLES}
        for unknown in tables.keys() - TABLES.keys():
            self.add((unknown,), f"there is no such table{_nearest(unknown, TABLES)}")

    @property
    def keys(self) -> dict[str, list[str]]:
        """The keys of all entries of each table, in the order of the file; empty where there is none."""
        return {
            table: [key if isinstance(key := entry.get("key"), str) else "" for entry in entries]
            for table, entries in self._raw.items()
        }

    def add(self, place: Path, message: str) -> None:
        """Report ``message`` about ``place``."""
        line = line_of(self._lines, place)
        self.problems.append((line, f"{self._name} line {line}: {self._what(place)}: {message}"))

    def entries(self) -> Catalogue:
        """The entries that are right in themselves; the others have been reported."""
        found: dict[str, list[Entry]] = {table: [] for table in TABLES}
        for table, model in TABLES.items():
            for number, raw in enumerate(self._raw[table]):
                try:
                    found[table].append(model.model_validate(raw))
                    self.numbers[table].append(number)
                except ValidationError as error:
                    for item in error.errors():
                        self.add((table, number, *item["loc"]), _explain(item, model))
        return Catalogue.model_construct(set(TABLES), **{table: tuple(rows) for table, rows in found.items()})

    def _entries_of(self, table: str, raw: object) -> list[dict[str, Any]]:
        if isinstance(raw, list) and all(isinstance(entry, dict) for entry in raw):
            return raw
        self.add((table,), f"write each entry below a line [[{table}]]")
        return []

    def _what(self, place: Path) -> str:
        """The entry by the name that its author gave it, and the key in it."""
        table, *rest = place
        if not rest or not isinstance(rest[0], int):
            return str(table)
        raw = self._raw[str(table)][rest[0]]
        name = raw.get("key") or raw.get("login") or f"number {rest[0] + 1}"
        inner = [str(part + 1) if isinstance(part, int) else part for part in rest[1:]]
        return f"{ONE_OF[str(table)]} {name}" + (f": {'.'.join(inner)}" if inner else "")


def _explain(item: ErrorDetails, model: type[Entry]) -> str:
    if item["type"] == "extra_forbidden":
        return _unknown(item, model)
    if item["type"] == "model_type":
        return MODEL_MENDS[item["ctx"]["class_name"]]
    message = item["msg"].removeprefix("Value error, ")
    return MENDS.get(item["type"]) or f"{message[0].lower()}{message[1:]}"


def _unknown(item: ErrorDetails, model: type[Entry]) -> str:
    inner = Capacity if item["loc"][0] == "capacity" else TwoTexts
    known = (model if len(item["loc"]) == 1 else inner).model_fields
    return f"there is no such key{_nearest(str(item['loc'][-1]), known)}"


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
