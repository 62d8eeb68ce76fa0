"""The store of issued documents: PDF files, checked, encrypted, under random names in the instance folder.

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

import pikepdf
from flask import current_app
from flask_babel import gettext as _

from portal import clock
from portal.encryption import decrypt, encrypt

LARGEST = 10 * 1024 * 1024
ORPHANED_AFTER = timedelta(days=1)
ACTIVE_PARTS = ("/OpenAction", "/AA")
"""What a PDF does by itself when somebody opens it."""


class NotAcceptable(Exception):
    """The file cannot be issued; the text says why, in the reader's language."""


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
    _check_pdf(content)
    name = secrets.token_hex(16)
    _write(_folder() / name, encrypt(content))
    return StoredFile(
        filename=_clean(filename),
        media_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        stored_as=name,
    )


def read(stored_as: str) -> BytesIO:
    """The plain content. Raises FileNotFoundError when it was forgotten."""
    return BytesIO(decrypt((_folder() / stored_as).read_bytes()))


def forget(stored_as: str) -> None:
    """Remove one file for good; it may be gone already."""
    (_folder() / stored_as).unlink(missing_ok=True)


def sweep(known: set[str]) -> int:
    """Remove files that no row names and that are older than a day; answers how many."""
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


def _check_pdf(content: bytes) -> None:
    if not content:
        raise NotAcceptable(_("The file is empty. Choose the PDF of the document."))
    if len(content) > LARGEST:
        raise NotAcceptable(_("The file is larger than 10 MB. Save it smaller and try again."))
    if not content.startswith(b"%PDF-"):
        raise NotAcceptable(_("This is not a PDF. Save the document as PDF and choose it again."))
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            active = any(part in pdf.Root for part in ACTIVE_PARTS) or _has_scripts(pdf)
    except pikepdf.PasswordError:
        raise NotAcceptable(_("The PDF is protected by a password. Save it without one.")) from None
    except pikepdf.PdfError:
        raise NotAcceptable(_("The PDF is damaged. Save it again and choose it anew.")) from None
    if active:
        raise NotAcceptable(_("The PDF contains scripts or actions. Print it to a new PDF and choose that."))


def _has_scripts(pdf: pikepdf.Pdf) -> bool:
    names = pdf.Root.get("/Names", {})
    return "/JavaScript" in names or "/EmbeddedFiles" in names


def _clean(filename: str) -> str:
    """A name that no file system and no header stumbles over; Greek letters stay."""
    stem = re.sub(r"[^\w .()-]", "_", Path(filename).name.rsplit(".", 1)[0]).strip(" .") or "document"
    return f"{stem[:100]}.pdf"
