"""Adds the page with the code to a PDF that was made elsewhere.

A page is added rather than a stamp drawn over the text: nobody knows where on a foreign page there is room,
and a certificate whose last line is covered is worse than one with a page more. What somebody has signed
already is left as it is, since any change would make the signature worthless.
"""

from __future__ import annotations

from io import BytesIO

import pikepdf


def is_signed(content: bytes) -> bool:
    """Does the PDF carry a digital signature?"""
    with pikepdf.open(BytesIO(content)) as pdf:
        return any(isinstance(one, pikepdf.Dictionary) and "/ByteRange" in one for one in pdf.objects)


def with_page(content: bytes, page: bytes) -> bytes:
    """``content`` with the pages of ``page`` at its end; its own pages stay as they are."""
    whole = BytesIO()
    with pikepdf.open(BytesIO(content)) as pdf, pikepdf.open(BytesIO(page)) as added:
        pdf.pages.extend(added.pages)
        pdf.save(whole)
    return whole.getvalue()
