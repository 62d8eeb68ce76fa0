"""The staff's pages: who may open what, the day, the case, and the panel beside the call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, select

from portal.appointments import availability, call, lifecycle, rooms
from portal.appointments.models import Appointment, Participant
from portal.appointments.staff import case_words
from portal.catalogue import import_file
from portal.clock import now
from portal.db import db, transaction
from portal.documents.lifecycle import request_of
from portal.offices.models import Office, Service
from portal.outbox import OutboxRow
from portal.people.models import Person
from portal.plugin_api import Room
from portal.testing.page_lint import lint

DEMO_CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"
IDENTIFIED = {"paper": "id_card", "paper_shown": "y", "face_matches": "y", "name_matches": "y"}
SCRIPT = {"X-Panel": "1"}


@pytest.fixture
def town(app: Any, clock: Any) -> SimpleNamespace:
    """The demonstration's offices and staff."""
    config = app.config["PORTAL"]
    import_file(DEMO_CATALOGUE, config.providers.delivery)

    def person(login: str) -> Person:
        found = db.session.scalar(select(Person).filter_by(login=login))
        assert found is not None
        return found

    return SimpleNamespace(app=app, booking=config.booking, clock=clock, person=person)


@pytest.fixture
def book(town: SimpleNamespace) -> Callable[..., Appointment]:
    """``book()``: an appointment as the pages make it; ``at`` counts the free times of the service."""
    office = db.session.scalar(select(Office).filter_by(key="kep-central"))

    def book(service: str = "birth-certificate", at: int = 0, **more: Any) -> Appointment:
        chosen = db.session.scalar(select(Service).filter_by(key=service))
        assert chosen is not None
        number = db.session.query(Appointment).count()
        details = lifecycle.Details(
            **{
                "name": f"Μαρία Παπαδοπούλου {number}",
                "email": "maria@citizens.example",
                "phone": "+306900000000",
                "language": "el",
                "paper": "passport",
                "delivery": "email" if chosen.deliveries else "",
                "recipient": {"email": "maria@citizens.example"},
                **more,
            }
        )
        starts_at = availability.offer(chosen, town.booking, office).starts[at]
        with transaction():
            citizen = Person(first_name="Μαρία")
            db.session.add(citizen)
            db.session.flush()
            row = lifecycle.hold(chosen, town.booking, office, starts_at, citizen, "el")
            lifecycle.confirm(row, town.booking, citizen, details, citizen)
        return row

    return book


@pytest.fixture
def desk(client: Any, log_in: Callable[..., None]) -> Callable[[Person], Any]:
    """``desk(person)``: the browser, in English, of somebody who came through the staff's door."""

    def sit_down(person: Person) -> Any:
        log_in(client, person, door="staff")
        with client.session_transaction() as session:
            session["language"] = "en"
        return client

    return sit_down


@pytest.fixture
def in_call(town: SimpleNamespace, book: Callable[..., Appointment]) -> Callable[..., Appointment]:
    """``in_call()``: an appointment whose call is going on in an open room."""

    def begin(**more: Any) -> Appointment:
        row = book(**more)
        town.clock.move_to(row.starts_at)
        with transaction():
            call.start(row, ["direct"], row.clerk)
            rooms.opened(row.rooms[-1], Room(row.rooms[-1].key, row.rooms[-1].closes_at, {"max_guests": "4"}))
        return row

    return begin


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


# --- The call --------------------------------------------------------------------------------------


def test_opening_the_counter_admits_the_citizen_and_orders_a_room(town, book, desk):
    row = book()
    town.clock.move_to(row.starts_at)
    client = desk(row.clerk)
    answer = client.submit(address(row, "start"), page=address(row))
    assert answer.headers["Location"] == address(row, "call")
    assert row.state == "in_call" and row.participants[0].admitted_at == now()
    text = clean(client.get(address(row, "call")))
    assert "The room is being opened" in text and "opening" in text
    # The second click of an impatient clerk.
    assert client.submit(address(row, "start"), page=address(row, "call")).headers["Location"] == address(
        row, "call"
    )
    assert len(row.rooms) == 1


