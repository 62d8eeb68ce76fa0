"""The Greek tax number (ΑΦΜ): written in one way, and checked. For plugins, and for our form fields.

Its last digit checks the others, by the rule of python-stdnum. Whether a number was ever given out, only the
tax authority knows.
"""

from __future__ import annotations

import re

from stdnum.gr import vat


def written_plainly(text: str) -> str:
    """``text`` without what people write around the number: spaces, dots, dashes, ``EL`` or ``GR``."""
    return re.sub(r"^(EL|GR)", "", re.sub(r"[\s.\-/]", "", text).upper())


def is_tax_number(number: str) -> bool:
    """True for nine digits (``0``–``9``) of which the last one checks the others; not for zeros alone."""
    return bool(re.fullmatch(r"[0-9]{9}", number)) and int(number) > 0 and bool(vat.is_valid(number))
