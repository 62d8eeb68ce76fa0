"""Tables of documents: what is asked for, its papers, the issued file, and each attempt to deliver it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.appointments.models import Appointment, new_key
from portal.certificates.verification import Verification
from portal.db import Base, Bilingual, BilingualText, UtcDateTime
from portal.people.models import Person


class DocumentRequest(Base):
    """A case: the office owes the citizen a document, or a decision that there is none.

    `portal.documents.lifecycle` alone changes its state.
    """

    __tablename__ = "document_request"
    __table_args__ = (UniqueConstraint("office_id", "series", "year", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), unique=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    """``to_issue``, ``needs_papers``, ``in_review``, ``to_approve``, ``to_seal``, ``issued``, ``completed``,
    ``refused`` or ``withdrawn``.
    """
    version: Mapped[int] = mapped_column(default=0)
    """Grows with each change of the state: a message tells of one version, and of no other."""
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"))
    """The office in whose protocol the case stands."""
    series: Mapped[str] = mapped_column(String(40))
    year: Mapped[int]
    number: Mapped[int]
    due_on: Mapped[date] = mapped_column(Date, index=True)
    """The last day, on the office's calendar, on which the office should have decided."""
    decision: Mapped[str] = mapped_column(String(10), default="")
    """``granted`` or ``refused``; empty while nothing is decided, and when the request was withdrawn."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was refused, as the clerk wrote it for the citizen."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    sent_back: Mapped[str] = mapped_column(Text, default="")
    """Why the second person did not approve; empty once the document is prepared anew."""
    appointment: Mapped[Appointment] = relationship()
    papers: Mapped[list[AskedPaper]] = relationship(back_populates="request", order_by="AskedPaper.id")
    document: Mapped[IssuedDocument | None] = relationship(back_populates="request")
    prepared: Mapped[PreparedDocument | None] = relationship(back_populates="request")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="request", order_by="Delivery.id")

    @property
    def protocol(self) -> str:
        """The protocol number as people write it: ``ΚΕΠ-ΖΩΓ 123/2026``."""
        return f"{self.series} {self.number}/{self.year}"


class ProtocolCounter(Base):
    """The last number that an office has given in a series and a year."""

    __tablename__ = "protocol_counter"

    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"), primary_key=True)
    series: Mapped[str] = mapped_column(String(40), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class AskedPaper(Base):
    """One paper that the citizen must add to his case."""

    __tablename__ = "asked_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id"), index=True)
    title: Mapped[Bilingual] = mapped_column(BilingualText)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    """``asked``, ``sent``, ``accepted``, ``refused`` (it is asked for again) or ``waived``."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it was refused, as the clerk wrote it for the citizen."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    request: Mapped[DocumentRequest] = relationship(back_populates="papers")
    files: Mapped[list[SentPaper]] = relationship(
        back_populates="paper", order_by="SentPaper.id", lazy="selectin"
    )


class SentPaper(Base):
    """A file that the citizen has sent for a paper; several are its pages. The content lies encrypted."""

    __tablename__ = "sent_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    paper_id: Mapped[int] = mapped_column(ForeignKey("asked_paper.id"), index=True)
    filename: Mapped[str] = mapped_column(String(150))
    media_type: Mapped[str] = mapped_column(String(60))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    stored_as: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default="sent")
    """``sent``, ``accepted`` or ``refused``."""
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    sent_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paper: Mapped[AskedPaper] = relationship(back_populates="files")


class PreparedDocument(Base):
    """A finished file that waits for the second person's approval, or for the seal; nobody got it yet."""

    __tablename__ = "prepared_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    """By which an approval names the file that was looked at, and no other."""
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id"), unique=True)
    filename: Mapped[str] = mapped_column(String(150))
    media_type: Mapped[str] = mapped_column(String(60))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    stored_as: Mapped[str] = mapped_column(String(64))
    way: Mapped[str] = mapped_column(String(30), default="")
    """The way of delivery that the clerk chose instead of the citizen's; empty when he chose none."""
    recipient: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    prepared_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    prepared_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verification.id", ondelete="SET NULL"))
    request: Mapped[DocumentRequest] = relationship(back_populates="prepared")
    clerk: Mapped[Person] = relationship(foreign_keys=[prepared_by])
    approver: Mapped[Person | None] = relationship(foreign_keys=[approved_by])
    verification: Mapped[Verification | None] = relationship()


