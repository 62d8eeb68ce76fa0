"""Finds an office by what somebody types: any part of its name or address, with or without accents.

Asked by pages that let a citizen or the staff choose among many offices; the catalogue import writes the
text that is searched.
"""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import select

from portal.db import db
from portal.offices.models import Office, Service
from portal.people.models import Membership, Skill

MOST_WORDS = 12
"""Nobody types more to find an office, and each word costs the database a comparison."""


def searchable(text: str) -> str:
    """``text`` in capitals without accents, its words parted by one space; dots of abbreviations go."""
    letters = unicodedata.normalize("NFD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    # In capitals, a sigma is the same at the end of a word as within it.
    return " ".join(re.sub(r"[\W_]+", " ", plain.replace(".", "").upper()).split())


def find(query: str, service: Service | None, limit: int) -> list[Office]:
    """At most ``limit`` offices that serve, by their keys, in which every word of ``query`` occurs.

    With ``service`` only those where somebody can give it. One question to the database.
    """
    words = set(searchable(query).split())
    if len(words) > MOST_WORDS:
        return []
    offices = select(Office).where(Office.active, *(Office.search_text.contains(word) for word in words))
    if service is not None:
        served = (
            select(Membership.office_id).join(Skill).where(Membership.active, Skill.service_id == service.id)
        )
        offices = offices.where(Office.id.in_(served))
    return list(db.session.scalars(offices.order_by(Office.key).limit(limit)))
