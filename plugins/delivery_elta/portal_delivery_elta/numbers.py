"""Numbers of parcels (UPU S10): two letters, eight digits, a check digit, the country."""

from __future__ import annotations

import re

from portal.plugin_api import NumberRefused, translate

WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
LATIN = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
"""Greek capitals that look like Latin ones; ELTA itself mixes them up."""
LONGEST = 40


def written(typed: str) -> str:
    """A number as it is printed: capitals, Latin letters, no spaces, dots or hyphens."""
    return re.sub(r"[\s.\-]", "", typed[:LONGEST]).upper().translate(LATIN)


def has_form(number: str) -> bool:
    """Thirteen signs in their order, for Greece; the check digit is not looked at."""
    return re.fullmatch(r"[A-Z]{2}[0-9]{9}GR", number) is not None


def check_digit(serial: str) -> str:
    """The digit that follows the eight digits ``serial``."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(WEIGHTS, serial, strict=True)) % 11
    return {10: "0", 11: "5"}.get(rest, str(rest))


def accepted(typed: str) -> str:
    """The number that a clerk typed. Raises NumberRefused with words for him."""
    number = written(typed)
    if not has_form(number):
        raise NumberRefused(
            translate(
                "This is not a number of ELTA. It has two letters, nine digits and GR, like RE123456785GR."
            )
        )
    if number[10] != check_digit(number[2:10]):
        raise NumberRefused(
            translate("One sign of the number is wrong: its check digit does not fit. Please compare it.")
        )
    return number
