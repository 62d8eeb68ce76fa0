"""Tables of offices, closed and open days, thematic fields and services. Filled by the catalogue import."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, Bilingual, BilingualText


class Office(Base):
    """A counter of the municipality, with its own time zone."""

    __tablename__ = "office"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[Bilingual] = mapped_column(BilingualText)
    address: Mapped[Bilingual] = mapped_column(BilingualText)
    opening: Mapped[Bilingual] = mapped_column(BilingualText)
    """Opening hours in words, for pick-up and visits."""
    phone: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254))
    time_zone: Mapped[str] = mapped_column(String(40))
    capacity: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    """How many appointments can be held at once, by channel; a channel that is not named has no limit."""
    protocol_series: Mapped[str] = mapped_column(String(40), default="")
    """Stands before the protocol numbers of the office; empty: its key in capitals."""
    search_text: Mapped[str] = mapped_column(String(600), default="")
    """Names and addresses in capitals without accents, for finding an office by what somebody types."""
    active: Mapped[bool] = mapped_column(default=True)


class Closure(Base):
    """Days on which an office is closed beyond the public holidays, or all offices (no office named)."""

    __tablename__ = "closure"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    reason: Mapped[Bilingual] = mapped_column(BilingualText)


class OpenDay(Base):
    """A day on which an office (or all of them) works although it is a public holiday."""

    __tablename__ = "open_day"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    day: Mapped[date] = mapped_column(Date)
    reason: Mapped[Bilingual] = mapped_column(BilingualText)


class Field(Base):
    """A thematic field: the first choice of a citizen."""

    __tablename__ = "field"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[Bilingual] = mapped_column(BilingualText)
    summary: Mapped[Bilingual] = mapped_column(BilingualText)
    position: Mapped[int]
    services: Mapped[list[Service]] = relationship(back_populates="field", order_by="Service.position")


class Service(Base):
    """What a citizen can be served with in one appointment."""

    __tablename__ = "service"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    field_id: Mapped[int] = mapped_column(ForeignKey("field.id"))
    mitos_code: Mapped[str | None] = mapped_column(String(6))
    """Six digits of the national registry of procedures, leading zeros count; None when not known."""
    name: Mapped[Bilingual] = mapped_column(BilingualText)
    summary: Mapped[Bilingual] = mapped_column(BilingualText)
    papers: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """Papers to have at hand, each ``{"el": …, "en": …}``."""
    minutes: Mapped[int]
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=5)
    """Minutes that keep a distance to the clerk's next appointment."""
    lead_minutes: Mapped[int] = mapped_column(default=60)
    """How long before its start an appointment can still be booked."""
    horizon_days: Mapped[int] = mapped_column(default=30)
    channels: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["video"])
    """How the service is given, preferred first: ``video``, ``phone``, ``in_person``."""
    second_clerk: Mapped[bool] = mapped_column(default=False)
    """Two clerks of the office must be present."""
    deliveries: Mapped[list[str]] = mapped_column(JSON)
    """Names of the delivery providers allowed for this service; empty when nothing is issued."""
    due_days: Mapped[int | None]
    """In how many days a case is to be decided; None: in as many as the municipality's file says."""
    certificate: Mapped[str] = mapped_column(String(60), default="")
    """The template from which its document can be issued; empty when there is none."""
    approval: Mapped[bool] = mapped_column(default=False)
    """A second person of the office approves the document before it is issued."""
    position: Mapped[int]
    sample: Mapped[bool] = mapped_column(default=False)
    """Sample data: shown with a remark that it is not official."""
    active: Mapped[bool] = mapped_column(default=True)
    field: Mapped[Field] = relationship(back_populates="services")
