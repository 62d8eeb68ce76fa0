"""Public holidays follow Orthodox Easter; closures are added to them."""

from datetime import date, timedelta

import pytest

from portal.offices.holidays import closed_days, holiday_name

EASTER = [
    date(2025, 4, 20),
    date(2026, 4, 12),
    date(2027, 5, 2),
    date(2028, 4, 16),
    date(2029, 4, 8),
    date(2030, 4, 28),
    date(2031, 4, 13),
    date(2032, 5, 2),
    date(2033, 4, 24),
    date(2034, 4, 9),
    date(2035, 4, 29),
    date(2036, 4, 20),
]


@pytest.mark.parametrize("easter", EASTER, ids=lambda day: str(day.year))
def test_what_hangs_on_easter_is_closed(easter):
    closed = closed_days([], date(easter.year, 1, 1), date(easter.year, 12, 31))
    clean_monday, good_friday, easter_monday, whit_monday = (
        easter + timedelta(days=days) for days in (-48, -2, 1, 50)
    )
    assert {clean_monday, good_friday, easter_monday, whit_monday} <= closed


@pytest.mark.parametrize(
    "month, day", [(1, 1), (1, 6), (3, 25), (5, 1), (8, 15), (10, 28), (12, 25), (12, 26)]
)
def test_fixed_holidays_are_closed(month, day):
    the_day = date(2026, month, day)
    assert closed_days([], the_day, the_day) == {the_day}


def test_an_ordinary_day_is_open():
    assert closed_days([], date(2026, 11, 30), date(2026, 12, 24)) == frozenset()


def test_a_window_over_new_year_knows_both_years():
    closed = closed_days([], date(2026, 12, 20), date(2027, 1, 10))
    assert closed == {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1), date(2027, 1, 6)}


def test_closures_are_cut_at_the_window():
    closed = closed_days([(date(2026, 11, 1), date(2026, 11, 3))], date(2026, 11, 2), date(2026, 11, 30))
    assert closed == {date(2026, 11, 2), date(2026, 11, 3)}


def test_holidays_are_called_by_name_in_both_languages():
    assert holiday_name(date(2026, 6, 1), "el") == "Δευτέρα του Αγίου Πνεύματος"
    assert holiday_name(date(2026, 6, 1), "en") == "Pentecost Monday"
    assert holiday_name(date(2026, 6, 2), "el") is None


def test_a_holiday_that_was_moved_has_its_plain_name():
    assert holiday_name(date(2027, 5, 4), "el") == "Εργατική Πρωτομαγιά"