def test_before_and_after_the_call_its_page_leads_to_the_case(book, desk):
    row = book()
    client = desk(row.clerk)
    assert client.get(address(row, "call")).headers["Location"] == address(row)
    answer = client.get(address(row, "call"), headers=SCRIPT)
    assert answer.status_code == 204 and answer.headers["X-Go"] == address(row)


def test_the_call_page_holds_the_picture_and_may_use_the_camera(in_call, desk):
    row = in_call()
    page = desk(row.clerk).get(address(row, "call"))
    text = clean(page)
    assert "data-direct-call" in text and "data-moderates" in text
    assert 'data-call data-identified="false"' in text
    assert "camera=(self)" in page.headers["Permissions-Policy"]


def test_the_script_gets_the_panel_alone_and_no_way_into_the_room(in_call, desk):
    row = in_call()
    text = desk(row.clerk).get(address(row, "call"), headers=SCRIPT).text
    assert 'id="case-panel"' in text and "data-direct-call" not in text and "<html" not in text


def test_a_room_that_failed_tells_which_provider_and_why(town, book, desk):
    row = book()
    town.clock.move_to(row.starts_at)
    with transaction():
        call.start(row, ["direct"], row.clerk)
        rooms.failed(row.rooms[-1], "the licence has run out", ["direct"])
    text = clean(desk(row.clerk).get(address(row, "call")))
    assert "No room could be opened" in text
    assert "Direct video call could not open a room: the licence has run out" in text


def test_a_room_whose_provider_is_gone_is_explained(in_call, desk):
    row = in_call()
    with transaction():
        row.rooms[-1].provider = "forgotten"
    text = clean(desk(row.clerk).get(address(row, "call")))
    assert "There is no way into the room" in text and "forgotten" in text


