"""Reads what GSIS tells about a person: one XML element whose attributes are padded with spaces."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from portal.plugin_api import TemporaryFailure

LARGEST = 64 * 1024
"""Bytes. A real answer has less than one thousand; more would only feed the parser of an attacker."""


def read(body: bytes) -> Mapping[str, str]:
    """The attributes of ``userinfo`` without padding; those that are empty are left out.

    Raises TemporaryFailure when the answer is no such XML. What it says is never part of the words.
    """
    if len(body) > LARGEST:
        raise TemporaryFailure("GSIS answers more about a person than makes sense")
    root = _parsed(body)
    found = list(root.iter("{*}userinfo"))
    if len(found) != 1:
        raise TemporaryFailure("GSIS answers XML in which no person stands, or more than one")
    stripped = {str(name): str(value).strip() for name, value in found[0].attrib.items()}
    return {name: value for name, value in stripped.items() if value}


def _parsed(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        # The parser's own words quote the answer, and with it the person.
        raise TemporaryFailure("GSIS answers no XML, or only a part of it") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise TemporaryFailure("GSIS answers XML with definitions of its own, which it never does")
    return root


def birth_year(text: str, this_year: int) -> int | None:
    """The year, or None when it is missing or makes no sense."""
    if not re.fullmatch(r"[0-9]{4}", text):
        return None
    return int(text) if this_year - 130 <= int(text) <= this_year else None
