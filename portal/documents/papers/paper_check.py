"""Is this file fit to be a paper of a case? What a citizen sent is made harmless, or refused with a reason.

The work is done while he waits, so that he reads at once what is wrong, but in a process of its own
(`paper_cleaning`) that gets the content and nothing else: no key, no address of the database, a limit of
memory and time. Two at once for each process of the portal; others wait a few seconds for their turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.documents.issuing.pdf_check import LARGEST, MEGABYTE, NotAcceptable

log = structlog.get_logger()

CLEANING = Path(__file__).with_name("paper_cleaning.py")
LONGEST = 30
"""Seconds until an answer; the process gives up earlier, unless the machine is very busy."""
AT_ONCE = 2
PATIENCE = 15
"""Seconds for which somebody waits for his turn."""

REASONS: dict[str, LazyString] = {
    "kind": _l("The portal takes PDF files and photos (JPEG, PNG, HEIC). This file is something else."),
    "pixels": _l("This picture is too large. Take a new photo of the paper with the usual setting."),
    "damaged": _l("The file is damaged or not complete. Save it again, or take a new photo of the paper."),
    "protected": _l("The PDF is protected by a password. Save it without one and choose it again."),
    "pages": _l("The PDF has more than 200 pages. Send the pages that the office needs."),
    "heavy": _l("The file could not be opened within the limits of the portal. Send a photo of the paper."),
    "busy": _l("Many files are being checked at the moment. Please send it again in a minute."),
}
"""Why a file is not taken, and what to do."""

_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class CleanFile:
    """What is kept of the file that was sent."""

    media_type: str
    content: bytes


def clean(content: bytes) -> CleanFile:
    """The harmless form of what was sent. Raises NotAcceptable with a reason for the sender."""
    if not content:
        raise NotAcceptable(_("The file is empty or was not chosen. Choose a photo or a PDF of the paper."))
    if len(content) > LARGEST:
        size = LARGEST // MEGABYTE
        raise NotAcceptable(
            _(
                "The file is larger than %(size)s MB. Take a smaller photo, or send fewer pages.",
                size=size,
            )
        )
    if not _turns.acquire(timeout=PATIENCE):
        raise NotAcceptable(str(REASONS["busy"]))
    try:
        return _answer_in_words(_ask(content))
    finally:
        _turns.release()


def _ask(content: bytes) -> bytes:
    """The answer of the process; empty where it was ended."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(CLEANING)], input=content, capture_output=True, timeout=LONGEST, env={}
        )
    except subprocess.TimeoutExpired:
        return b""
    if done.returncode:
        log.warning("a file could not be cleaned", code=done.returncode)
        return b""
    return done.stdout


def _answer_in_words(answer: bytes) -> CleanFile:
    line, _newline, cleaned = answer.partition(b"\n")
    told = json.loads(line or b'{"refused": "heavy"}')
    if "refused" in told:
        raise NotAcceptable(str(REASONS[told["refused"]]))
    return CleanFile(told["kind"], cleaned)
