"""Tables of appointments: the appointment, its people, its rooms, and whose time is taken."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.db import Base, UtcDateTime
from portal.offices.models import Office, Service
from portal.people.models import Person, full_name

KEY_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""No letters that are mistaken for one another when read out on the phone."""


def new_key(length: int = 12) -> str:
    """A name for addresses that cannot be guessed (about five bits a letter)."""
    return "".join(secrets.choice(KEY_LETTERS) for _ in range(length))


class Claim(Base):
    """Five minutes of somebody's time. The primary key is the guard: nobody's time is sold twice."""

    __tablename__ = "claim"
    __table_args__ = (
        Index(
            "ix_claim_expires_at",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL"),
            sqlite_where=text("expires_at IS NOT NULL"),
        ),
    )

    resource: Mapped[str] = mapped_column(String(40), primary_key=True)
    """``staff:<person id>``, ``citizen:<person id>`` or ``place:<office id>:<channel>:<number>``."""
    quantum: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Number of the five minutes since 1970-01-01 UTC."""
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), index=True)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """After this instant the next booker may take the time over: the end of a hold, or of the pause
    before freed time returns. None when booked."""


class BusyDay(Base):
    """Claims of one resource on one UTC day as bits, for reading many calendars at once.

    Kept by `portal.appointments.occupancy` beside the claims. It guards nothing: what is offered
    because of it is only advice.
    """

    __tablename__ = "busy_day"

    resource: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Days since 1970-01-01 UTC."""
    word_0: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bits of the quanta 0 to 59 of the day; the other words go on from there, 60 bits each."""
    word_1: Mapped[int] = mapped_column(BigInteger, default=0)
    word_2: Mapped[int] = mapped_column(BigInteger, default=0)
    word_3: Mapped[int] = mapped_column(BigInteger, default=0)
    word_4: Mapped[int] = mapped_column(BigInteger, default=0)


class RosterVersion(Base):
    """One row whose number changes with every change of who works when; see `portal.appointments.roster`."""

    __tablename__ = "roster_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class Appointment(Base):
    """One appointment, from the held time on. `portal.appointments.lifecycle` alone changes its state."""

    __tablename__ = "appointment"
    __table_args__ = (
        Index("ix_appointment_clerk_time", "clerk_id", "starts_at"),
        Index("ix_appointment_citizen_time", "citizen_id", "starts_at"),
        Index("ix_appointment_office_time", "office_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"))
    clerk_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None while the time is only held by somebody who has not logged in yet, and for whom staff books."""
    second_clerk_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    interpreter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    channel: Mapped[str] = mapped_column(String(12), default="video")
    """``video``, ``phone`` or ``in_person``."""
    place: Mapped[int | None]
    """Which of the office's places for this channel is taken, where their number is limited."""
    request_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The form that asked for this time; the same form sent again finds the appointment it made."""
    state: Mapped[str] = mapped_column(String(12), index=True)
    version: Mapped[int] = mapped_column(default=1)
    """Grows with each move; messages about an older version are not sent any more."""
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    minutes: Mapped[int]
    """Length of the meeting, with what interpretation adds."""
    any_office: Mapped[bool] = mapped_column(default=False)
    hold_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    language: Mapped[str] = mapped_column(String(2), default="el")
    citizen_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    address: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """``street``, ``number``, ``postal_code``, ``town``."""
    paper: Mapped[str] = mapped_column(String(30), default="")
    """Which identity paper will be shown on camera; a key of `portal.appointments.papers`."""
    needs: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Wanted accommodations (never a diagnosis): ``sign_language``, ``lip_reading``, ``written``."""
    remark: Mapped[str] = mapped_column(Text, default="")
    delivery: Mapped[str] = mapped_column(String(30), default="")
    """Name of the chosen delivery provider; empty when the service issues nothing."""
    recipient: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the chosen way of delivery needs to know, by the names of `RecipientField`."""
    outcome: Mapped[str] = mapped_column(String(20), default="")
    """``issue``, ``follow_up``, ``nothing``, ``technical``; set when the call is over."""
    note: Mapped[str] = mapped_column(Text, default="")
    """The clerk's note; seen by staff only."""
    by_phone_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the clerk gave up the video and went on by phone; None in every other call."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    service: Mapped[Service] = relationship()
    office: Mapped[Office] = relationship()
    clerk: Mapped[Person] = relationship(foreign_keys=[clerk_id])
    second_clerk: Mapped[Person | None] = relationship(foreign_keys=[second_clerk_id])
    interpreter: Mapped[Person | None] = relationship(foreign_keys=[interpreter_id])
    citizen: Mapped[Person | None] = relationship(foreign_keys=[citizen_id])
    participants: Mapped[list[Participant]] = relationship(
        back_populates="appointment", order_by="Participant.id"
    )
    rooms: Mapped[list[VideoRoom]] = relationship(back_populates="appointment", order_by="VideoRoom.id")
    identity_check: Mapped[IdentityCheck | None] = relationship(back_populates="appointment")
    served: Mapped[ServedParty | None] = relationship(back_populates="appointment")

    @property
    def ends_at(self) -> datetime:
        """End of the meeting, without the buffer."""
        return self.starts_at + timedelta(minutes=self.minutes)


