"""The staff's pages of a call: the room, the panel beside it, the identity check, and how it ends."""

from __future__ import annotations

import re

from sqlalchemy import select

from portal.appointments import call, rooms
from portal.clock import now
from portal.db import db, transaction
from portal.documents.lifecycle import request_of
from portal.offices.models import Service
from portal.outbox import OutboxRow
from tests.appointments.staff.test_day_and_case import IDENTIFIED, SCRIPT, address, clean, stand_at_the_door


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
