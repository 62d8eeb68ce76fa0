"""HTML made into PDF/A by WeasyPrint. Imported by `drawing` alone, and only when something is drawn.

Nothing comes from the network, and no file from outside of the folders of templates: what else the HTML asks
for is told as a problem, not left out in silence.
"""

from __future__ import annotations

import logging
import threading
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pikepdf
import weasyprint
from weasyprint.urls import URLFetcher, URLFetcherResponse

from portal.certificates.forms import TemplateProblem

BASE = "https://templates.invalid/"
"""Names in a template are read from here; the host can never exist, and nobody is asked for it."""
VARIANT = "pdf/a-3a"
"""Readable for decades, with Unicode for every letter and the structure that screen readers need."""
LOADABLE = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".css": "text/css",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
}
DRAFT = """
html::before { content: "ΣΧΕΔΙΟ"; position: fixed; top: 100mm; left: 0; right: 0; text-align: center;
  font: bold 70pt sans-serif; color: #d0d0d0; transform: rotate(-35deg); z-index: -1 }
"""
"""Across a preview: nobody shall take it for the certificate."""

for _name in ("weasyprint", "weasyprint.progress"):
    # Its remarks quote the template; what is a problem is told by `TemplateProblem`.
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_one_at_a_time = threading.Lock()
"""Drawing is work for one core; a second one at the same moment would only make both slow."""


class _Folders(URLFetcher):
    """Opens files of the given folders, by their bare names, and remembers what it refused."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        self.refused: list[str] = []
        self._folders = folders

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        name = unquote(url.removeprefix(BASE))
        kind = LOADABLE.get(Path(name).suffix.lower())
        if url.startswith(BASE) and kind and (file := self._file(name)):
            return URLFetcherResponse(url, file.read_bytes(), {"Content-Type": kind})
        self.refused.append(name if url.startswith(BASE) else url[:100])
        raise ValueError("not one of the files of the templates")

    def _file(self, name: str) -> Path | None:
        for folder in self._folders:
            file = (folder / name).resolve()
            if file.is_file() and file.is_relative_to(folder.resolve()):
                return file
        return None


def draw(html: str, folders: list[Path], draft: bool) -> bytes:
    """The PDF/A of ``html``. Raises TemplateProblem."""
    fetcher = _Folders(folders)
    sheets = [weasyprint.CSS(string=DRAFT)] if draft else []
    with _one_at_a_time:
        document = weasyprint.HTML(string=html, base_url=BASE, url_fetcher=fetcher)
        content: bytes = document.write_pdf(stylesheets=sheets, pdf_variant=VARIANT, pdf_tags=True)
    if fetcher.refused:
        raise TemplateProblem(
            f"{fetcher.refused[0]}: is not loaded; put it into the folder certificates, write its bare name"
        )
    if _has_gaps(content):
        raise TemplateProblem(
            "a letter of the text is in none of the fonts: install fonts-dejavu-core, or name a font "
            "with Greek letters in the template"
        )
    return content


def _has_gaps(content: bytes) -> bool:
    """Was some letter drawn as the empty box that stands for those which no font knows?

    WeasyPrint then gives the font an encoding of its own, in which the box has a place.
    """
    with pikepdf.open(BytesIO(content)) as pdf:
        parts = [part for part in pdf.objects if isinstance(part, pikepdf.Dictionary)]
        return any(font.Encoding != "/Identity-H" for font in parts if font.get("/Subtype") == "/Type0")
