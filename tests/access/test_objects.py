"""What the table cannot say: objects named in forms, lists, links put together, what is told of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.appointments import availability, call, lifecycle
from portal.appointments.models import Appointment, Claim
from portal.db import db, transaction
from portal.offices.models import Office, Service
from portal.people import access
from portal.people.models import Absence, Membership
from portal.testing.page_lint import lint

from .world import FREE, TUESDAY, World

TOKEN = re.compile(r'name="csrf_token"[^>]* value="[^"]+"|[?]lang=|/[\w/.-]+')


def text_of(page: Any) -> str:
    """The page without its form tokens and its own address."""
    return TOKEN.sub("", page.text)


def appointment(world: World, name: str) -> Appointment:
    return db.session.scalars(select(Appointment).filter_by(key=world.keys[name])).one()


@pytest.mark.parametrize(
    ("caller", "page"),
    [
        ("other", "/appointments/{ahead}"),
        ("desk", "/staff/appointments/{ahead}"),
        ("away", "/staff/deliveries/other-way/{document}"),
        ("other", "/documents/{document}"),
    ],
)
def test_what_is_somebody_elses_looks_like_what_does_not_exist(
    world: World, browser_of: Callable[..., Any], caller: str, page: str
) -> None:
    browser = browser_of(caller)
    others = browser.get(page.format(**world.keys))
    nothing = browser.get(page.format(ahead="abcdefghjkmn", document="abcdefghjkmn"))
    assert (others.status_code, nothing.status_code) == (404, 404)
    assert text_of(others) == text_of(nothing)


def test_the_signature_of_ones_own_link_does_not_open_anothers(
    world: World, browser_of: Callable[..., Any]
) -> None:
    mine, others = world.links["companion"], world.links["citizen"]
    swapped = f"{others.rsplit('.')[0]}.{mine.split('.', 1)[1]}"
    assert browser_of("guest").get(f"/join/{mine}").status_code == 200
    assert browser_of("guest").get(f"/join/{swapped}").status_code == 404


def test_ones_own_absence_does_not_open_the_appointment_of_a_colleague(
    world: World, browser_of: Callable[..., Any]
) -> None:
    row, colleague = appointment(world, "ahead"), world.person("d.vlachou")
    with transaction():
        absence = Absence(person_id=colleague.id, starts_at=TUESDAY, ends_at=TUESDAY + timedelta(hours=1))
        db.session.add(absence)
    page, ticked = f"/staff/absences/{absence.id}", f"{row.key} {row.version} move {FREE.isoformat()}"
    browser = browser_of("desk")
    assert browser.submit(page, {"do": ticked}, "/staff/absences/").status_code == 404
    assert browser.submit(page, {"do": "abcdefghjkmn 1 move x"}, "/staff/absences/").status_code == 404
    assert (row.starts_at, row.version) == (TUESDAY, 1)


@pytest.mark.parametrize(
    ("caller", "of_case", "of_none"),
    [("superv", True, False), ("sup-2", False, False), ("admin", True, True)],
)
def test_given_up_work_is_listed_for_whom_it_concerns(
    world: World, browser_of: Callable[..., Any], caller: str, of_case: bool, of_none: bool
) -> None:
    browser = browser_of(caller)
    page = browser.get("/staff/attention").text
    assert (f"/attention/{world.names['row_id']}/" in page) == of_case
    assert (f"/attention/{world.names['row_of_none']}/" in page) == of_none
    tried = browser.submit(
        f"/staff/attention/{world.names['row_of_none']}/retry", page="/staff/absences/"
    ).status_code
    assert tried == (302 if of_none else 404)
    nothing = browser.submit("/staff/attention/99999/retry", page="/staff/absences/")
    assert nothing.status_code == 404


def test_whoever_works_through_the_staffs_door_takes_no_time_from_citizens(
    world: World, ask: Callable[..., Any]
) -> None:
    def claims() -> int:
        return db.session.scalar(select(func.count()).select_from(Claim)) or 0

    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    assert FREE in availability.offer(service, world.app.config["PORTAL"].booking).starts
    before = claims()
    assert ask("clerk", "POST", "/services/<key>/times").status_code == 403
    assert claims() == before
    assert ask("other", "POST", "/services/<key>/times").status_code == 302
    assert claims() > before


def test_ones_own_document_opens_through_the_citizens_door_only(
    world: World, browser_of: Callable[..., Any], log_in: Callable[..., None]
) -> None:
    page = f"/documents/{world.keys['document']}"
    assert "Download the document" in browser_of("citizen").get(page).text
    browser = browser_of("nobody")
    log_in(browser, world.person("maria"), door="staff")
    refused = browser.get(page)
    assert refused.status_code == 403
    assert "This page is for citizens" in refused.text


# --- The second clerk -------------------------------------------------------------------------------


def test_the_second_clerk_sees_the_appointment_in_his_day(
    world: World, browser_of: Callable[..., Any]
) -> None:
    page = browser_of("second").get(f"/staff/day/{TUESDAY.date()}").text
    assert f"/staff/appointments/{world.keys['ahead']}" in page
    assert "Clerk: Κώστας Αλεξίου" in page
    assert world.keys["ahead"] not in browser_of("desk").get(f"/staff/day/{TUESDAY.date()}").text


def test_the_second_clerk_is_not_told_of_another_call_of_the_first(
    world: World, browser_of: Callable[..., Any]
) -> None:
    rows = [appointment(world, name) for name in ("running", "ahead")]
    with transaction():
        call.call_again(rows[0], rows[0].clerk)
        rows[0].second_clerk_id = world.person("d.vlachou").id
        rows[0].citizen_name = "Ξένη Υπόθεση"
        call.start(rows[0], ["direct"], rows[0].clerk)
    case = f"/staff/appointments/{rows[1].key}"
    assert "Ξένη Υπόθεση" in browser_of("clerk").get(case).text
    assert "Ξένη Υπόθεση" not in browser_of("second").get(case).text


# --- The interpreter --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["el", "en"])
def test_the_interpreter_sees_his_appointments_and_his_own_way_in(
    world: World, browser_of: Callable[..., Any], language: str
) -> None:
    page = browser_of("interp").get(f"/interpreting/?lang={language}", follow_redirects=True)
    assert lint(page.text, language) == []
    assert page.text.count("/join/") == 2
    assert f"/join/{world.links['interpreter']}" in page.text
    told = ("Μαρία", "maria@example.gr", "+30690", "690 000", world.keys["ahead"], "/staff/")
    assert [word for word in told if word in page.text] == []


def test_the_interpreter_is_told_what_he_needs(world: World, browser_of: Callable[..., Any]) -> None:
    with transaction():
        appointment(world, "ahead").needs = ["sign_language"]
    page = browser_of("interp").get("/interpreting/").text
    assert "Copy of a birth record" in page and "Κώστας Αλεξίου" in page
    assert "1 December" in page and "09:00" in page
    assert "Greek Sign Language interpreter" in page and "Ελληνικά" in page


def test_another_interpreter_sees_nothing_of_it(browser_of: Callable[..., Any]) -> None:
    page = browser_of("int-2").get("/interpreting/").text
    assert "No appointment with you is ahead" in page and "/join/" not in page


def test_an_interpreter_who_was_replaced_has_no_way_in_any_more(
    world: World, browser_of: Callable[..., Any]
) -> None:
    with transaction():
        lifecycle.cancel(
            appointment(world, "ahead"), world.app.config["PORTAL"].booking, world.person("m.stathis")
        )
        appointment(world, "running").interpreter_id = world.person("p.lazarou").id
    assert "/join/" not in browser_of("interp").get("/interpreting/").text


def test_a_clerk_who_interprets_elsewhere_handles_only_what_he_serves(world: World) -> None:
    clerk = world.person("d.vlachou")
    central, branch = (
        db.session.scalars(select(Office).filter_by(key=key)).one() for key in ("kep-central", "kep-branch")
    )
    with transaction():
        db.session.add(Membership(person=clerk, office=branch, role="interpreter"))
    assert access.may_see_office(clerk, central.id)
    assert not access.may_see_office(clerk, branch.id)
    with transaction():
        for post in clerk.memberships:
            post.role = "interpreter"
        row = appointment(world, "ahead")
        row.clerk_id = clerk.id
    assert not access.may_serve(clerk, row)
