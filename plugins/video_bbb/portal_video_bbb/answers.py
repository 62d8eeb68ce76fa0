"""Reads what BigBlueButton answers: a small XML whose ``messageKey`` may be missing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lxml import etree

from portal.plugin_api import TemporaryFailure

LARGEST = 256 * 1024
"""Bytes. An answer about one meeting of a few people is far smaller."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9 ]{0,39}")


@dataclass(frozen=True)
class Answer:
    """What came back from one call."""

    succeeded: bool
    key: str = ""
    """The server's word for what happened; empty when it told none."""
    root: etree._Element | None = None

    def text(self, name: str) -> str:
        """The text of one element; empty when it is not there."""
        found = self.root.findtext(name) if self.root is not None else None
        return (found or "").strip()


def read(body: bytes) -> Answer:
    """Raises TemporaryFailure when it is no answer of BigBlueButton, such as the page of a proxy."""
    if len(body) > LARGEST:
        raise TemporaryFailure("BigBlueButton answers more than makes sense")
    root = _parsed(body)
    told = (root.findtext("returncode") or "").strip()
    if root.tag != "response" or told not in ("SUCCESS", "FAILED"):
        raise TemporaryFailure("something else than BigBlueButton answers, perhaps a proxy; check base_url")
    return Answer(told == "SUCCESS", known_word(root.findtext("messageKey")), root)


def known_word(text: object) -> str:
    """``text`` when it is one of the server's keys by its form, and may stand in a log; else nothing."""
    return text if isinstance(text, str) and _KEY.fullmatch(text) else ""


def error_keys(text: str) -> list[str]:
    """The keys in ``errors=[{"key": …}]``, which a browser brings back from a join that was refused."""
    try:
        told = json.loads(text[:4000])
    except (ValueError, RecursionError):
        return []
    errors = [error for error in told if isinstance(error, dict)] if isinstance(told, list) else []
    return [known_word(error.get("key")) for error in errors]


def _parsed(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        # The parser's own words quote the answer, and with it names.
        raise TemporaryFailure("BigBlueButton answers no XML, or only a part of it; check base_url") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise TemporaryFailure("BigBlueButton answers XML with definitions of its own, which it never does")
    return root
