"""`portal rotate-keys`: brings what lies under an older key under the first one, while the portal works.

In small steps, each of which can be the last: a killed run leaves nothing unreadable, and the next one goes
on where it ended, because the mark at each name and text says under which key it lies. Texts are changed only
if they are still what was read. A file is written anew, then its row names it, then the former one goes.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from cryptography.fernet import InvalidToken
from flask import current_app
from sqlalchemy import ColumnElement, CursorResult, func, inspect, not_, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from portal import files
from portal.appointments.models import ServedParty
from portal.certificates import verification
from portal.config import Config
from portal.db import db, transaction
from portal.document_store import KeyMissing
from portal.documents import named_files
from portal.encryption import decrypt, key_marks, lookup_hashes, lookup_keys, sealed_text
from portal.kept_forms import KeptForm
from portal.people.models import LoginSession, Person

STEP = 100
"""So many rows are read at a time, and as many texts changed in one transaction."""
ADVISORY_LOCK = 0x74687972
"""PostgreSQL's lock that only one rotation holds at a time."""


class AlreadyRunning(Exception):
    """Another rotation is under way."""


@dataclass(frozen=True)
class Sealed:
    """One column of texts that lie encrypted, the mark of their key in front."""

    what: str
    column: Any
    """A mapped attribute; mypy would take it for its value."""

    def under(self, mark: str) -> ColumnElement[bool]:
        """What bears this mark."""
        return self.column.startswith(f"{mark}:")

    def marked(self) -> ColumnElement[bool]:
        """What bears any. The rest was written before there were marks, with whichever key."""
        return self.column.contains(":")

    def wanted(self) -> ColumnElement[bool]:
        """What there is."""
        return self.column != ""


@dataclass(frozen=True)
class SealedFile(named_files.Named):
    """One column that names files; the mark is at the end of the name."""

    def under(self, mark: str) -> ColumnElement[bool]:
        """What bears this mark."""
        return self.column.endswith(f".{mark}")

    def marked(self) -> ColumnElement[bool]:
        """What bears any."""
        return self.column.contains(".")


TEXTS = (
    Sealed("tax numbers of persons", Person.tax_number_encrypted),
    Sealed("tax numbers of those served", ServedParty.tax_number_encrypted),
    Sealed("kept forms", KeptForm.fields_encrypted),
    Sealed("logins", LoginSession.logout_hint_encrypted),
    Sealed("keys of verification codes", verification.FormerLookupKey.key_encrypted),
)
FILES = tuple(SealedFile(one.what, one.column) for one in named_files.COLUMNS)
ALL: tuple[Sealed | SealedFile, ...] = (*TEXTS, *FILES)


@dataclass
class Report:
    """What one run did, and what it could not."""

    renewed: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    """What none of today's keys opens."""
    gone: Counter[str] = field(default_factory=Counter)
    """Rows whose file is not there."""


Tell = Callable[[str, int], None]
Rows = list[tuple[Any, str]]
"""Primary keys, and what stands in the column."""


def rotate(tell: Tell) -> Report:
    """Bring everything under the first key. ``tell`` hears of what how much is done.

    Raises AlreadyRunning, or StoreTrouble when files can be neither read nor written now.
    """
    report = Report()
    with _alone():
        for texts in TEXTS:
            _in_steps(texts, partial(_renew_texts, texts, report), report, tell)
        for kind in FILES:
            _in_steps(kind, partial(_renew_files, kind, report), report, tell)
        files.forget_leftovers()
        with transaction():
            verification.keep_lookup_keys(lookup_keys()[1:])
    return report


def older() -> dict[str, int]:
    """How much of each kind lies under an older key, without opening anything."""
    if len(key_marks()) == 1:
        return {}
    return _counts(lambda kind: not_(kind.under(key_marks()[0])) & not_(_closed(kind)))


def closed() -> dict[str, int]:
    """How much of each kind bears the mark of a key that is not among today's."""
    return _counts(_closed)


def _counts(condition: Callable[[Sealed | SealedFile], ColumnElement[bool]]) -> dict[str, int]:
    counts = {}
    try:
        for kind in ALL:
            rows = select(func.count()).select_from(kind.column.class_)
            counts[kind.what] = db.session.scalar(rows.where(kind.wanted(), condition(kind))) or 0
    except SQLAlchemyError:
        db.session.rollback()  # a database that is away, or waits for its upgrade, is told of elsewhere
        return {}
    return {what: count for what, count in counts.items() if count}


