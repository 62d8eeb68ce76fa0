"""A citizen and a clerk with real browsers, the whole portal, and the stand-in for BigBlueButton."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock, create_app, demo, outbox
from portal.appointments.links import join_token
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.catalogue import import_file
from portal.config import load
from portal.db import db, transaction
from portal.offices.models import Service
from portal.people.models import Person
from portal.testing.bbb import BbbSimulator, Meeting
from portal.testing.page_lint import lint
from portal.testing.serving import Place

PATIENCE = 15_000
CITIZEN = "Μαρία Παπαδοπούλου"


@dataclass
class Town:
    """The portal on a port, another site than BigBlueButton, with one appointment whose time has come."""

    app: Flask
    url: str
    bbb: BbbSimulator

    def work(self) -> None:
        """The worker does what is due."""
        outbox.run_due(self.app)

    def asked(self, question: Callable[[Appointment], Any]) -> Any:
        with self.app.app_context():
            return question(db.session.scalars(select(Appointment)).one())

    def time_passes(self) -> None:
        """The room was opened two minutes ago."""
        with self.app.app_context(), transaction():
            room = db.session.scalars(select(VideoRoom)).one()
            room.opened_at = clock.now() - timedelta(minutes=2)

    @property
    def door(self) -> str:
        return self.url + "/join/" + str(self.asked(lambda row: join_token(row.participants[0])))

    @property
    def meeting(self) -> Meeting:
        return self.bbb.meeting(self.asked(lambda row: row.rooms[-1].key))


@pytest.fixture
def town(bbb: BbbSimulator, tmp_path: Path) -> Iterator[Town]:
    place = Place()
    url = f"http://localhost:{place.port}"
    app = create_app(load(_environment(tmp_path, url, bbb)))
    with app.app_context():
        db.create_all()
        import_file(demo.CATALOGUE, ("email", "mailbox", "pickup"))
        with transaction():
            db.session.add(_an_appointment())
    place.serve(app)
    yield Town(app, url, bbb)
    place.close()
    with app.app_context():
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def _environment(folder: Path, url: str, bbb: BbbSimulator) -> dict[str, str]:
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('enabled = ["', 'enabled = ["video_bbb", "').replace('["direct"]', '["bbb"]')
    file = folder / "town.toml"
    file.write_text(f'{text}\n[plugin.video_bbb]\nbase_url = "{bbb.url}"\n', encoding="utf-8")
    return {
        "PORTAL_CONFIG": str(file),
        "PORTAL_INSTANCE": str(folder / "instance"),
        "PORTAL_BASE_URL": url,
        "PORTAL_VIDEO_BBB_SECRET": bbb.secret,
    }


def _an_appointment() -> Appointment:
    clerk = db.session.scalars(select(Person).filter_by(login="k.alexiou")).one()
    row = Appointment(
        service=db.session.scalars(select(Service).filter_by(key="birth-certificate")).one(),
        office=clerk.memberships[0].office,
        clerk=clerk,
        state="booked",
        starts_at=clock.now(),
        minutes=15,
        citizen_name=CITIZEN,
    )
    row.participants.append(Participant(role="citizen", name=CITIZEN))
    return row


@pytest.fixture
def page(chromium: Any) -> Iterator[Callable[[], Any]]:
    """``page()``: somebody's browser; what the content policy refuses on any page fails the test."""
    contexts: list[Any] = []
    refused: list[str] = []

    def opened() -> Any:
        context = chromium.new_context(locale="el-GR")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.on("console", lambda line: "Security Policy" in line.text and refused.append(line.text))
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert refused == []


def open_counter(clerk: Any, town: Town) -> Any:
    """The clerk opens the counter and enters the call in a window of its own."""
    key = town.asked(lambda row: row.key)
    clerk.goto(f"{town.url}/login/staff?next=/staff/appointments/{key}")
    clerk.click("button[value='k.alexiou']")
    clerk.click("form[action$='/start'] button")
    clerk.wait_for_url("**/call")
    town.work()
    with clerk.context.expect_page() as opened:
        clerk.click("a[href$='/enter']")
    return opened.value


def test_citizen_and_clerk_meet_on_bigbluebutton_and_survive_its_restart(
    page: Callable[[], Any], town: Town
) -> None:
    citizen, clerk = page(), page()
    citizen.goto(town.door)
    window = open_counter(clerk, town)
    window.wait_for_selector("#me")
    _meet(citizen, window, town)
    _come_back(citizen, window, town)
    assert clerk.is_visible("[data-call]")
    _are_told_of_the_restart(citizen, town)
    _get_in_again(citizen, town)


def _meet(citizen: Any, window: Any, town: Town) -> None:
    citizen.click("a[href$='/call']")
    citizen.wait_for_url("**/client/lobby**")
    window.click(f"text=Accept {CITIZEN}")
    citizen.wait_for_selector(f"#me:has-text('{CITIZEN}')")
    assert citizen.get_attribute("html", "lang") == "el"
    present = {visit.name == CITIZEN: visit.moderates for visit in town.meeting.present}
    assert present == {True: False, False: True}
    assert town.meeting.captures == []


def _come_back(citizen: Any, window: Any, town: Town) -> None:
    citizen.click("text=Leave")
    citizen.wait_for_url(town.door)
    citizen.wait_for_selector("[data-state=admitted]")
    window.click("text=Leave")
    window.wait_for_url(f"{town.url}/left")


def _are_told_of_the_restart(citizen: Any, town: Town) -> None:
    town.bbb.restart()
    citizen.click("a[href$='/call']")
    citizen.wait_for_selector("[role=alert]:has-text('ανοίγει εκ νέου')")
    assert citizen.url == town.door
    assert lint(citizen.content(), "el") == []


def _get_in_again(citizen: Any, town: Town) -> None:
    town.time_passes()
    citizen.click("a[href$='/call']")
    citizen.wait_for_selector("h1:has-text('Η αίθουσα ανοίγει')")
    assert lint(citizen.content(), "el") == []
    assert town.bbb.origin not in citizen.content()
    town.work()
    citizen.wait_for_url("**/client/lobby**")
    assert [visit.name for visit in town.meeting.visits] == [CITIZEN]
