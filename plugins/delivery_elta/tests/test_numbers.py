"""Numbers of parcels: real samples pass, and one wrong sign is noticed."""

from __future__ import annotations

import pytest
from portal_delivery_elta.numbers import accepted, check_digit, has_form, written

from portal.plugin_api import NumberRefused
from portal.testing.elta.parcels import voucher

REAL = ("WI640776981GR", "WT354988719GR", "SE101046219GR", "PP123456785GR")


@pytest.mark.parametrize("number", REAL)
def test_numbers_of_elta_pass(number: str) -> None:
    assert accepted(number) == number


@pytest.mark.parametrize(
    ("serial", "digit"),
    [
        ("12345678", "5"),
        ("00000001", "4"),
        ("10000004", "8"),
        ("00000008", "0"),
        ("00000015", "5"),
        ("98765432", "6"),
    ],
)
def test_the_check_digit_is_the_one_of_the_postal_union(serial: str, digit: str) -> None:
    assert check_digit(serial) == digit


@pytest.mark.parametrize(
    "typed",
    ["ΡΡ123456785GR", "pp 123 456 785 gr", " PP-123456785-GR ", "ρρ123456785gr", "PP12345678.5GR"],
)
def test_greek_letters_spaces_and_small_letters_mean_the_same(typed: str) -> None:
    assert accepted(typed) == "PP123456785GR"


@pytest.mark.parametrize("position", range(2, 11))
def test_one_wrong_digit_is_noticed(position: int) -> None:
    right = "PP100000048GR"
    wrong = right[:position] + str((int(right[position]) + 1) % 10) + right[position + 1 :]
    with pytest.raises(NumberRefused, match="check digit"):
        accepted(wrong)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "PP123456785",
        "PP123456785DE",
        "P1123456785GR",
        "PP1234567850GR",
        "123456789012",
        "ΨΨ123456785GR",
        "PP" + "٣" * 9 + "GR",
        "PP123456785GR" * 100,
    ],
)
def test_what_has_another_form_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(NumberRefused, match="RE123456785GR"):
        accepted(typed)


def test_the_stand_in_gives_numbers_of_the_same_kind() -> None:
    numbers = {voucher(serial) for serial in range(1000)}
    assert len(numbers) == 1000
    assert all(has_form(written(number)) and accepted(number) == number for number in numbers)
