"""The start is refused when somebody tells another time on the nights when clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from portal import cli, zone_check
from portal.db import db
from portal.zone_check import BABEL, PYTHON, TEMPLATES, Source, questions, trouble

ATHENS = "Europe/Athens"


def wrong(instant, minutes=60):
    """Somebody who is wrong at one instant only."""

    def offsets(asked):
        right = PYTHON.offsets(asked)
        return [
            ahead + timedelta(minutes=minutes) if when == instant else ahead
            for (_, when), ahead in zip(asked, right, strict=True)
        ]

    return Source("the database", offsets)


def test_both_nights_of_two_years_are_asked_and_the_middle_of_winter_and_summer():
    assert [f"{instant:%Y-%m-%d %H:%M:%S}" for _, instant in questions([ATHENS], 2026)] == [
        "2026-01-01 12:00:00",
        "2026-07-01 12:00:00",
        "2026-03-29 00:59:59",
        "2026-03-29 01:00:00",
        "2026-10-25 00:59:59",
        "2026-10-25 01:00:00",
        "2027-01-01 12:00:00",
        "2027-07-01 12:00:00",
        "2027-03-28 00:59:59",
        "2027-03-28 01:00:00",
        "2027-10-31 00:59:59",
        "2027-10-31 01:00:00",
    ]
    assert len(questions(["Africa/Lagos", ATHENS], 2026)) == 4 + 12


def test_python_the_templates_and_babel_agree_here():
    asked = questions([ATHENS, "America/New_York", "Australia/Lord_Howe", "UTC"], 2026)
    assert trouble(asked, [PYTHON, TEMPLATES, BABEL]) == ""


@pytest.mark.parametrize("number", range(12))
def test_a_disagreement_at_any_of_the_instants_is_told_in_one_line(number):
    asked = questions([ATHENS], 2026)
    assert trouble(asked, [PYTHON, wrong(asked[number][1])]).startswith(
        "zone data disagree: Europe/Athens at"
    )


def test_the_line_names_who_disagrees_about_what_and_the_mend():
    told = trouble(questions([ATHENS], 2026), [PYTHON, wrong(datetime(2026, 10, 25, 1, tzinfo=UTC), -210)])
    assert told == (
        "zone data disagree: Europe/Athens at 2026-10-25 01:00 UTC is UTC+02:00 in Python and UTC-01:30 in "
        "the database; install the newest tzdata package on the machines of the portal and of the database, "
        "and start both again"
    )


def test_the_database_is_asked_in_one_statement_and_agrees(each_counter):
    statements = []
    note = lambda *details: statements.append(details[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert zone_check.of_this_portal(each_counter.config) == ""
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert sum("AT TIME ZONE" in statement for statement in statements) == (
        db.engine.dialect.name == "postgresql"
    )
    assert len(statements) <= 2


def test_a_zone_that_the_database_does_not_know_is_told(open_counter, postgres, monkeypatch):
    counter = open_counter(postgres)
    here = [("Europe/Thyrida", datetime(2026, 1, 1, tzinfo=UTC))]
    monkeypatch.setattr(zone_check, "questions", lambda zones, year: here)
    monkeypatch.setattr(zone_check, "PYTHON", replace(PYTHON, offsets=lambda asked: [timedelta(0)]))
    same = lambda asked: [timedelta(0)]  # noqa: E731
    monkeypatch.setattr(zone_check, "TEMPLATES", replace(TEMPLATES, offsets=same))
    monkeypatch.setattr(zone_check, "BABEL", replace(BABEL, offsets=same))
    told = zone_check.of_this_portal(counter.config)
    assert told.startswith("the database does not know one of the zones Europe/Thyrida; install")


def test_a_database_without_tables_stops_nothing(counter):
    db.drop_all()
    assert zone_check.of_this_portal(counter.config) == ""


@pytest.mark.parametrize("command", [["web"], ["work", "mail"], ["dispatch"], ["all"]])
def test_no_process_starts_on_a_disagreement(command, monkeypatch, tmp_path, capsys):
    for name in ("PORTAL_CONFIG", "PORTAL_DATABASE_URL", "PORTAL_REDIS_URL", "PORTAL_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setattr("os.umask", lambda mask: 0)
    always = Source("Babel", lambda asked: [timedelta(0) for _ in asked])
    monkeypatch.setattr(zone_check, "BABEL", always)
    assert cli.main(command) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "cannot start" in line]
    assert line.startswith("portal cannot start: zone data disagree: Europe/Athens at ")
