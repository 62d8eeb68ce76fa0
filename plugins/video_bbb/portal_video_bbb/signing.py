"""Signed addresses: the query is written once, signed as it stands, and sent as it stands."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlencode

from .settings import BbbSettings, Checksum

Value = str | int | bool | None


def signed(settings: BbbSettings, call: str, values: Mapping[str, Value]) -> str:
    """The address of one call. It opens the call to whoever holds it: never log it."""
    query = query_of(values)
    proof = checksum(call, query, settings.secret.get_secret_value(), settings.checksum)
    return f"{settings.base_url}/{call}?{query}{'&' if query else ''}checksum={proof}"


def checksum(call: str, query: str, secret: str, algorithm: Checksum) -> str:
    """What BigBlueButton computes from the raw text of the query; in small letters, as Scalelite wants it."""
    return hashlib.new(algorithm, f"{call}{query}{secret}".encode(), usedforsecurity=False).hexdigest()


def query_of(values: Mapping[str, Value]) -> str:
    """Values that are None are left out; a space becomes a plus, on which all servers agree."""
    return urlencode({name: _as_text(value) for name, value in values.items() if value is not None})


def plain(text: str) -> str:
    """``text`` without control characters, which BigBlueButton takes out before it checks the signature."""
    visible = (letter for letter in text if not unicodedata.category(letter).startswith("C"))
    return " ".join("".join(visible).split())


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
