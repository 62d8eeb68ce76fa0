"""The day and the panel beside the call refresh by themselves, and take nothing away that is being typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock, create_app
from portal.appointments import call
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.catalogue import import_file
from portal.config import load
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.models import Person
from portal.testing.servers import store_server
from portal.testing.serving import Place

DEMO_CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"
PATIENCE = 15_000


@dataclass
class House:
    """The portal on a port, with one appointment whose time has come."""

    app: Flask
    url: str

    def change(self, deed: Callable[[Appointment], object]) -> None:
        with self.app.app_context(), transaction():
            deed(db.session.scalars(select(Appointment)).one())

    def kept(self, question: Callable[[Appointment], Any]) -> Any:
        with self.app.app_context():
            return question(db.session.scalars(select(Appointment)).one())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with store_server(tmp_path) as store:
        app = create_app(load({"PORTAL_INSTANCE": str(tmp_path / "instance"), "PORTAL_REDIS_URL": store}))
        config = app.config["PORTAL"]
        with app.app_context():
            db.create_all()
            import_file(DEMO_CATALOGUE, config.providers.delivery)
            with transaction():
                db.session.add(_an_appointment())
        place = Place()
        # The login leads back to the portal's own address.
        object.__setattr__(config.portal, "base_url", place.url)
        place.serve(app)
        yield House(app, config.portal.base_url)
        place.close()
        with app.app_context():
            db.engine.dispose()


def _an_appointment() -> Appointment:
    clerk = db.session.scalars(select(Person).filter_by(login="k.alexiou")).one()
    row = Appointment(
        service=db.session.scalars(select(Service).filter_by(key="birth-certificate")).one(),
        office=clerk.memberships[0].office,
        clerk=clerk,
        state="booked",
        starts_at=clock.now(),
        minutes=15,
        citizen_name="Μαρία Παπαδοπούλου",
    )
    row.participants.append(Participant(role="citizen", name="Μαρία Παπαδοπούλου"))
    return row


@pytest.fixture
def page(chromium: Any, house: House) -> Iterator[Any]:
    context = chromium.new_context(locale="en-GB", permissions=["camera", "microphone"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: "Security Policy" in line.text and faults.append(line.text))
    page.goto(f"{house.url}/login/staff?next=/staff/")
    page.click("button[value='k.alexiou']")
    page.wait_for_selector(".day-head")
    yield page
    context.close()
    assert faults == []


def begin_call(house: House) -> str:
    def deed(row: Appointment) -> None:
        row.state = "in_call"
        row.participants[0].admitted_at = clock.now()
        closes_at = clock.now() + timedelta(hours=1)
        row.rooms.append(
            VideoRoom(
                provider="direct",
                key="a-room",
                state="opening",
                closes_at=closes_at,
                data={"max_guests": "4"},
            )
        )

    house.change(deed)
    return f"{house.url}/staff/appointments/{house.kept(lambda row: row.key)}/call"


def open_room(row: Appointment) -> None:
    row.rooms[-1].state = "open"


def third_person_comes(row: Appointment) -> None:
    guest = Participant(role="companion", name="Άννα Ρήγα")
    row.participants.append(guest)
    call.arrive(guest)


def test_who_comes_to_the_door_appears_in_the_day_and_is_announced(page: Any, house: House) -> None:
    house.change(lambda row: call.arrive(row.participants[0]))
    page.wait_for_selector(".agenda-item--waiting")
    assert page.inner_text("body > [role=status]") == "Μαρία Παπαδοπούλου is at the door."
    assert page.title().startswith("(1) ")


def test_the_room_appears_when_it_is_open(page: Any, house: House) -> None:
    page.goto(begin_call(house))
    assert page.locator("[data-direct-call]").count() == 0
    house.change(open_room)
    page.wait_for_selector("[data-direct-call]")


def test_the_panel_goes_on_living_around_what_is_being_typed(page: Any, house: House) -> None:
    address = begin_call(house)
    house.change(open_room)
    page.goto(address)
    page.evaluate("window.loadedOnce = true")
    page.fill("[name=note]", "Half a note")
    house.change(third_person_comes)
    page.wait_for_selector("text=Άννα Ρήγα")
    page.click("form[action*='/admit/'] button")
    page.wait_for_selector("text=Άννα Ρήγα is admitted.")
    for name in ("paper_shown", "face_matches", "name_matches"):
        page.check(f"[name={name}]")
    page.click("[data-part=identity] form button")
    page.wait_for_selector("[data-call][data-identified=true]", state="attached")
    assert page.input_value("[name=note]") == "Half a note"
    assert page.evaluate("window.loadedOnce")
    assert house.kept(lambda row: row.identity_check.identified)


def test_answers_with_errors_stay_until_they_are_right(page: Any, house: House) -> None:
    page.goto(begin_call(house))
    house.change(open_room)
    page.wait_for_selector("[data-direct-call]")
    page.fill("[name=note]", "Half a note")
    page.click("[data-part=closing] .button--danger")
    page.wait_for_selector("[data-part=closing] .field-error")
    page.wait_for_timeout(5000)
    assert page.input_value("[name=note]") == "Half a note"
    page.check("[name=outcome][value=nothing]")
    page.click("[data-part=closing] .button--danger")
    page.wait_for_url(lambda url: not url.endswith("/call"))
    assert page.inner_text(".notice--success").strip() == "The call has ended for everybody."
    assert house.kept(lambda row: (row.state, row.note)) == ("done", "Half a note")


def test_what_is_pressed_while_the_portal_is_slow_is_done_in_its_turn(page: Any, house: House) -> None:
    address = begin_call(house)
    house.change(third_person_comes)
    page.goto(address)
    held: list[Any] = []
    page.route("**/note", lambda route: held.append(route))
    page.fill("[name=note]", "Half a note")
    page.click("[formaction$='/note']")
    page.click("[formaction$='/note']")
    page.click("form[action*='/admit/'] button")
    page.wait_for_timeout(500)
    assert len(held) == 1, "a second press of the same button is not sent"
    held[0].continue_()
    page.wait_for_selector("text=Άννα Ρήγα is admitted.")
    assert house.kept(lambda row: row.note) == "Half a note"


def test_a_portal_that_is_away_is_told_and_forgiven(page: Any, house: House) -> None:
    page.goto(begin_call(house))
    page.route("**/note", lambda route: route.abort())
    page.fill("[name=note]", "Half a note")
    page.click("[formaction$='/note']")
    page.wait_for_selector("[data-lost]:not([hidden])")
    assert page.input_value("[name=note]") == "Half a note"
    page.unroute("**/note")
    page.click("[formaction$='/note']")
    page.wait_for_selector("text=The note is saved.")
    assert page.locator("[data-lost]:not([hidden])").count() == 0