def _closed(kind: Sealed | SealedFile) -> ColumnElement[bool]:
    return kind.marked() & not_(or_(*(kind.under(mark) for mark in key_marks())))


def _in_steps(kind: Sealed | SealedFile, renew: Callable[[Rows], None], report: Report, tell: Tell) -> None:
    """Renew what does not lie under the first key, a few rows at a time, each row once."""
    number = _number(kind)
    todo = kind.wanted() & not_(kind.under(key_marks()[0]))
    query = select(number, kind.column).where(todo).order_by(number).limit(STEP)
    step = query
    while True:
        rows = [(row[0], row[1]) for row in db.session.execute(step)]
        db.session.rollback()
        if not rows:
            return
        renew(rows)
        step = query.where(number > rows[-1][0])
        tell(kind.what, report.renewed[kind.what])


def _renew_texts(kind: Sealed, report: Report, rows: Rows) -> None:
    with transaction():
        for number, old in rows:
            try:
                plain = decrypt(old.encode()).decode()
            except InvalidToken:
                report.closed[kind.what] += 1
                continue
            switched = _switch(kind, number, old, sealed_text(plain))
            report.renewed[kind.what] += switched
            # Where another number stands meanwhile, the hash of this one would lead to the wrong person.
            if switched and kind.column is Person.tax_number_encrypted:
                _rehash(number, plain)


def _rehash(person_id: int, tax_number: str) -> None:
    """The number is found by a hash with the first key from now on."""
    person = update(Person).where(Person.id == person_id, Person.tax_number_hash.is_not(None))
    try:
        with db.session.begin_nested():
            db.session.execute(_quietly(person.values(tax_number_hash=lookup_hashes(tax_number)[0])))
    except IntegrityError:
        # Somebody of the same number has come meanwhile; at his next login the two become one.
        return


def _renew_files(kind: SealedFile, report: Report, rows: Rows) -> None:
    for number, old in rows:
        try:
            found_at = files.renew(old)
        except KeyMissing:
            report.closed[kind.what] += 1
        except FileNotFoundError:
            report.gone[kind.what] += 1
        else:
            report.renewed[kind.what] += _name_anew(kind, number, old, found_at)


def _name_anew(kind: SealedFile, number: Any, old: str, found_at: str) -> int:
    """Let the row name the renewed file, if it still names the old one; then remove where that came from."""
    new = files.under_present_key(old)
    with transaction():
        switched = _switch(kind, number, old, new)
    if switched:
        files.forget_former(found_at)
    elif not _is_named(new):
        files.forget(new)
    return switched


def _is_named(name: str) -> bool:
    """An approval, for example, has moved the name into another row meanwhile; it is renewed with that."""
    found = named_files.named({name.partition(".")[0]})
    db.session.rollback()
    return bool(found)


def _switch(kind: Sealed | SealedFile, number: Any, old: str, new: str) -> int:
    column = kind.column
    change = update(column.class_).where(_number(kind) == number, column == old, kind.wanted())
    result = db.session.execute(_quietly(change.values({column.key: new})))
    return cast("CursorResult[Any]", result).rowcount


def _quietly(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)


def _number(kind: Sealed | SealedFile) -> ColumnElement[Any]:
    return cast("ColumnElement[Any]", inspect(kind.column.class_).primary_key[0])


@contextmanager
def _alone() -> Iterator[None]:
    """Only one rotation at a time; the lock ends with the process that holds it."""
    with _lock_of_postgresql() if db.engine.dialect.name == "postgresql" else _lock_of_this_machine():
        yield


@contextmanager
def _lock_of_postgresql() -> Iterator[None]:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(ADVISORY_LOCK))):
            raise AlreadyRunning
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(ADVISORY_LOCK)))


@contextmanager
def _lock_of_this_machine() -> Iterator[None]:
    """Whoever has SQLite has one machine."""
    config: Config = current_app.config["PORTAL"]
    config.instance.mkdir(parents=True, exist_ok=True)
    lock = os.open(config.instance / "rotation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyRunning from None
    finally:
        os.close(lock)
