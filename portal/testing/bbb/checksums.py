"""Is a call signed rightly? Decided from the raw text of the query, as the real servers do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

ALGORITHMS = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
"""By the length of the checksum in hexadecimal digits."""
_CHECKSUM = re.compile(r"(?:^|&)checksum=([^&]*)")
_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")


def is_signed(
    call: str, raw_query: str, secret: str, lengths: Collection[int], any_case: bool = True
) -> bool:
    """True when the checksum in ``raw_query`` is the one of its other parts, letter for letter."""
    found = _CHECKSUM.search(raw_query)
    given = found[1] if found else ""
    if len(given) not in lengths:
        return False
    text = f"{call}{without_control(without_checksum(raw_query))}{secret}"
    wanted = hashlib.new(ALGORITHMS[len(given)], text.encode(), usedforsecurity=False).hexdigest()
    return (given.lower() if any_case else given) == wanted


def without_checksum(raw_query: str) -> str:
    """What was signed: the checksum is cut out of the text and nothing else is touched."""
    found = _CHECKSUM.search(raw_query)
    if not found:
        return raw_query
    cut = raw_query[: found.start()] + raw_query[found.end() :]
    return cut if found.start() else cut.removeprefix("&")


def without_control(query: str) -> str:
    """Control characters are taken out before hashing, so a query that has some is never signed rightly."""
    return _CONTROL.sub("", query)
