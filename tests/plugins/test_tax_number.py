"""The Greek tax number: which numbers can be one, and how people write it."""

from __future__ import annotations

import pytest

from portal.plugin_api import tax_number

VALID = ["999100005", "999100017", "999100029", "123456783", "023456780"]
INVALID = {
    "the wrong check digit": "123456781",
    "nines alone": "999999999",
    "zeros alone": "000000000",
    "two digits changed places": "132456783",
    "a digit too few": "12345678",
    "a digit too many": "1234567830",
    "a letter": "12345678A",
    "digits of another script": "١٢٣٤٥٦٧٨٣",
    "nothing": "",
}


@pytest.mark.parametrize("number", VALID)
def test_a_number_whose_check_digit_is_right_is_taken(number):
    assert tax_number.is_tax_number(number)


@pytest.mark.parametrize("number", INVALID.values(), ids=INVALID)
def test_any_other_number_is_refused(number):
    assert not tax_number.is_tax_number(number)


@pytest.mark.parametrize("number", VALID)
def test_one_digit_more_or_less_in_the_last_place_is_noticed(number):
    others = {number[:-1] + str(digit) for digit in range(10)} - {number}
    assert not any(map(tax_number.is_tax_number, others))


@pytest.mark.parametrize(
    "text", ["999100005", "EL999100005", "gr 999 100 005", " 999.100.005 ", "EL-999100005", "999-100-005"]
)
def test_what_people_write_around_the_number_is_dropped(text):
    assert tax_number.written_plainly(text) == "999100005"
