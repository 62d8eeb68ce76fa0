"""Working hours as people write them."""

import re
from datetime import date

import pytest

from portal.catalogue.hours import first_overlap, parse_hours
from portal.scheduling import Spell


def test_a_run_of_days_gives_a_spell_for_each():
    assert parse_hours("Mon-Wed 08:00-14:30") == tuple(Spell(day, 480, 870) for day in (0, 1, 2))


@pytest.mark.parametrize(
    "text", ["Tue,Thu-Fri 15:00-24:00", "Tue, Thu-Fri  15:00-24:00", "τρί,πεμ-Παρ 15:00-24:00"]
)
def test_days_may_be_listed_and_written_in_greek(text):
    assert parse_hours(text) == tuple(Spell(day, 900, 1440) for day in (1, 3, 4))


def test_hours_may_hold_for_a_season():
    (spell,) = parse_hours("Sat 09:00-12:00 from 2026-12-01 until 2027-02-28")
    assert (spell.valid_from, spell.valid_until) == (date(2026, 12, 1), date(2027, 2, 28))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Mon-Fri 8-14", 'write them like "Mon-Fri 08:00-14:00"'),
        (8, 'write them like "Mon-Fri 08:00-14:00"'),
        ("Mond 08:00-14:00", '"Mond" is no day; write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun'),
        ("Fri-Mon 08:00-14:00", "runs backwards"),
        ("Mon-Fri,Tue 08:00-14:00", "names a day twice"),
        ("Mon 14:00-08:00", "ends before it begins"),
        ("Mon 08:00-08:00", "ends before it begins"),
        ("Mon 08:03-14:00", "08:03 is not a multiple of 5 minutes"),
        ("Mon 08:60-14:00", "there is no 08:60 on the clock"),
        ("Mon 08:00-24:05", "there is no 24:05 on the clock"),
        ("Mon 08:00-14:00 from 2026-02-30", "there is no day 2026-02-30"),
        ("Mon 08:00-14:00 from 2026-02-03 until 2026-02-02", "stops holding before it begins"),
    ],
)
def test_what_cannot_be_read_is_explained(text, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_hours(text)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("Mon 08:00-12:00", "Mon 12:00-14:00", False),
        ("Mon 08:00-12:00", "Tue 08:00-12:00", False),
        ("Mon 08:00-12:00", "Mon-Tue 11:55-14:00", True),
        ("Mon 08:00-12:00 until 2026-12-31", "Mon 09:00-14:00 from 2027-01-01", False),
        ("Mon 08:00-12:00 until 2027-01-01", "Mon 09:00-14:00 from 2027-01-01", True),
    ],
)
def test_spells_that_share_time_are_found(one, other, overlap):
    spells = [(number, spell) for number, text in enumerate((one, other)) for spell in parse_hours(text)]
    assert (first_overlap(spells) is not None) is overlap
