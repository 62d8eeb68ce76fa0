"""QR codes as pictures inside our pages; the text that they hold always stands beside them to be read."""

from __future__ import annotations

from io import BytesIO

import segno
from markupsafe import Markup


def as_svg(text: str, title: str = "") -> Markup:
    """Dark on light, with its quiet zone and so much redundancy that a stamp across a corner does no harm.

    Without a title it is hidden from screen readers, which read the text beside it.
    """
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn,
        kind="svg",
        border=4,
        xmldecl=False,
        svgns=True,
        omitsize=True,
        light="#fff",
        title=title or None,
    )
    picture = drawn.getvalue().decode()
    if not title:
        picture = picture.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return Markup(picture)  # noqa: S704 - drawn by us; the title is escaped by segno


def as_pdf(text: str) -> bytes:
    """The same as a page of its own, to be laid upon another one."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="pdf", border=4)
    return drawn.getvalue()


def as_png(text: str) -> bytes:
    """The same for a mail, whose readers show no drawings."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="png", border=4, scale=8)
    return drawn.getvalue()
