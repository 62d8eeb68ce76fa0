"""Tables of people: a person once, and his posts in offices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.db import Base, UtcDateTime
from portal.offices.models import Office, Service

LONGEST_FULL_NAME = 200
"""Letters that appointments have room for; two names of full length have one more with their space."""


def full_name(first: str, last: str) -> str:
    """First and last name as people say them, as long as there is room for."""
    return f"{first} {last}".strip()[:LONGEST_FULL_NAME]


class Person(Base):
    """A citizen or a member of staff. How he logs in stands in his accounts."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str | None] = mapped_column(String(255), unique=True)
    """The name of a member of staff in the catalogue; None for citizens."""
    first_name: Mapped[str] = mapped_column(String(100), default="")
    last_name: Mapped[str] = mapped_column(String(100), default="")
    fathers_name: Mapped[str] = mapped_column(String(100), default="")
    birth_year: Mapped[int | None]
    tax_number_encrypted: Mapped[str] = mapped_column(String(255), default="")
    tax_number_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """By which a citizen is found again, whatever provider he comes through; see `portal.encryption`."""
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    address: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """``street``, ``number``, ``postal_code``, ``town``; as far as the citizen let us keep them."""
    contact_kept_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the citizen last agreed that his contact details are kept; None: nothing that he typed is."""
    language: Mapped[str] = mapped_column(String(2), default="el")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    memberships: Mapped[list[Membership]] = relationship(back_populates="person")
    accounts: Mapped[list[Account]] = relationship(back_populates="person")

    @property
    def name(self) -> str:
        """First and last name as people say them."""
        return full_name(self.first_name, self.last_name)


class Account(Base):
    """Who somebody is to one identity provider at one door.

    The doors stay apart: what a directory of staff says of somebody opens nothing that is his as a citizen.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("door", "provider", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    door: Mapped[str] = mapped_column(String(10))
    """``citizens`` or ``staff``."""
    provider: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(255))
    last_login_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    person: Mapped[Person] = relationship(back_populates="accounts")


class LoginSession(Base):
    """One login, from its beginning to its end. The browser's cookie carries nothing but its key."""

    __tablename__ = "login_session"
    __table_args__ = (Index("ix_login_session_known_as", "provider", "provider_session"),)

    key: Mapped[str] = mapped_column(String(43), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    door: Mapped[str] = mapped_column(String(10))
    """``citizens`` or ``staff``."""
    provider: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(255), index=True)
    provider_session: Mapped[str] = mapped_column(String(255), default="")
    """The identity server's own name of its session; empty when it has none."""
    logout_hint_encrypted: Mapped[str] = mapped_column(Text, default="")
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """No request extends it beyond this instant."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    person: Mapped[Person] = relationship()


class Membership(Base):
    """A person's post in an office: role, languages, and the services he can give."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("person_id", "office_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"))
    role: Mapped[str] = mapped_column(String(20))
    """``clerk``, ``supervisor``, ``administrator`` or ``interpreter``; see `portal.people.access`."""
    languages: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["el"])
    active: Mapped[bool] = mapped_column(default=True)
    approves: Mapped[bool] = mapped_column(default=False)
    """May approve documents that colleagues of the office prepared, without being their supervisor."""
    person: Mapped[Person] = relationship(back_populates="memberships")
    office: Mapped[Office] = relationship()
    skills: Mapped[list[Service]] = relationship(secondary="skill")
    hours: Mapped[list[WorkingHours]] = relationship(cascade="all, delete-orphan")


class Skill(Base):
    """Which services the holder of a post can give."""

    __tablename__ = "skill"

    membership_id: Mapped[int] = mapped_column(
        ForeignKey("membership.id", ondelete="CASCADE"), primary_key=True
    )
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"), primary_key=True)


class WorkingHours(Base):
    """One spell of a weekly plan at the counter, in wall-clock minutes of the office's zone."""

    __tablename__ = "working_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int] = mapped_column(Integer)
    """0 is Monday."""
    from_minute: Mapped[int]
    """Minutes after midnight, wall clock."""
    to_minute: Mapped[int]
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    """Last day on which the spell holds; None is for ever."""
    on_day: Mapped[date | None] = mapped_column(Date)
    """The spell is an exception for this one day, whose weekly plan then does not hold. An exception
    without length (0 to 0) is a day without work."""
    channels: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Channels for which the spell is meant; empty is all."""
    released_minutes: Mapped[int | None]
    """None: anybody may book. Else kept for staff until so many minutes before; 0 is for good."""


class Absence(Base):
    """A clerk is away for a while: leave, illness, training."""

    __tablename__ = "absence"
    __table_args__ = (Index("ix_absence_person_time", "person_id", "ends_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
