"""Draws certificates and pages of verification. WeasyPrint is imported only here, when it is needed.

Drawing runs in the request: it takes a fraction of a second of one core (docs/certificates.md has the
measurement), the clerk waits for the outcome anyway, and is told of a mistake in a template at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app

from portal.certificates import templates
from portal.certificates.verification_block import Block

PAGE = "_verification_page"
"""The page that is added where a document has no place of its own for the code."""


class NotInstalled(Exception):
    """PDFs cannot be drawn on this machine; the text says what is missing and how it is installed."""


def ready() -> str:
    """Empty when PDFs can be drawn here, else what must be installed."""
    try:
        import portal.certificates.rendering  # noqa: F401
    except ImportError:
        return "WeasyPrint is not installed; run pip install 'thyrida[certificates]'"
    except OSError:
        return (
            "Pango is not installed; on Debian run "
            "apt install libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core"
        )
    return ""


def certificate(name: str, given: Mapping[str, Any], block: Block, *, draft: bool = False) -> bytes:
    """The template filled in, as PDF/A. Raises NotInstalled and TemplateProblem.

    Where the template has no place for the code, `Block.drawn` stays false, and a page is to be added.
    """
    return _draw(templates.fill_in(name, {**given, "verification": block}), draft)


def page_with(block: Block) -> bytes:
    """One page with the code, to be added to a document. Raises NotInstalled and TemplateProblem."""
    municipality = current_app.config["PORTAL"].municipality.name.el
    return _draw(templates.fill_in(PAGE, {"municipality": municipality, "verification": block}), False)


def _draw(html: str, draft: bool) -> bytes:
    if missing := ready():
        raise NotInstalled(missing)
    from portal.certificates import rendering

    return rendering.draw(html, templates.folders(current_app.config["PORTAL"]), draft)
