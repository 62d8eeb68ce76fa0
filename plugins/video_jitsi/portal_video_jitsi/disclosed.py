"""Reads the settings that a Jitsi server hands to every browser: the program text ``config.js``.

Only what is plainly written is read, as ``config = {a: {b: true}}`` or ``config.a.b = true``; what the
program computes is not.
"""

from __future__ import annotations

import re

Value = bool | str

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?P<double>(?:\\.|[^"\\\n])*)"|'(?P<single>(?:\\.|[^'\\\n])*)'"""
    r"""|(?P<name>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)|(?P<mark>[{}\[\]():;,=])|(?P<other>\S)""",
    re.DOTALL,
)
_CLOSES = {"}": "{", "]": "[", ")": "("}


class _Reader:
    """Walks through the marks, and knows below which key it is."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self._open: list[tuple[str, str]] = []
        """The open brackets, each with the key that it belongs to."""
        self._last = ""
        self._key = ""

    def take(self, mark: str, value: Value | None) -> None:
        if mark in _CLOSES.values():
            self._open.append((mark, self._key))
            self._key = ""
        elif mark in _CLOSES:
            self._close(_CLOSES[mark])
        elif mark in (":", "="):
            self._key, self._last = self._last, ""
        elif mark in (",", ";"):
            self._key = ""
        elif value is not None:
            self._take_value(value)
        else:
            self._last = ""

    def _close(self, opening: str) -> None:
        self._key = ""
        if self._open and self._open[-1][0] == opening:
            self._open.pop()

    def _take_value(self, value: Value) -> None:
        if self._key and all(mark == "{" for mark, _key in self._open):
            path = ".".join([key for _mark, key in self._open if key] + [self._key])
            # What is assigned later wins, as it does in the browser.
            self.values[path.removeprefix("config.")] = value
            self._key = ""
        self._last = str(value) if isinstance(value, str) else ""


def read(text: str) -> dict[str, Value]:
    """The plainly written truths and texts, by their path without ``config.`` before it."""
    reader = _Reader()
    for found in _TOKEN.finditer(text):
        name, mark = found["name"], found["mark"] or found["other"]
        quoted = found["double"] if found["double"] is not None else found["single"]
        if name in ("true", "false"):
            reader.take("", name == "true")
        elif name or quoted is not None:
            reader.take("", name or quoted or "")
        elif mark:
            reader.take(mark, None)
    return reader.values