class ServedParty(Base):
    """For whom the appointment is, where that is somebody else than the citizen who acts in it."""

    __tablename__ = "served_party"

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    """``person`` or ``business``."""
    relation: Mapped[str] = mapped_column(String(20))
    """What the person served is to the citizen, or in which capacity the citizen acts for the business;
    a key of `portal.appointments.papers.RELATIONS` or ``CAPACITIES``."""
    first_name: Mapped[str] = mapped_column(String(100), default="")
    last_name: Mapped[str] = mapped_column(String(100), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    business_name: Mapped[str] = mapped_column(String(200), default="")
    tax_number_encrypted: Mapped[str] = mapped_column(String(255), default="")
    """The business's."""
    declared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the citizen declared that he may act for the person; None for a business, whose capacity says
    so, and where staff wrote it down."""
    appointment: Mapped[Appointment] = relationship(back_populates="served")

    @property
    def name(self) -> str:
        """The business's name, or the person's."""
        return self.business_name or full_name(self.first_name, self.last_name)


class Participant(Base):
    """One person of the call besides the clerk who leads it; each has a link of his own."""

    __tablename__ = "participant"

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    """``citizen``, ``served``, ``companion`` or ``interpreter``. Where somebody acts for another, the one
    who acts is the citizen; ``served`` is the other, if he takes part with a link of his own."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """The interpreter of the roster who sits here; None for the citizen and for guests invited by hand."""
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    language: Mapped[str] = mapped_column(String(2), default="el")
    link_version: Mapped[int] = mapped_column(default=1)
    """A new number makes all older links of this person worthless."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person's page at the door last asked for news."""
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    admitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(22), default="")
    """Random name of the browser in which an invited person entered; his link is good in no other one."""
    device_check: Mapped[str] = mapped_column(String(8), default="")
    """``passed``, ``failed`` or empty; nothing else of the check is kept."""
    help_wanted: Mapped[str] = mapped_column(String(12), default="")
    """The channel by which the citizen asks to be served because video does not work for him, or empty."""
    appointment: Mapped[Appointment] = relationship(back_populates="participants")


class VideoRoom(Base):
    """One attempt to hold the call with one provider."""

    __tablename__ = "video_room"

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), index=True)
    provider: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(30), unique=True)
    state: Mapped[str] = mapped_column(String(10))
    """``opening``, ``open``, ``closing`` (nobody is let in any more), ``failed`` or ``closed``."""
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    data: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the provider last said that the room exists."""
    sound_only: Mapped[bool] = mapped_column(default=False)
    """True while the clerk has switched the pictures off for everybody."""
    last_error: Mapped[str] = mapped_column(String(255), default="")
    appointment: Mapped[Appointment] = relationship(back_populates="rooms")


class IdentityCheck(Base):
    """The clerk's record of who was identified on camera. No picture and no number of a paper."""

    __tablename__ = "identity_check"

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    whom: Mapped[str] = mapped_column(String(10), default="citizen")
    """``citizen``, or ``served`` for the person for whom he acts."""
    paper: Mapped[str] = mapped_column(String(30))
    paper_shown: Mapped[bool]
    face_matches: Mapped[bool]
    name_matches: Mapped[bool]
    identified: Mapped[bool]
    clerk_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    appointment: Mapped[Appointment] = relationship(back_populates="identity_check")


class EarlierWish(Base):
    """A citizen would come earlier than his appointment, if a time is freed."""

    __tablename__ = "earlier_wish"

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), primary_key=True)
    wished_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, index=True)
    """Whoever has wished longest is asked first."""
    offered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When he was last asked."""
    offer_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when he may answer; None when no answer is awaited."""
    offered: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """``time``: the freed time he was asked about last, ``returns_at``: when it may return to everybody,
    ``asked``: the starts of all times he was asked about. `portal.appointments.earlier` writes it."""
    appointment: Mapped[Appointment] = relationship()
