"""The Greek tax number (ΑΦΜ): written in one way, and its check digit. For plugins, and for our
form fields.

Nine digits d1…d9. The sum of d1·2⁸ + d2·2⁷ + … + d8·2¹, modulo 11 and then modulo 10, is d9; this is the
rule as the library python-stdnum has it (its module ``stdnum.gr.vat``). Nine zeros fulfil it and are nobody's
number. Whether a number was ever given out, only the tax authority knows.
"""

from __future__ import annotations

import re

DIGITS = 9


def written_plainly(text: str) -> str:
    """``text`` without what people write around the number: spaces, dots, dashes, ``EL`` or ``GR``."""
    return re.sub(r"^(EL|GR)", "", re.sub(r"[\s.\-/]", "", text).upper())


def is_tax_number(number: str) -> bool:
    """True for nine digits (``0``–``9``) of which the last one checks the others; not for zeros alone."""
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", number) or not int(number):
        return False
    *first, last = map(int, number)
    weighted = sum(digit << (DIGITS - place) for place, digit in enumerate(first, 1))
    return weighted % 11 % 10 == last