class IssuedDocument(Base):
    """The file. Its content lies encrypted in the document store, never in the database."""

    __tablename__ = "issued_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id"), unique=True)
    filename: Mapped[str] = mapped_column(String(150))
    media_type: Mapped[str] = mapped_column(String(60))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    stored_as: Mapped[str] = mapped_column(String(64))
    added_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """The second person, where the service demands one."""
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the citizen fetched it himself for the first time."""
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when it does not stand among his present documents any more."""
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When he deleted it for good; this row stays, for the office."""
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verification.id", ondelete="SET NULL"))
    """What the public page tells about it; the record outlives this row."""
    request: Mapped[DocumentRequest] = relationship(back_populates="document")
    clerk: Mapped[Person] = relationship(foreign_keys=[added_by])
    approver: Mapped[Person | None] = relationship(foreign_keys=[approved_by])
    verification: Mapped[Verification | None] = relationship()

    @property
    def is_kept(self) -> bool:
        """True while the file can be fetched: its time is not over, and nobody has deleted it."""
        return self.deleted_at is None and self.expires_at > clock.now()


class Delivery(Base):
    """One attempt to bring the document to the citizen; another attempt is another row."""

    __tablename__ = "delivery"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id"), index=True)
    provider: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(30), unique=True)
    recipient: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(12), index=True)
    """``waiting``, ``prepared``, ``uncollected``, ``sent``, ``delivered``, ``returned``, ``failed`` or
    ``cancelled``.
    """
    reference: Mapped[str] = mapped_column(String(60), default="")
    code: Mapped[str] = mapped_column(String(20), default="")
    tracking_url: Mapped[str] = mapped_column(String(255), default="")
    data: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    number_missing: Mapped[bool] = mapped_column(default=False)
    """The carrier has the parcel, or gets it on paper; its number is typed by staff."""
    sending_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since then a call to the provider may have had an effect of which nothing is known here."""
    call_back: Mapped[str] = mapped_column(String(10), default="")
    """``asked``, ``done`` or ``refused`` once the carrier is to call the parcel back."""
    news: Mapped[str] = mapped_column(String(200), default="")
    """The latest that the carrier said, in its own words."""
    label_file: Mapped[str] = mapped_column(String(64), default="")
    """The label in the document store, while there is something to stick it on."""
    kept_until: Mapped[date | None] = mapped_column(Date)
    """The last day, on the office's calendar, on which it lies ready; None where it waits without a limit."""
    by_hand_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a clerk recorded that it left the office; for a short time that can be undone."""
    last_error: Mapped[str] = mapped_column(Text, default="")
    advice: Mapped[str] = mapped_column(Text, default="")
    """What the citizen can do after a failure, in his language; may be empty."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    request: Mapped[DocumentRequest] = relationship(back_populates="deliveries")
    hand_over: Mapped[HandOver | None] = relationship(back_populates="delivery", cascade="all, delete-orphan")


class HandOver(Base):
    """The proof that a document was handed over at the counter: by whom, to whom, on what he showed."""

    __tablename__ = "hand_over"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    clerk_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    paper: Mapped[str] = mapped_column(String(20))
    """Which identity paper the clerk saw; no number of it."""
    authorised: Mapped[str] = mapped_column(String(120), default="")
    """The name of the authorised person who took it; empty when the citizen came himself."""
    authorisation: Mapped[str] = mapped_column(String(20), default="")
    reference: Mapped[str] = mapped_column(String(60), default="")
    """By which the authorisation is found again: its code at gov.gr, the number of the certification."""
    delivery: Mapped[Delivery] = relationship(back_populates="hand_over")
    clerk: Mapped[Person] = relationship()


class AccessCode(Base):
    """A one-time code by which somebody without login opens one document from the link in his mail."""

    __tablename__ = "access_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
