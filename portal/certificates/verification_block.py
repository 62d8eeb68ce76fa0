"""What is drawn into a PDF so that everybody can check it: the code, also as QR, and where to go with it."""

from __future__ import annotations

from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from portal import qr

SAMPLE = "XXXX-XXXX-XXXX-XXXX"
"""In the place of a code, in previews and checks."""


class Block:
    """The value ``verification`` of a template. Without a code it is empty, and false in a condition."""

    def __init__(self, code: str, page: str) -> None:
        self.drawn = False
        """True once a template has given the block a place."""
        self.code, self._page = code, page

    def __bool__(self) -> bool:
        return bool(self.code)

    def __html__(self) -> str:
        self.drawn = True
        return _html(self.code, self._page) if self.code else ""

    __str__ = __html__


def _html(code: str, page: str) -> str:
    address = f"{page}/{code}"
    return str(
        Markup('<section class="verification">{qr}<div>{greek}{english}</div></section>').format(
            qr=qr.as_svg(address, title=address),
            greek=_words("el", code, page),
            english=_words("en", code, page),
        )
    )


def _words(language: str, code: str, page: str) -> Markup:
    with force_locale(language):
        how = _("Check this document at %(page)s with the code", page=page)
        what_not = _("This is the municipality’s own code. It is not a seal or a code of gov.gr.")
        tag = Markup(
            '<div lang="{}" class="verification-{}"><p>{}</p><p><strong>{}</strong></p><p>{}</p></div>'
        )
        return tag.format(language, language, how, code, what_not)
