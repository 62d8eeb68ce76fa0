"""Which rows name a file of the document store: issued and prepared documents, papers, labels of parcels.

What none of them names is swept away; what they name moves to another key together with its row.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from portal import clock
from portal.db import db
from portal.documents.models import Delivery, IssuedDocument, PreparedDocument, SentPaper

UNMARKED = 32
"""So long is a name without the mark of its key."""


@dataclass(frozen=True)
class Named:
    """One column that names files."""

    what: str
    column: Any
    """A mapped attribute; mypy would take it for its value."""

    def wanted(self) -> ColumnElement[bool]:
        """The rows whose file is still needed."""
        if self.column.class_ is IssuedDocument:
            return and_(IssuedDocument.expires_at > clock.now(), IssuedDocument.deleted_at.is_(None))
        if self.column.class_ is SentPaper:
            return SentPaper.erased_at.is_(None)
        named: ColumnElement[bool] = self.column != ""
        return named


COLUMNS = (
    Named("issued documents", IssuedDocument.stored_as),
    Named("prepared documents", PreparedDocument.stored_as),
    Named("papers", SentPaper.stored_as),
    Named("labels", Delivery.label_file),
)


def named(names: Collection[str]) -> set[str]:
    """Those of the names, without their marks, that a row names."""
    found: set[str] = set()
    for one in COLUMNS:
        unmarked = func.substr(one.column, 1, UNMARKED)
        found |= set(db.session.scalars(select(unmarked).where(unmarked.in_(names), one.wanted())))
    return found
