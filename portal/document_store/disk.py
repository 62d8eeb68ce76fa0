"""Documents as files of one folder, on a disk that all machines of the portal share."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path

from portal.document_store import PAGE, StoreAway, StoreFull

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LITTLE_ROOM = 100 * 1024 * 1024
"""With less than this the next papers may not fit; time to make room."""
DRAFT = ".draft"


class Disk:
    """The folder ``documents`` of the instance."""

    is_far = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: bytes) -> None:
        """Onto the disk before anybody relies on it; a disk that is full keeps no piece of it."""
        with _troubles_told():
            draft = self._made() / f"{name}.{secrets.token_hex(4)}{DRAFT}"
            try:
                _write_through(draft, content)
                draft.rename(self.folder / name)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            self._settle()

    def read(self, name: str) -> bytes:
        """The whole file."""
        with _troubles_told():
            return (self.folder / name).read_bytes()

    def exists(self, name: str) -> bool:
        """True when the file is there."""
        with _troubles_told():
            return (self.folder / name).exists()

    def remove(self, name: str) -> None:
        """For good."""
        with _troubles_told():
            (self.folder / name).unlink(missing_ok=True)

    def pages(self, older_than: datetime, after: str = "") -> Iterator[list[str]]:
        """Drafts too: those that a killed process left behind. A folder has no order."""
        limit = older_than.timestamp()
        with _troubles_told(), os.scandir(self._made()) as entries:
            old = (entry.name for entry in entries if _is_older(entry, limit))
            while page := list(islice(old, PAGE)):
                yield page

    def check(self) -> None:
        """Write a file and remove it."""
        name = f"check-{secrets.token_hex(8)}"
        self.write(name, b"check")
        self.remove(name)
        if self.trouble_nearby():
            raise StoreFull(
                f"less than {LITTLE_ROOM // 1024**2} MB are free in {self.folder.name}; make room"
            )

    def trouble_nearby(self) -> str:
        """Is there room on the disk?"""
        nearest = next((one for one in (self.folder, *self.folder.parents) if one.exists()), self.folder)
        try:
            return "full" if shutil.disk_usage(nearest).free < LITTLE_ROOM else ""
        except OSError:
            return "away"

    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder

    def _settle(self) -> None:
        """The new name too must be on the disk."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_through(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _is_older(entry: os.DirEntry[str], limit: float) -> bool:
    with suppress(FileNotFoundError):
        return entry.stat().st_mtime < limit
    return False


@contextmanager
def _troubles_told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, "unknown error")
        if error.errno in FULL:
            raise StoreFull(f"the disk of the documents is full ({reason}); make room") from None
        raise StoreAway(f"the disk of the documents fails ({reason})") from None
