"""Finds the line on which each table, key and list element of a TOML text stands.

The standard library's reader gives values without lines. This walk over the words of a text which that
reader has already accepted gives the lines without values. Called by `portal.catalogue.reading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Where a value lies, as pydantic writes it: ``("services", 3, "papers", 0, "el")``."""

_WORD = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|\n|[\[\]{},=]"
    r"""|[^\s\[\]{},=\#"']+""",
    re.DOTALL,
)


def line_of(places: dict[Path, int], path: Path) -> int:
    """The line of ``path``, or of the nearest thing around it: a missing key has no line of its own."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, 1)


def find_lines(text: str) -> dict[Path, int]:
    """The line of everything that has a name or a number in ``text``, which must be valid TOML."""
    return _Walk(text).places


class _Walk:
    """Reads words one by one; every method stops behind what it is named after."""

    def __init__(self, text: str) -> None:
        self.places: dict[Path, int] = {}
        self._table: Path = ()
        self._counts: dict[Path, int] = {}
        self._words = _words(text)
        self._word, self._line = "", 0
        self._advance()
        while self._word:
            self._statement()

    def _advance(self) -> str:
        """Step to the next word; the word that was current is returned."""
        before = self._word
        self._word, self._line = next(self._words, ("", 0))
        return before

    def _skip_blank(self) -> None:
        while self._word == "\n" or self._word.startswith("#"):
            self._advance()

    def _statement(self) -> None:
        if self._word == "[":
            self._header()
        elif self._word == "\n" or self._word.startswith("#"):
            self._advance()
        else:
            self._pair(self._table)

    def _header(self) -> None:
        line = self._line
        self._advance()
        is_list = self._word == "["
        if is_list:
            self._advance()
        path: Path = ()
        names = self._name("]")
        for number, name in enumerate(names, 1):
            path = (*path, name)
            if is_list and number == len(names):
                self._counts[path] = self._counts.get(path, -1) + 1
            self.places.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path])
        self.places[path] = line
        self._table = path
        for _ in range(1 + is_list):
            self._advance()

    def _name(self, end: str) -> list[str]:
        """A key of one or several parts, up to ``end``."""
        parts: list[str] = []
        while self._word != end:
            word = self._advance()
            parts += [word[1:-1]] if word[0] in "\"'" else [part for part in word.split(".") if part]
        return parts

    def _pair(self, around: Path) -> None:
        line = self._line
        path = around
        for name in self._name("="):
            path = (*path, name)
            self.places.setdefault(path, line)
        self._advance()
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._advance()
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            while self._word not in ("", "\n", ",", "]", "}") and not self._word.startswith("#"):
                self._advance()

    def _list(self, path: Path) -> None:
        number = 0
        self._skip_blank()
        while self._word != "]":
            self.places[(*path, number)] = self._line
            self._value((*path, number))
            number += 1
            self._skip_comma()
        self._advance()

    def _inline_table(self, path: Path) -> None:
        self._skip_blank()
        while self._word != "}":
            self._pair(path)
            self._skip_comma()
        self._advance()

    def _skip_comma(self) -> None:
        self._skip_blank()
        if self._word == ",":
            self._advance()
        self._skip_blank()


def _words(text: str) -> Iterator[tuple[str, int]]:
    line, seen = 1, 0
    for match in _WORD.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        yield match.group(), line
