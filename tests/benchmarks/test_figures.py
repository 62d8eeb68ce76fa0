"""The pure parts of the benchmarks; nothing is timed here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from benchmarks import plots
from benchmarks.counting import overlapping
from benchmarks.figures import Figure, table
from benchmarks.nationwide import free_starts
from benchmarks.rounds import interleaved, percentile

RUSH = [Figure(f"rush of 9 citizens in 1 s: hold p{part}", part * 10.0, "ms") for part in (50, 95, 99)]


@pytest.mark.parametrize(
    "value, beside, goal, met",
    [
        (30.0, 100.0, ">= 0.20", True),
        (10.0, 100.0, ">= 0.20", False),
        (1.04, 1.0, "<= 1.05", True),
        (0, None, "= 0", True),
        (1, None, "= 0", False),
        (2.5, None, "<= 2", False),
        (7.0, None, None, None),
    ],
)
def test_a_goal_is_about_the_ratio_where_there_is_one_and_else_about_the_value(value, beside, goal, met):
    assert Figure("name", value, "", beside, goal).met is met


def test_the_object_of_a_figure_tells_everything_with_four_digits():
    assert Figure("one day", 1234.5678, "requests/s", 3000.0, ">= 0.30").as_json() == {
        "name": "one day",
        "value": 1235.0,
        "unit": "requests/s",
        "beside": 3000.0,
        "ratio": 0.4115,
        "goal": ">= 0.30",
        "met": True,
    }


def test_the_table_says_which_goals_are_missed():
    lines = table([Figure("good", 3.0, "", 1.0, ">= 1"), Figure("bad", 3.0, "", 9.0, ">= 1")]).splitlines()
    assert lines[1].endswith("yes")
    assert lines[2].endswith("NO")


def test_the_sides_of_a_comparison_take_turns_and_answer_with_their_medians():
    asked = []
    speeds = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 5.0, 6.0])}

    def side(name):
        def measure():
            asked.append(name)
            return next(speeds[name])

        return measure

    assert interleaved({name: side(name) for name in speeds}, 3) == {"a": 2.0, "b": 5.0}
    assert asked == ["a", "b"] * 3


def test_percentiles_are_taken_from_the_numbers_themselves():
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 3.0
    assert percentile([1.0], 0.99) == 1.0


def test_time_used_twice_is_counted_and_time_that_only_touches_is_not():
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def busy(who, begin, minutes):
        start = nine + timedelta(minutes=begin)
        return who, start, start + timedelta(minutes=minutes)

    assert overlapping([busy("staff 1", 0, 30), busy("staff 1", 30, 30), busy("staff 2", 0, 90)]) == 0
    assert overlapping([busy("staff 1", 0, 60), busy("staff 1", 10, 10), busy("staff 1", 50, 30)]) == 2


def test_the_plain_sweep_finds_the_starts_between_two_appointments():
    # A day of 24 quanta; taken from 6 to 12. A meeting is 4 long and 6 with its buffer, which may overhang.
    assert free_starts([(0, 24)], [(6, 12)], earliest=0) == [0, 12, 14, 16, 18, 20]
    assert free_starts([(0, 24)], [(6, 12)], earliest=13) == [14, 16, 18, 20]
    assert free_starts([(0, 6), (24, 30)], [(0, 6)], earliest=0) == [24, 26]


def test_a_result_becomes_pictures_with_one_bar_for_each_figure(tmp_path):
    figures = [
        Figure("month & day", 30.0, "requests/s", 100.0, ">= 0.20"),
        Figure("mail", 1.2, "ms", 1.0, "<= 1.05"),
        *RUSH,
    ]
    paths = plots.draw([figure.as_json() for figure in figures], tmp_path / "plots")
    assert [path.name for path in paths] == ["ratios.svg", "rush.svg"]
    bars = [len(ElementTree.parse(path).findall("{*}rect")) - 1 for path in paths]
    assert bars == [2, 3]


def test_where_less_is_better_the_goal_is_reached_the_other_way_round():
    assert plots.reach(Figure("mail", 2.1, "ms", 1.0, "<= 1.05").as_json()) == pytest.approx(0.5)
    assert plots.reach(Figure("page", 0.4, "", 1.0, ">= 0.2").as_json()) == pytest.approx(2)


def test_nothing_is_drawn_of_what_was_not_measured(tmp_path):
    assert plots.draw([Figure("double bookings", 0, "", goal="= 0").as_json()], tmp_path) == []
