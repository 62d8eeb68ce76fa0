"""Reads `who_may.txt`, and tells what an answer means in its words."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .world import leads_to_login

FILE = Path(__file__).parent / "who_may.txt"
LET_IN = {400, 409, 410, 422, 503}
"""Refusals of what was sent, after the question who sends it; 503: something outside is away."""


class Row(NamedTuple):
    """One line: an address, perhaps with a question in it, and what each caller gets."""

    method: str
    path: str
    cells: tuple[str, ...]

    @property
    def address(self) -> str:
        """As `Flask` knows the address."""
        return self.path.split("?")[0]

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.method:<4} {self.path:<74}" + " ".join(f"{cell:<7}" for cell in self.cells).rstrip()


def read() -> tuple[tuple[str, ...], list[Row]]:
    """The callers of the heading, and the rows."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    _address, *callers = lines[0].split()
    rows = []
    for line in lines[1:]:
        method, rest = line.split(maxsplit=1)
        path, *cells = rest.rsplit(maxsplit=len(callers))
        rows.append(Row(method, path, tuple(cells)))
    return tuple(callers), rows


def word_for(answer: Any) -> str:
    """What an answer is in the table."""
    with closing(answer):
        status = answer.status_code
        if _asks_for_proof(answer):
            return "proof"
        if 300 <= status < 400:
            return leads_to_login(answer.location) or "in"
        return "in" if 200 <= status < 300 or status in LET_IN else str(status)


def _asks_for_proof(answer: Any) -> bool:
    """A page of a document that wants a login or a code first, or leads to such a page."""
    asked = re.match("/documents/[^/]+", answer.request.path)
    if not asked or (answer.status_code >= 400 and answer.status_code != 422):
        return False
    if answer.status_code == 302:
        return urlsplit(answer.location).path.startswith(asked[0])
    return answer.mimetype == "text/html" and bool(re.search(f"{asked[0]}/(code|open)", answer.text))
