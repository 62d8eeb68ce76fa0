"""The documents and papers that are kept: checked, encrypted, under random names, on the disk or in a bucket.

A file is written before the row that names it, so a row never points to nothing; a file whose row was
never committed is swept away after a day. A name ends with the mark of the key under which the file lies;
what comes before never changes, so a file is found again while it is brought under another key.

Nothing here happens inside a transaction: a bucket may take its time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import islice

import structlog
from cryptography.fernet import InvalidToken
from flask import current_app

from portal import clock, document_store
from portal.db import db
from portal.document_store import DocumentStore, KeyMissing, StoreTrouble
from portal.documents.issuing.pdf_check import NotAcceptable, check_pdf
from portal.encryption import decrypt, encrypt, key_marks

__all__ = ["NotAcceptable", "StoreTrouble", "StoredFile"]

log = structlog.get_logger()

ORPHANED_AFTER = timedelta(days=1)
MOST_PAGES = 200
"""So many pages of names a sweep looks at; the next one begins elsewhere."""
ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
"""The kinds of files that are kept; the name of a file ends as its content is, whatever it was called."""
FINISHED = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{8})?")
LEFT_BEHIND = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{8})*\.draft|check-[0-9a-f]{16}(\.[0-9a-f]{8}\.draft)?")
"""What a process that was killed may leave. Whatever is called otherwise is not ours and stays."""


@dataclass(frozen=True)
class StoredFile:
    """An encrypted file in the store. ``sha256`` and ``size`` are of the plain content."""

    filename: str
    media_type: str
    size: int
    sha256: str
    stored_as: str


def store_pdf(filename: str, content: bytes) -> StoredFile:
    """Check and store one PDF. Raises NotAcceptable or StoreTrouble."""
    check_pdf(content)
    return store(filename, content, "application/pdf")


def store(filename: str, content: bytes, media_type: str) -> StoredFile:
    """Store what has been checked already. Raises StoreTrouble."""
    name = under_present_key(secrets.token_hex(16))
    with _place() as place:
        place.write(name, encrypt(content))
    return StoredFile(
        filename=_clean(filename, ENDINGS[media_type]),
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        stored_as=name,
    )


def open_document(stored_as: str) -> BytesIO:
    """The plain content. Raises FileNotFoundError when it was forgotten, or StoreTrouble."""
    with _place() as place:
        return BytesIO(_opened(_found(place, stored_as)[1]))


def forget(stored_as: str) -> None:
    """Remove one file for good; it may be gone already. Raises StoreTrouble."""
    with _place() as place:
        # It may have been brought under another key since the row was read.
        for name in sorted({stored_as, _unmarked(stored_as), *_all_names(stored_as)}):
            place.remove(name)


def let_go(stored_as: str) -> None:
    """Remove a file that no row names any more. What cannot be removed now is swept away later."""
    try:
        forget(stored_as)
    except StoreTrouble as trouble:
        log.warning("a file waits for being swept", reason=str(trouble))


def sweep(named: Callable[[Collection[str]], set[str]]) -> int:
    """Remove files that no row names and that are older than a day; the answer is how many.

    ``named`` gives those of the names, without their marks, that a row names.
    """
    swept = 0
    with _place() as place:
        start = secrets.token_hex(16)
        for page in islice(_pages(place, start), MOST_PAGES):
            kept = named({_unmarked(name) for name in page if FINISHED.fullmatch(name)})
            orphans = [name for name in page if _is_ours(name) and not _is_kept(name, kept)]
            for name in orphans:
                place.remove(name)
            swept += len(orphans)
    return swept


def renew(stored_as: str) -> str:
    """Write the file under the present key and give the name where it was found.

    That one stays until the row names the new one. Raises what `open_document` does.
    """
    new = under_present_key(stored_as)
    with _place() as place:
        found_at, content = _found(place, stored_as)
        # Where it lies under the present key already, writing it would bring back what is erased just now.
        if found_at != new:
            place.write(new, encrypt(_opened(content)))
    return found_at


def forget_former(former: str) -> None:
    """A row names the renewed file now: remove the one it came from, and both if somebody erased that.

    For the one process that renews: to another it would look as if somebody had erased.
    """
    new = under_present_key(former)
    with _place() as place:
        if former != new:
            place.remove(former if place.exists(former) else new)


def forget_leftovers() -> int:
    """Remove what was renewed by a process that was killed just after; the answer is how much."""
    removed = 0
    with _place() as place:
        for page in place.pages(clock.now()):
            former = [n for n in page if FINISHED.fullmatch(n) and n != under_present_key(n)]
            for name in [n for n in former if place.exists(under_present_key(n))]:
                place.remove(name)
                removed += 1
    return removed


def under_present_key(stored_as: str) -> str:
    """The name that a file has when it lies under the first key."""
    return f"{_unmarked(stored_as)}.{key_marks()[0]}"


def trouble() -> str:
    """In one word what hinders keeping and reading, as far as this process knows; empty if nothing does."""
    seen: str = current_app.extensions.get("portal.document_trouble", "")
    return document_store.current_store().trouble_nearby() or seen


@contextmanager
def _place() -> Iterator[DocumentStore]:
    """The place where files lie. Of each trouble the log and `/health` learn."""
    if db.session().info.get("writing"):
        raise RuntimeError("a file is kept or read inside transaction(): that may be slow")
    place = document_store.current_store()
    if place.is_far:
        # Reading opened a connection; nobody else shall wait for it while we wait for the bucket.
        db.session.rollback()
    try:
        yield place
    except StoreTrouble as seen:
        current_app.extensions["portal.document_trouble"] = seen.kind
        log.error("documents cannot be kept or read", kind=seen.kind, reason=str(seen))
        raise
    current_app.extensions["portal.document_trouble"] = ""


def _found(place: DocumentStore, stored_as: str) -> tuple[str, bytes]:
    """The name under whichever of today's keys the file lies by now, and the file."""
    for name in dict.fromkeys([stored_as, *_all_names(stored_as)]):
        with suppress(FileNotFoundError):
            return name, place.read(name)
    raise FileNotFoundError("the file was forgotten")


def _opened(content: bytes) -> bytes:
    try:
        return decrypt(content)
    except InvalidToken:
        raise KeyMissing(
            "a document lies under a key that is not in PORTAL_SECRET_KEY; put the former key back, last"
        ) from None


def _all_names(stored_as: str) -> list[str]:
    return [f"{_unmarked(stored_as)}.{mark}" for mark in key_marks()]


def _unmarked(stored_as: str) -> str:
    return stored_as.partition(".")[0]


def _pages(place: DocumentStore, start: str) -> Iterator[list[str]]:
    """All pages, from a chance name on and then, where there is an order, those before it."""
    limit = clock.now() - ORPHANED_AFTER
    yield from place.pages(limit, start)
    if place.is_far:
        yield from place.pages(limit)


def _is_ours(name: str) -> bool:
    return bool(FINISHED.fullmatch(name) or LEFT_BEHIND.fullmatch(name))


def _is_kept(name: str, kept: set[str]) -> bool:
    return bool(FINISHED.fullmatch(name)) and _unmarked(name) in kept


def _clean(filename: str, ending: str) -> str:
    """A name that no file system and no header stumbles over; Greek letters stay."""
    name = re.split(r"[/\\]", filename)[-1]
    stem = re.sub(r"[^\w .()-]", "_", name.rsplit(".", 1)[0]).strip(" .") or "document"
    return f"{stem[:100]}{ending}"
