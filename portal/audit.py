"""The record of who did what. Lines are only ever added, in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.db import Base, UtcDateTime, db, must_be_writing


class AuditLine(Base):
    """One deed. ``subject`` names the object (``appointment:17``), ``facts`` hold no personal data."""

    __tablename__ = "audit_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the portal itself, or a guest with a link."""
    deed: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(60), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(actor_id: int | None, deed: str, subject: str, **facts: Any) -> None:
    """Add one line to the record."""
    must_be_writing()
    db.session.add(AuditLine(actor_id=actor_id, deed=deed, subject=subject, facts=facts))