def test_a_third_person_waits_at_the_door_until_he_is_admitted(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    page = address(row, "call")
    typed = {"name": "Άννα Ρήγα", "email": "anna@example.gr", "role": "companion", "language": "el"}
    client.submit(address(row, "invite"), typed, page=page)
    guest = row.participants[1]
    stand_at_the_door(guest)
    text = client.get(page, headers=SCRIPT).text
    assert f'data-news="{guest.id}"' in text and address(row, f"admit/{guest.id}") in text
    client.submit(address(row, f"admit/{guest.id}"), page=page)
    assert guest.admitted_at is not None
    assert address(row, f"admit/{guest.id}") not in client.get(page).text


def test_the_identity_check_is_kept_and_marks_the_call(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    page = address(row, "call")
    client.submit(address(row, "identify"), {"paper": "id_card", "paper_shown": "y"}, page=page)
    check = row.identity_check
    assert check is not None
    assert (check.paper, check.paper_shown, check.face_matches, check.identified) == (
        "id_card",
        True,
        False,
        False,
    )
    assert 'data-identified="false"' in clean(client.get(page))
    client.submit(address(row, "identify"), IDENTIFIED, page=page)
    assert check.identified and check.clerk_id == row.clerk_id
    assert 'data-call data-identified="true"' in clean(client.get(page))


def test_no_document_without_an_identity_check_and_nothing_typed_is_lost(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    page = address(row, "call")
    answers = {"outcome": "issue", "note": "Ένα αντίγραφο."}
    text = clean(client.submit(address(row, "finish"), answers, page=page))
    assert "field-error" in text and "Ένα αντίγραφο." in text
    assert re.search(r'value="issue" checked', text)
    assert row.state == "in_call" and row.note == ""
    client.submit(address(row, "identify"), IDENTIFIED, page=page)
    answer = client.submit(address(row, "finish"), answers, page=page)
    assert answer.headers["Location"] == address(row)
    assert (row.state, row.outcome, row.note) == ("done", "issue", "Ένα αντίγραφο.")
    assert request_of(row) is not None
    assert "/document" in clean(client.get(address(row)))


def test_a_call_does_not_end_without_an_outcome(in_call, desk):
    row = in_call()
    text = clean(desk(row.clerk).submit(address(row, "finish"), {"note": ""}, page=address(row, "call")))
    assert "field-error" in text and row.state == "in_call"


def test_a_service_that_issues_nothing_offers_no_document(in_call, desk):
    row = in_call(service=service_without_document())
    assert 'value="issue"' not in clean(desk(row.clerk).get(address(row, "call")))


def service_without_document() -> str:
    return next(s.key for s in db.session.scalars(select(Service)) if not s.deliveries)


def test_follow_up_shows_where_the_citizen_books_again(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    client.submit(address(row, "finish"), {"outcome": "follow_up", "note": ""}, page=address(row, "call"))
    assert f"/services/{row.service.key}" in clean(client.get(address(row)))


def test_the_script_is_told_where_to_go_and_the_message_waits_there(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    token = re.search(r'csrf_token" value="([^"]+)"', client.get(address(row, "call")).text)[1]  # type: ignore[index]
    data = {"outcome": "technical", "note": "", "csrf_token": token}
    answer = client.post(address(row, "finish"), data=data, headers=SCRIPT)
    assert answer.status_code == 204 and answer.headers["X-Go"] == address(row)
    assert "notice--success" in clean(client.get(address(row)))


def test_saving_the_note_keeps_the_answer_beside_it(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    token = re.search(r'csrf_token" value="([^"]+)"', client.get(address(row, "call")).text)[1]  # type: ignore[index]
    data = {"outcome": "nothing", "note": "Σημείωση", "csrf_token": token}
    text = client.post(address(row, "note"), data=data, headers=SCRIPT).text
    assert row.note == "Σημείωση" and re.search(r'value="nothing" checked', text)
    assert "notice--success" in text


def test_a_form_that_was_not_sent_shows_what_is_kept(in_call, desk):
    row = in_call()
    with transaction():
        call.write_note(row, "Κρατημένη", row.clerk)
    typed = {"name": "", "email": "", "role": "companion", "language": "el"}
    text = clean(desk(row.clerk).submit(address(row, "invite"), typed, page=address(row, "call")))
    assert "Κρατημένη" in text and re.search(r'selected value="passport"', text)


def test_when_the_call_breaks_off_everybody_is_back_at_the_door(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    answer = client.submit(address(row, "again"), page=address(row, "call"))
    assert answer.headers["Location"] == address(row)
    assert row.state == "booked" and row.participants[0].admitted_at is None
    client.submit(address(row, "start"), page=address(row))
    assert row.state == "in_call" and len(row.rooms) == 2


def test_what_the_state_forbids_is_said_and_never_breaks(book, desk):
    row = book()
    client = desk(row.clerk)
    for deed, data in (("again", {}), ("identify", IDENTIFIED), ("other-provider", {})):
        answer = client.submit(address(row, deed), data, page=address(row))
        assert answer.headers["Location"] == address(row)
        text = client.get(address(row)).text
        assert "The present state of the appointment: Booked." in text


def test_a_post_without_the_forms_token_changes_nothing(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    client.get(address(row, "call"))
    assert client.post(address(row, "finish"), data={"outcome": "nothing"}).status_code == 400
    assert row.state == "in_call"


def test_ending_the_call_closes_its_room(in_call, desk):
    row = in_call()
    client = desk(row.clerk)
    client.submit(address(row, "finish"), {"outcome": "nothing", "note": ""}, page=address(row, "call"))
    kinds = select(OutboxRow.kind).where(OutboxRow.due_at <= now(), OutboxRow.state == "waiting")
    assert "video.close" in db.session.scalars(kinds).all()
