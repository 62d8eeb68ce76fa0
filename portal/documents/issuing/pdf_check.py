"""Is this PDF fit to be issued? It must be readable by everybody and do nothing by itself.

`portal.files` asks before a document is stored; the answer goes to the clerk who chose the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import pikepdf
from flask_babel import gettext as _

LARGEST = 10 * 1024 * 1024
MEGABYTE = 1024 * 1024
ACTIVE = frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/RichMediaExecute", "/GoToE"})
"""Actions that run something, send something or open another file, wherever in the PDF they stand."""
HARMLESS = frozenset({"/GoTo", "/Named"})
"""Actions that may happen without anybody's click."""
ATTACHABLE = frozenset({".xml", ".pdf", ".txt", ".csv", ".json", ".jpg", ".jpeg", ".png"})
"""Files inside the PDF that may stay; electronic forms carry their data as XML."""


class NotAcceptable(Exception):
    """The file cannot be issued; the text says why and what to do, in the reader's language."""


def check_pdf(content: bytes) -> None:
    """Raise NotAcceptable unless ``content`` is a PDF that can be issued."""
    if not content:
        raise NotAcceptable(_("The file is empty or was not chosen. Choose the PDF of the document."))
    if len(content) > LARGEST:
        raise NotAcceptable(
            _("The file is larger than %(size)s MB. Save it smaller and try again.", size=LARGEST // MEGABYTE)
        )
    if not content.startswith(b"%PDF-"):
        raise NotAcceptable(_("This is not a PDF. Save the document as PDF and choose it again."))
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            _check_opened(pdf)
    except pikepdf.PasswordError:
        raise NotAcceptable(_protected()) from None
    except pikepdf.PdfError:
        raise NotAcceptable(_damaged()) from None


def _check_opened(pdf: pikepdf.Pdf) -> None:
    if pdf.is_encrypted:
        raise NotAcceptable(_protected())
    if not pdf.pages:
        raise NotAcceptable(_damaged())
    for part in _dictionaries(pdf):
        if "/EF" in part and not _may_stay(part):
            raise NotAcceptable(
                _("The PDF contains another file that may be a program. Print it to a new PDF, choose that.")
            )
        if any(_is_active(key, value) for key, value in part.items()):
            raise NotAcceptable(
                _("The PDF contains scripts or actions. Print it to a new PDF and choose that.")
            )


def _protected() -> str:
    return str(_("The PDF is protected by a password. Save it without one and choose it again."))


def _damaged() -> str:
    return str(_("The PDF is damaged. Save it and choose it again."))


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary of the file, however deep it stands."""
    for whole in pdf.objects:
        waiting: list[Any] = [whole]
        while waiting:
            part = waiting.pop()
            if isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
                yield part
                waiting += [value for value in part.values() if _stands_inside(value)]
            elif isinstance(part, pikepdf.Array):
                waiting += [value for value in part if _stands_inside(value)]


def _stands_inside(value: Any) -> bool:
    """True for a part written in its parent; what is only referred to is visited by itself."""
    return isinstance(value, pikepdf.Object) and not value.is_indirect


def _may_stay(attachment: Any) -> bool:
    name = str(attachment.get("/UF", attachment.get("/F", "")))
    return PurePosixPath(name).suffix.lower() in ATTACHABLE


def _is_active(key: str, value: Any) -> bool:
    match key:
        case "/S":
            return str(value) in ACTIVE
        case "/JS" | "/JavaScript":
            return True
        case "/OpenAction":
            return not _only_turns_a_page(value)
        case "/AA":
            return not all(_only_turns_a_page(action) for action in value.values())
    return False


def _only_turns_a_page(action: Any) -> bool:
    """Word processors say so at which page and size a document opens."""
    if not isinstance(action, pikepdf.Dictionary):
        return True
    return str(action.get("/S", "")) in HARMLESS


def joined(files: Sequence[BinaryIO]) -> BytesIO:
    """One PDF with the pages of all ``files``, which were checked before."""
    whole = BytesIO()
    with pikepdf.new() as pdf:
        for content in files:
            with pikepdf.open(content) as one:
                pdf.pages.extend(one.pages)
        pdf.save(whole)
    whole.seek(0)
    return whole
