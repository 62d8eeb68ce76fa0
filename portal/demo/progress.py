"""A bar that shows how far a long command is. Used by `portal demo --scale national`."""

from __future__ import annotations

from typing import TextIO

WIDTH = 40
STEP = 10
"""Where nobody watches, a line is written after so many percent."""


class Progress:
    """Tells on ``stream`` how much is done: one line that grows on a terminal, some lines elsewhere."""

    def __init__(self, stream: TextIO, what: str) -> None:
        self._stream, self._what = stream, what
        self._terminal = stream.isatty()
        self._told = -1

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` are ready."""
        percent = 100 * done // max(total, 1)
        if percent == self._told or (not self._terminal and percent // STEP == self._told // STEP):
            return
        self._told = percent
        if self._terminal:
            full = WIDTH * percent // 100
            end = "\n" if done >= total else ""
            bar = "#" * full + "." * (WIDTH - full)
            self._stream.write(f"\r{self._what} [{bar}] {percent:3} %{end}")
        else:
            self._stream.write(f"{self._what}: {percent} %\n")
        self._stream.flush()
