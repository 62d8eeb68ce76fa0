"""The demo's letter box: mails of the demo are kept in a Maildir of the instance folder and shown on a page.

`portal.mail` puts them there; the pages exist only where nobody real is served.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Flask, abort, current_app, render_template, send_file
from flask.typing import ResponseReturnValue

from portal.security import public

blueprint = Blueprint("demo", __name__, url_prefix="/demo/mailbox")

NAMES = re.compile(r"[a-z0-9]{8,64}")


@dataclass(frozen=True)
class Letter:
    """One mail in the letter box."""

    name: str
    subject: str
    recipient: str
    sent_at: datetime
    message: EmailMessage = field(repr=False)

    @property
    def language(self) -> str:
        """In which language it is written, or empty."""
        return str(self.message["Content-Language"] or "")

    @property
    def text(self) -> str:
        """The plain text."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()) if part else ""

    @property
    def html(self) -> str:
        """The HTML as it was sent; never to be shown as it is."""
        part = self.message.get_body(("html",))
        return str(part.get_content()) if part else ""

    @property
    def links(self) -> list[tuple[str, str]]:
        """Address and words of each link of the HTML, each address once."""
        finder = _LinkFinder()
        finder.feed(self.html)
        return list({address: (address, words) for address, words in reversed(finder.found)}.values())[::-1]

    @property
    def attachments(self) -> list[EmailMessage]:
        """The attached files."""
        return list(self.message.iter_attachments())


def init_app(app: Flask) -> None:
    """Show the letter box."""
    app.register_blueprint(blueprint)


def put(folder: Path, name: str, content: bytes) -> None:
    """Keep a mail under ``name``. The same name again replaces it: a repetition leaves one copy."""
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    unfinished = folder / "tmp" / f"{name}.{os.getpid()}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / "new" / name)


def letters(folder: Path) -> list[Letter]:
    """All mails, newest first."""
    files = sorted(folder.glob("new/*"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [_read(file) for file in files]


@blueprint.get("")
@public
def mailbox() -> ResponseReturnValue:
    """All mails that the demo sent."""
    return render_template("mailbox/overview.html", letters=letters(_folder()), zone=_zone())


@blueprint.get("/<name>")
@public
def letter(name: str) -> ResponseReturnValue:
    """One mail: its text, its links, its attachments."""
    return render_template("mailbox/letter.html", letter=_letter(name), zone=_zone())


@blueprint.get("/<name>/attachments/<int:number>")
@public
def attachment(name: str, number: int) -> ResponseReturnValue:
    """One attached file, to be kept and not shown."""
    files = _letter(name).attachments
    if number >= len(files):
        abort(404)
    file = files[number]
    content = file.get_payload(decode=True)
    return send_file(
        BytesIO(content if isinstance(content, bytes) else b""),
        mimetype=file.get_content_type(),
        as_attachment=True,
        download_name=file.get_filename() or "attachment",
    )


def _folder() -> Path:
    folder: Path = current_app.config["PORTAL"].instance / "mailbox"
    return folder


def _zone() -> str:
    zone: str = current_app.config["PORTAL"].municipality.time_zone
    return zone


def _letter(name: str) -> Letter:
    file = _folder() / "new" / name
    if not NAMES.fullmatch(name) or not file.is_file():
        abort(404)
    return _read(file)


def _read(file: Path) -> Letter:
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(file.read_bytes())
    date = message["Date"]
    sent_at = parsedate_to_datetime(str(date)) if date else datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Letter(file.name, str(message["Subject"] or ""), str(message["To"] or ""), sent_at, message)


class _LinkFinder(HTMLParser):
    """Collects the links of a mail with the words they are on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._address: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href") or ""
        if tag == "a" and address.startswith(("http://", "https://")):
            self._address, self._words = address, []

    def handle_data(self, data: str) -> None:
        if self._address:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._address:
            self.found.append((self._address, " ".join("".join(self._words).split())))
            self._address = None
