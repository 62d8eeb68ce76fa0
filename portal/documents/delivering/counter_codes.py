"""The code that the citizen shows at the counter: compared, found among what lies ready, not to be guessed.

The code opens nothing by itself: only staff of the office can type it, and the identity paper is looked
at besides. A handheld scanner types what stands in the QR as a keyboard would.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import session
from sqlalchemy import func, select

from portal import audit, clock
from portal.audit import AuditLine
from portal.db import db, must_be_writing
from portal.documents import states
from portal.documents.models import Delivery
from portal.people.models import Person

WRONG_CODES = 5
"""So many wrong codes in `PAUSE` are enough for one document, and for one clerk at the desk."""
PAUSE = timedelta(minutes=15)
PROVED_FOR = timedelta(minutes=15)
"""So long after the right code the clerk may look at the papers and record the hand-over."""

ALIKE = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧΠ", "ABEZHIKMNOPTYXP")
"""Greek letters that look like Latin ones: whoever types the code with either keyboard means the same. A
scanner presses keys, and the key of the Latin P is Π where the keyboard is a Greek one."""


class TooManyWrong(Exception):
    """So many wrong codes were typed that no further one is tried for a while."""


def is_right(delivery: Delivery, typed: str, actor: Person) -> bool:
    """Try a code for one document. A wrong one is written down, so the caller must commit in every case."""
    states.lock(delivery.request, delivery)
    subject = states.subject(delivery.request)
    _refuse_guessing(subject)
    if _same(typed, delivery.code):
        return True
    audit.record(actor.id, "wrong code", subject)
    return False


def found_by(typed: str, ready: Iterable[tuple[str, str]], actor: Person) -> list[str]:
    """The keys of what has this code, among keys and codes of what lies ready in the offices of the clerk.

    None found is a wrong code.
    """
    must_be_writing()
    # Guesses at the same moment are counted one after the other, as those for one document are.
    db.session.refresh(actor, with_for_update={"key_share": True})
    _refuse_guessing(f"person:{actor.id}")
    found = [key for key, code in ready if _same(typed, code)]
    if not found:
        audit.record(actor.id, "wrong code", f"person:{actor.id}")
    return found


def prove(key: str) -> None:
    """The right code was shown for the delivery with this key; this session may record the hand-over now."""
    session["code_shown"] = {"key": key, "until": (clock.now() + PROVED_FOR).isoformat()}


def is_proved(delivery: Delivery) -> bool:
    """True where no code is needed, or the right one was shown a short while ago."""
    shown = session.get("code_shown")
    if not delivery.code:
        return True
    return (
        shown is not None
        and shown["key"] == delivery.key
        and datetime.fromisoformat(shown["until"]) > clock.now()
    )


def _refuse_guessing(subject: str) -> None:
    wrong = (
        select(func.count())
        .select_from(AuditLine)
        .where(
            AuditLine.subject == subject,
            AuditLine.deed == "wrong code",
            AuditLine.at > clock.now() - PAUSE,
        )
    )
    if (db.session.scalar(wrong) or 0) >= WRONG_CODES:
        raise TooManyWrong


def _same(typed: str, code: str) -> bool:
    right = _comparable(code)
    return bool(right) and hmac.compare_digest(_comparable(typed).encode(), right.encode())


def _comparable(code: str) -> str:
    return "".join(code.split()).upper().translate(ALIKE)
