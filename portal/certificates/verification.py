"""The record by which anybody can check an issued document, long after the file itself was erased.

It holds what kind of document it is, who issued it and when, and a fingerprint; no name, and no way back to
the case. The code is in the PDF alone: here lies a keyed hash of it, so that nobody with the table can check,
list or invent documents.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock, outbox
from portal.appointments.models import KEY_LETTERS
from portal.db import Base, Bilingual, BilingualText, UtcDateTime, db, must_be_writing, transaction
from portal.encryption import lookup_hashes, read_text, sealed_text

GROUPS, GROUP = 4, 4
"""Sixteen letters out of 31 are 79 bits: at a million tries a second a matter of billions of years."""
KEPT_AFTER = timedelta(days=365)
"""For so long after its end the page still says that the time is over, instead of nothing."""
LOOKALIKES = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
"""Greek letters that look like Latin ones: whoever types the code with either keyboard means the same."""


class Verification(Base):
    """What the public page tells about one document."""

    __tablename__ = "verification"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    document_type: Mapped[Bilingual] = mapped_column(BilingualText)
    issuer: Mapped[Bilingual] = mapped_column(BilingualText)
    state: Mapped[str] = mapped_column(String(10))
    """``prepared`` (not issued yet: the page knows nothing), ``valid`` or ``revoked``."""
    time_zone: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_over(self) -> bool:
        """True when the time in which the document can be checked has ended."""
        return self.until is not None and self.until <= clock.now()


class FormerLookupKey(Base):
    """A key by which older codes are found, kept when the secret it came from is removed.

    It opens nothing and signs nothing. Without it every document issued before would read as unknown, for the
    codes themselves are kept nowhere.
    """

    __tablename__ = "former_lookup_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_encrypted: Mapped[str] = mapped_column(String(255))


def new_code() -> str:
    """``7KQM-2XHD-9TRB-WZ4C``."""
    letters = KEY_LETTERS.upper()
    return "-".join("".join(secrets.choice(letters) for _ in range(GROUP)) for _ in range(GROUPS))


def begin(code: str, document_type: Bilingual, issuer: Bilingual, time_zone: str) -> Verification:
    """The code was drawn into a document that is not issued yet."""
    must_be_writing()
    row = Verification(
        code_hash=lookup_hashes(_comparable(code))[0],
        document_type=document_type,
        issuer=issuer,
        time_zone=time_zone,
        state="prepared",
    )
    db.session.add(row)
    db.session.flush()
    return row


def confirm(row: Verification, sha256: str, days: int) -> None:
    """The document is issued, and this is the fingerprint of the file that leaves the office."""
    must_be_writing()
    row.state, row.sha256, row.issued_at = "valid", sha256, clock.now()
    row.until = clock.now() + timedelta(days=days)
    outbox.post(
        "verification.forget",
        f"verification:{row.id}",
        {"verification_id": row.id},
        key=f"verification-{row.id}",
        due_at=row.until + KEPT_AFTER,
        give_up_at=row.until + 2 * KEPT_AFTER,
    )


def revoke(row: Verification) -> None:
    """The document was taken back; who holds a copy of it reads so."""
    must_be_writing()
    row.state, row.revoked_at = "revoked", clock.now()


def drop(row: Verification) -> None:
    """The document was never issued."""
    must_be_writing()
    db.session.delete(row)


def look_up(code: str) -> Verification | None:
    """The document with this code. Whatever is typed costs one question to the database, by an index."""
    hashes = lookup_hashes(_comparable(code), *_former_keys())
    wanted = select(Verification).where(Verification.code_hash.in_(hashes), Verification.state != "prepared")
    return db.session.scalar(wanted)


def keep_lookup_keys(keys: Collection[bytes]) -> None:
    """Codes that were hashed with these keys are still found when the secrets behind them are gone."""
    must_be_writing()
    for key in keys:
        if key not in _kept_keys():
            db.session.add(FormerLookupKey(key_encrypted=sealed_text(key.decode())))
            db.session.flush()


def _former_keys() -> list[bytes]:
    """Asked once in each process: while a key is new in the table, its secret is still among ours."""
    if "portal.former_lookup_keys" not in current_app.extensions:
        current_app.extensions["portal.former_lookup_keys"] = _kept_keys()
    keys: list[bytes] = current_app.extensions["portal.former_lookup_keys"]
    return keys


def _kept_keys() -> list[bytes]:
    rows = db.session.scalars(select(FormerLookupKey.key_encrypted).order_by(FormerLookupKey.id))
    return [key.encode() for key in map(read_text, rows) if key]


def _comparable(code: str) -> str:
    letters = code[:100].upper().translate(LOOKALIKES)
    return "".join(letter for letter in letters if letter.isalnum())


def register() -> None:
    """The job of this module is known once it is imported; the wiring says so aloud."""


@outbox.job("verification.forget", queue="events")
def forget(verification_id: int) -> None:
    """Erase the record when nobody is told anything by it any more."""
    with transaction():
        row = db.session.get(Verification, verification_id)
        if row is not None and row.until is not None and row.until + KEPT_AFTER <= clock.now():
            db.session.delete(row)
