"""The store of documents and papers: checked, encrypted, under random names in the instance folder.

A file is written before the row that names it, so a row never points to nothing; a file whose row was
never committed is swept away after a day.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from flask import current_app

from portal import clock
from portal.documents.issuing.pdf_check import NotAcceptable, check_pdf
from portal.encryption import decrypt, encrypt

__all__ = ["NotAcceptable", "StoredFile", "forget", "open_document", "store", "store_pdf", "sweep"]

ORPHANED_AFTER = timedelta(days=1)
ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
"""The kinds of files that are kept; the name of a file ends as its content is, whatever it was called."""


@dataclass(frozen=True)
class StoredFile:
    """An encrypted file in the store. ``sha256`` and ``size`` are of the plain content."""

    filename: str
    media_type: str
    size: int
    sha256: str
    stored_as: str


def store_pdf(filename: str, content: bytes) -> StoredFile:
    """Check and store one PDF. Raises NotAcceptable."""
    check_pdf(content)
    return store(filename, content, "application/pdf")


def store(filename: str, content: bytes, media_type: str) -> StoredFile:
    """Store what has been checked already."""
    name = secrets.token_hex(16)
    _write(_folder() / name, encrypt(content))
    return StoredFile(
        filename=_clean(filename, ENDINGS[media_type]),
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        stored_as=name,
    )


def open_document(stored_as: str) -> BytesIO:
    """The plain content. Raises FileNotFoundError when it was forgotten."""
    return BytesIO(decrypt((_folder() / stored_as).read_bytes()))


def forget(stored_as: str) -> None:
    """Remove one file for good; it may be gone already."""
    (_folder() / stored_as).unlink(missing_ok=True)


def sweep(known: set[str]) -> int:
    """Remove files that no row names and that are older than a day; the answer is how many."""
    limit = (clock.now() - ORPHANED_AFTER).timestamp()
    orphans = [f for f in _folder().iterdir() if f.name not in known and f.stat().st_mtime < limit]
    for orphan in orphans:
        orphan.unlink(missing_ok=True)
    return len(orphans)


def _folder() -> Path:
    folder: Path = current_app.config["PORTAL"].instance / "documents"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _write(path: Path, content: bytes) -> None:
    """All of the file or nothing of it, on the disk before anybody relies on it."""
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _clean(filename: str, ending: str) -> str:
    """A name that no file system and no header stumbles over; Greek letters stay."""
    name = re.split(r"[/\\]", filename)[-1]
    stem = re.sub(r"[^\w .()-]", "_", name.rsplit(".", 1)[0]).strip(" .") or "document"
    return f"{stem[:100]}{ending}"
