"""The lists of pick-up points as the carriers last told them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class Point(Base):
    """One point of the way of delivery ``provider``. Gone from the carrier's list, it is gone from here."""

    __tablename__ = "pickup_point"

    provider: Mapped[str] = mapped_column(String(30), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    postal_number: Mapped[int]
    """The postal code as a number: neighbours on the map are mostly neighbours in numbers."""
    town: Mapped[str] = mapped_column(String(80))
    """As it is searched, see `portal.offices.search.searchable`."""
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The fields of a `PickupPoint`."""


class PointWord(Base):
    """One word of the name of a point's town, Greek or English, as it is searched."""

    __tablename__ = "pickup_point_word"

    provider: Mapped[str] = mapped_column(String(30), primary_key=True)
    word: Mapped[str] = mapped_column(String(40), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)


Index("ix_pickup_point_postal", Point.provider, Point.postal_number)
