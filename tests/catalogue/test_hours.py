"""Working hours as people write them."""

import re
from datetime import date

import pytest

from portal.catalogue.hours import first_overlap, in_words, parse_hours
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


def test_breaks_part_the_hours():
    spells = parse_hours("Mon,Tue 08:00-14:00 without 10:00-10:20, 12:00-12:30")
    stretches = [(480, 600), (620, 720), (750, 840)]
    assert spells == tuple(Spell(day, *stretch) for day in (0, 1) for stretch in stretches)


def test_a_single_day_replaces_its_plan():
    thursday = date(2026, 12, 3)
    assert parse_hours("2026-12-03 10:00-12:00") == (Spell(3, 600, 720, on_day=thursday),)
    assert parse_hours("2026-12-03 off") == (Spell(3, 0, 0, on_day=thursday),)


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [("", None), (" staff", 0), (" staff until 24h before", 1440), (" staff until 90min before", 90)],
)
def test_hours_are_kept_for_staff_for_good_or_for_a_while(rule, minutes):
    (spell,) = parse_hours(f"Fri 13:00-14:00{rule}")
    assert spell.released_minutes == minutes


def test_hours_are_for_all_channels_or_for_some():
    assert parse_hours("Thu 08:00-14:00 phone")[0].channels == {"phone"}
    assert parse_hours("Thu 08:00-14:00 video, in_person")[0].channels == {"video", "in_person"}
    assert parse_hours("Thu 08:00-14:00")[0].channels == frozenset()


def test_all_of_it_in_one_line():
    text = (
        "Πεμ 08:00-14:00 without 11:00-11:20 phone,video staff until 2h before "
        "from 2026-12-01 until 2027-02-28"
    )
    first, second = parse_hours(text)
    assert (first.to_minute, second.from_minute) == (660, 680)
    assert (second.channels, second.released_minutes) == ({"phone", "video"}, 120)
    assert (second.valid_from, second.valid_until) == (date(2026, 12, 1), date(2027, 2, 28))
    (single,) = parse_hours("2026-12-03 10:00-12:00 phone staff")
    assert (single.on_day, single.channels, single.released_minutes) == (date(2026, 12, 3), {"phone"}, 0)


@pytest.mark.parametrize(
    "text",
    [
        "Mon 08:00-14:00",
        "2026-12-03 off",
        "2026-12-03 10:00-12:00 video,phone staff",
        "Thu 08:00-14:00 in_person staff until 90min before",
    ],
)
def test_a_spell_is_told_as_it_is_written(text):
    assert in_words(parse_hours(text)[0]) == text


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
        ("Mon 08:00-14:00 without 11:20-11:00", "the break 11:20-11:00 ends before it begins"),
        ("Mon 08:00-14:00 without 08:00-08:20", "the break 08:00-08:20 does not lie within the hours"),
        ("Mon 08:00-14:00 without 13:00-14:00", "the break 13:00-14:00 does not lie within the hours"),
        ("Mon 08:00-14:00 without 12:00-12:10, 11:00-11:10", "write breaks in their order"),
        ("Mon 08:00-14:00 fax", '"fax" is no channel; there are video, phone, in_person'),
        ("Mon 08:00-14:00 phone,phone", "names a channel twice"),
        ("Mon 08:00-14:00 staff until 0h before", '"0h before" is not between 1min and 720h'),
        ("Mon 08:00-14:00 staff until 721h before", '"721h before" is not between 1min and 720h'),
        ("Mon 08:00-14:00 staff phone", "are no hours"),
        ("Mon off", "are no hours"),
        ("2026-02-30 off", "there is no day 2026-02-30"),
        ("2026-12-03 10:00-12:00 from 2026-12-01", "are no hours"),
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
        ("Mon 08:00-12:00 phone", "Mon 08:00-12:00 video", False),
        ("Mon 08:00-12:00 phone", "Mon 08:00-12:00 video,phone", True),
        ("Mon 08:00-12:00 phone", "Mon 08:00-12:00", True),
        ("Mon 08:00-12:00 phone", "Mon 11:00-12:00 video staff", True),
        ("Mon 08:00-12:00 staff", "Mon 11:00-13:00 staff until 24h before", True),
        ("Thu 08:00-12:00", "2026-12-03 08:00-12:00", False),
        ("2026-12-03 08:00-12:00", "2026-12-03 11:00-13:00", True),
        ("2026-12-03 08:00-12:00", "2026-12-03 off", True),
    ],
)
def test_spells_that_share_time_are_found(one, other, overlap):
    spells = [(number, spell) for number, text in enumerate((one, other)) for spell in parse_hours(text)]
    assert (first_overlap(spells) is not None) is overlap
