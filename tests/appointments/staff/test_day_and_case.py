"""The staff's pages: who may open what, the day, and the case."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from portal.appointments import call
from portal.appointments.models import Appointment, Participant
from portal.appointments.staff import case_words
from portal.db import db, transaction
from portal.outbox import OutboxRow
from portal.testing.page_lint import lint

IDENTIFIED = {"paper": "id_card", "paper_shown": "y", "face_matches": "y", "name_matches": "y"}
SCRIPT = {"X-Panel": "1"}


def address(row: Appointment, page: str = "") -> str:
    return f"/staff/appointments/{row.key}" + (f"/{page}" if page else "")


def stand_at_the_door(guest: Participant) -> None:
    with transaction():
        call.arrive(guest)


def clean(page: Any) -> str:
    """The text of a page that has no fault."""
    assert page.status_code == 200
    assert lint(page.text, re.search(r'<html lang="(\w+)"', page.text)[1]) == []  # type: ignore[index]
    return str(page.text)


# --- Who may open what -----------------------------------------------------------------------------


def test_nobody_comes_to_the_staff_without_the_staffs_door(client, log_in, book):
    row = book()
    for page in ("/staff/", address(row), address(row, "call")):
        assert "/login/staff" in client.get(page).headers["Location"]
    log_in(client, row.clerk, door="citizens")
    assert "/login/staff" in client.get(address(row)).headers["Location"]


def test_a_citizen_who_comes_through_the_staffs_door_is_refused(client, log_in, book):
    row = book()
    log_in(client, row.citizen, door="staff")
    for page in ("/staff/", address(row), address(row, "call")):
        assert client.get(page).status_code == 403


def test_a_colleagues_case_is_not_found_whatever_is_tried(town, book, desk):
    row = book()
    colleague = next(p for p in map(town.person, ("k.alexiou", "e.markou")) if p.id != row.clerk_id)
    client = desk(colleague)
    for page in ("", "call", "move", "cancel"):
        assert client.get(address(row, page)).status_code == 404
    deeds = ("start", "admit/1", "identify", "invite", "note", "finish", "again", "missed", "cancel", "move")
    for deed in deeds:
        assert client.submit(address(row, deed), page="/staff/").status_code == 404
    assert row.state == "booked"


def test_the_supervisor_of_the_office_and_the_administrator_open_every_case(town, book, desk):
    row = book()
    for subject in ("s.ioannou", "m.stathis"):
        assert row.citizen_name in clean(desk(town.person(subject)).get(address(row)))


def test_a_held_time_is_no_case_yet(town, book, desk):
    row = book()
    with transaction():
        row.state = "held"
    assert desk(row.clerk).get(address(row)).status_code == 404


def test_somebody_of_another_appointment_cannot_be_admitted(book, desk, in_call):
    other = book(at=8)
    row = in_call()
    stranger = other.participants[0]
    page = address(row, "call")
    assert desk(row.clerk).submit(address(row, f"admit/{stranger.id}"), page=page).status_code == 404


# --- The day ---------------------------------------------------------------------------------------


def test_the_day_shows_who_comes_and_who_waits_at_the_door(town, book, desk):
    row = book(needs=("sign_language",), language="en")
    town.clock.move_to(row.starts_at - timedelta(minutes=10))
    stand_at_the_door(row.participants[0])
    town.clock.shift(timedelta(seconds=15))
    text = clean(desk(row.clerk).get("/staff/"))
    assert row.citizen_name in text
    assert "Greek Sign Language interpreter" in text and "speaks English" in text
    assert f"{row.citizen_name} is at the door." in text and 'data-waiting="1"' in text
    assert f'action="{address(row, "start")}"' in text


def test_who_has_closed_the_page_does_not_wait_any_more(town, book, desk):
    row = book()
    town.clock.move_to(row.starts_at - timedelta(minutes=10))
    stand_at_the_door(row.participants[0])
    town.clock.shift(timedelta(minutes=1))
    assert 'data-waiting="0"' in clean(desk(row.clerk).get("/staff/"))


def test_a_late_call_is_called_late(town, book, desk):
    row = book()
    town.clock.move_to(row.starts_at + timedelta(minutes=7))
    assert "7 min late" in clean(desk(row.clerk).get("/staff/"))


def test_a_call_cannot_be_opened_hours_before_unless_the_citizen_is_there(town, book, desk):
    row = book(at=12)
    town.clock.move_to(row.starts_at - timedelta(hours=2))
    client = desk(row.clerk)
    assert f'action="{address(row, "start")}"' not in clean(client.get("/staff/"))
    stand_at_the_door(row.participants[0])
    assert f'action="{address(row, "start")}"' in clean(client.get("/staff/"))


def test_only_those_who_oversee_an_office_see_its_whole_day(town, book, desk):
    row = book()
    day = f"/staff/day/{row.starts_at.date()}"
    supervisor = desk(town.person("s.ioannou"))
    assert row.citizen_name in clean(supervisor.get(f"{day}?office=kep-central"))
    assert supervisor.get(f"{day}?office=kep-branch").status_code == 404
    assert desk(town.person("m.stathis")).get(f"{day}?office=kep-branch").status_code == 200
    assert desk(town.person("k.alexiou")).get(f"{day}?office=kep-central").status_code == 404


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "9999-12-31", "0001-01-01"])
def test_a_day_that_does_not_exist_is_not_found(town, desk, day):
    assert desk(town.person("k.alexiou")).get(f"/staff/day/{day}").status_code == 404


def test_the_day_asks_the_database_as_often_for_ten_appointments_as_for_one(town, book, desk):
    first = book()
    client = desk(town.person("s.ioannou"))
    page = f"/staff/day/{first.starts_at.date()}?office=kep-central"
    before = queries_of(lambda: clean(client.get(page)))
    for number in range(1, 10):
        stand_at_the_door(book(at=number * 2).participants[0])
    text = client.get(page).text
    assert text.count("agenda-who") == 10
    assert queries_of(lambda: client.get(page)) == before


def queries_of(deed: Callable[[], object]) -> int:
    """How often the deed asks the database."""
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        deed()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(asked)


def test_the_script_gets_the_list_alone(town, desk):
    text = desk(town.person("k.alexiou")).get("/staff/", headers=SCRIPT).text
    assert "data-live" in text and "<html" not in text


# --- The case --------------------------------------------------------------------------------------


def test_the_case_tells_what_the_citizen_asked_for_and_what_was_done(book, desk):
    row = book(remark="Χρειάζομαι δύο αντίγραφα", needs=("written",))
    text = clean(desk(row.clerk).get(address(row)))
    for words in (
        "6900000000",
        "Passport",
        "Written messages",
        row.remark,
        "Booked",
        row.participants[0].name,
    ):
        assert words in text


def test_every_deed_that_is_recorded_has_words(town):
    recorded = re.compile(r'audit\.record\(\s*[^,]+,\s*"([^"]+)",\s*_subject')
    folder = Path(case_words.__file__).parents[2]
    sources = [*folder.glob("appointments/*.py"), *folder.glob("documents/*.py")]
    deeds = {deed for source in sources for deed in recorded.findall(source.read_text())}
    assert len(deeds) > 10
    assert deeds <= case_words.DEEDS.keys()


def test_missed_is_possible_only_after_the_start(town, book, desk):
    row = book()
    client = desk(row.clerk)
    assert f'action="{address(row, "missed")}"' not in clean(client.get(address(row)))
    refused = client.submit(address(row, "missed"), page=address(row))
    assert "This cannot be done" in client.get(refused.headers["Location"]).text
    town.clock.move_to(row.starts_at + timedelta(minutes=10))
    client.submit(address(row, "missed"), page=address(row))
    assert row.state == "missed"


def test_cancelling_asks_once(book, desk):
    row = book()
    client = desk(row.clerk)
    clean(client.get(address(row, "cancel")))
    assert row.state == "booked"
    client.submit(address(row, "cancel"))
    assert row.state == "cancelled"
    assert client.get(address(row, "cancel")).headers["Location"] == address(row)


def test_the_clerk_moves_an_appointment_to_a_free_time(town, book, desk):
    row = book()
    before = row.starts_at
    client = desk(row.clerk)
    free = re.findall(r'name="start" value="([^"]+)"', clean(client.get(address(row, "move"))))[-1]
    client.submit(address(row, "move"), {"start": free, "office": "any"})
    assert row.starts_at.isoformat() == free and row.starts_at != before


def test_a_time_that_is_taken_moves_nothing(town, book, desk):
    row = book()
    before = row.starts_at
    client = desk(row.clerk)
    at_night = (before - timedelta(hours=6)).isoformat()
    answer = client.submit(address(row, "move"), {"start": at_night, "office": "any"})
    assert answer.headers["Location"] == address(row, "move") + "?office=any&clerk=anyone"
    assert row.starts_at == before


def test_an_invitation_with_errors_comes_back_as_it_was_typed(book, desk):
    row = book()
    client = desk(row.clerk)
    typed = {"name": "Ελένη Δήμου", "email": "nowhere", "role": "interpreter", "language": "en"}
    text = clean(client.submit(address(row, "invite"), typed, page=address(row)))
    assert 'value="Ελένη Δήμου"' in text and 'value="nowhere"' in text and "field-error" in text
    assert len(row.participants) == 1
    client.submit(address(row, "invite"), {**typed, "email": "e@relay.example"}, page=address(row))
    assert [(p.role, p.language) for p in row.participants[1:]] == [("interpreter", "en")]
    assert db.session.scalar(select(OutboxRow).filter_by(kind="appointment.invitation")) is not None


def test_the_note_of_a_case_is_kept(book, desk):
    row = book()
    client = desk(row.clerk)
    client.submit(address(row, "note"), {"note": "Τηλεφώνησε."}, page=address(row))
    assert row.note == "Τηλεφώνησε."
    too_long = clean(client.submit(address(row, "note"), {"note": "α" * 4001}, page=address(row)))
    assert "field-error" in too_long and "α" * 4001 in too_long
    assert row.note == "Τηλεφώνησε."
