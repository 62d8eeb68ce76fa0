"""What somebody had typed when his login ended: sealed, for him alone, until he has logged in again.

`portal.security` keeps the form; `portal.forms.PageForm` finds it on the page it came from.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from flask import g, request, session
from sqlalchemy import ForeignKey, String, Text, delete
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import MultiDict

from portal import clock
from portal.db import Base, UtcDateTime, db, must_be_writing, transaction
from portal.encryption import read_text, sealed_text
from portal.people.visitor import current_person, former_login

LONGEST = timedelta(hours=2)
"""Long enough for a login with everything that can go wrong."""
LARGEST = 50_000
"""Letters; what is longer was not typed."""


class KeptForm(Base):
    """One form that came without a login."""

    __tablename__ = "kept_form"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    """Whose login it was; nobody else gets to see it, though he sits at the same computer."""
    page: Mapped[str] = mapped_column(String(500))
    """Path of the page that holds the form."""
    fields_encrypted: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def keep(page: str) -> bool:
    """Keep the fields of the present form for whoever's login this browser had; False if there was none."""
    login = former_login()
    fields = [[name, value] for name, value in request.form.items(multi=True) if name != "csrf_token"]
    text = json.dumps(fields)
    if login is None or not fields or len(text) > LARGEST or len(page) > 500:
        return False
    row = KeptForm(
        person_id=login.person_id,
        page=page,
        fields_encrypted=sealed_text(text),
        until=clock.now() + LONGEST,
    )
    with transaction():
        # One for each person: what he sent before that is older, or on its way back already.
        db.session.execute(delete(KeptForm).where(KeptForm.person_id == row.person_id))
        db.session.add(row)
        db.session.flush()
        session["kept_form"] = row.id
    return True


def of_this_page() -> MultiDict[str, str] | None:
    """What this person had typed into the form of this page; offered once."""
    if "kept_form" not in session or request.method != "GET":
        return g.get("kept_form")
    row = db.session.get(KeptForm, session["kept_form"])
    person = current_person()
    if row is None or person is None or row.page != request.path:
        return None
    session.pop("kept_form")
    fields = read_text(row.fields_encrypted)
    if row.person_id != person.id or row.until < clock.now() or not fields:
        return None
    g.kept_form = MultiDict(map(tuple, json.loads(fields)))
    return g.kept_form


def forget_old() -> None:
    """Delete what nobody came back for."""
    must_be_writing()
    db.session.execute(delete(KeptForm).where(KeptForm.until < clock.now()))
