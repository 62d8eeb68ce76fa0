"""The kept list of a carrier's points: found by postal code and by town, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from portal.db import db, transaction
from portal.plugin_api import PickupPoint
from portal.points import lists

CARRIER, OTHER = "post", "other_post"


def point(code: str, postal_code: str, town: str, town_en: str = "") -> PickupPoint:
    return PickupPoint(code, f"Κατάστημα {code}", "Δοκιμής 1", town, postal_code, town_en=town_en)


COUNTRY = [
    point("far", "16999", "ΓΛΥΦΑΔΑ"),
    point("same", "15772", "ΖΩΓΡΑΦΟΥ", "ZOGRAFOU"),
    point("district", "15701", "ΖΩΓΡΑΦΟΥ", "ZOGRAFOU"),
    point("region", "15669", "ΠΑΠΑΓΟΥ"),
    point("near-number", "15801", "ΧΟΛΑΡΓΟΣ"),
    point("athens", "10431", "ΑΘΗΝΑ", "ATHENS"),
    point("athens-2", "11527", "ΑΘΗΝΩΝ", "ATHENS"),
    point("patmos", "85500", "ΠΑΤΜΟΣ"),
    point("patra", "26222", "ΠΑΤΡΑ", "PATRAS"),
    point("smyrni", "17121", "Νέα Σμύρνη"),
    point("ionia", "14231", "ΝΕΑ ΙΩΝΙΑ"),
    point("ionia-volou", "38445", "ΝΕΑ ΙΩΝΙΑ ΒΟΛΟΥ"),
    point("agios", "17341", "ΑΓ. ΔΗΜΗΤΡΙΟΣ"),
]


@pytest.fixture
def country(each_counter: Any) -> Any:
    """A list of a carrier, and one point of another carrier at the same place."""
    with transaction():
        lists.keep(CARRIER, COUNTRY)
        lists.keep(OTHER, [point("other", "15772", "ΖΩΓΡΑΦΟΥ")])
    return each_counter


def found(asked: str) -> list[str]:
    return [one.code for one in lists.near(CARRIER, asked)]


def test_the_same_postal_code_comes_first_then_the_district_then_the_region(country: Any) -> None:
    assert found("15772") == ["same", "district", "near-number", "region"]


@pytest.mark.parametrize("written", ["15772", "157 72", "157-72", " 15772 Ζωγράφου", "τ.κ. 157 72"])
def test_a_postal_code_is_read_however_it_is_written(country: Any, written: str) -> None:
    assert found(written)[0] == "same"


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("ΖΩΓΡΑΦΟΥ", ["district", "same"]),
        ("Ζωγράφος", ["district", "same"]),
        ("zografou", ["district", "same"]),
        ("Αθήνα", ["athens", "athens-2"]),
        ("αθηνών", ["athens-2", "athens"]),
        ("Athens", ["athens", "athens-2"]),
        ("Πάτρα", ["patra"]),
        ("νεα σμυρνη", ["smyrni"]),
        ("Νέα Ιωνία", ["ionia", "ionia-volou"]),
        ("Άγιος Δημήτριος", ["agios"]),
        ("Πατ", ["patmos", "patra"]),
    ],
)
def test_a_town_is_found_in_both_alphabets_cases_and_forms(
    country: Any, asked: str, codes: list[str]
) -> None:
    assert found(asked) == codes


@pytest.mark.parametrize("asked", ["", "  ", "α", "Ατλαντίδα", "00000", "99999", "157", "%", "'; --"])
def test_what_is_nowhere_is_not_found(country: Any, asked: str) -> None:
    assert found(asked) == []


def test_only_a_few_are_shown_of_many(each_counter: Any) -> None:
    with transaction():
        lists.keep(CARRIER, [point(str(number), "15772", "ΑΘΗΝΑ") for number in range(2500)])
    assert len(found("15772")) == len(found("Αθήνα")) == lists.MOST


def test_a_new_list_takes_the_place_of_the_former_and_of_no_other(country: Any) -> None:
    with transaction():
        lists.keep(CARRIER, [point("same", "54624", "ΘΕΣΣΑΛΟΝΙΚΗ"), point("new", "15772", "ΖΩΓΡΑΦΟΥ")])
    assert found("15772") == ["new"]
    assert found("θεσσαλονικη") == ["same"]
    assert found("αθηνα") == []
    assert lists.find(CARRIER, "patra") is None
    assert lists.find(OTHER, "other") is not None


def test_of_a_code_that_is_told_twice_the_first_counts(each_counter: Any) -> None:
    with transaction():
        lists.keep(CARRIER, [point("1", "15772", "ΖΩΓΡΑΦΟΥ"), point("1", "54624", "ΘΕΣΣΑΛΟΝΙΚΗ")])
    assert found("15772") == ["1"]
    assert found("θεσσαλονικη") == []


def test_a_point_is_given_back_as_it_was_told(country: Any) -> None:
    told = PickupPoint(
        "x", "Α", "Β", "Γ", "15772", "A", "B", "C", "2100000000", "08:00-20:00", "09:00-14:00", "κλειστό"
    )
    with transaction():
        lists.keep(CARRIER, [told])
    assert lists.find(CARRIER, "x") == told
    assert lists.restored({**lists.kept(told), "of_a_later_version": "1"}) == told


def test_no_other_carriers_point_is_found(country: Any) -> None:
    assert lists.find(CARRIER, "other") is None
    assert lists.find("nobody", "same") is None


@pytest.mark.parametrize("asked", ["15772", "Αθήνα"])
def test_a_search_is_one_question_that_an_index_answers(country: Any, asked: str) -> None:
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, values))

    with transaction():
        lists.keep(CARRIER, [point(f"{n}", f"{10000 + n * 29}", f"ΠΟΛΗ{n}") for n in range(2500)])
    if db.engine.dialect.name == "postgresql":
        with transaction():
            db.session.execute(text("ANALYZE pickup_point"))
            db.session.execute(text("ANALYZE pickup_point_word"))
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        lists.near(CARRIER, asked)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    [(statement, values)] = seen
    explain = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = str(db.session.connection().exec_driver_sql(explain + statement, values).all())
    assert "Index" in plan or "INDEX" in plan
    assert "Seq Scan" not in plan and "'SCAN" not in plan, plan
