"""A small world with one of everything: three appointments, their people, a document, what else has an owner.

Made once for a session of tests, kept as files, and put back before each form that is sent to it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pikepdf
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from portal import clock, create_app, files, mailbox, outbox
from portal.appointments import absences, call, lifecycle, rooms
from portal.appointments.links import join_token
from portal.appointments.models import Appointment, Participant
from portal.appointments.rules import Wish
from portal.catalogue import import_file
from portal.config import load
from portal.db import Bilingual, db, transaction
from portal.documents import lifecycle as documents
from portal.documents.lifecycle import request_of
from portal.documents.models import DocumentRequest
from portal.documents.papers import lifecycle as papers
from portal.offices.models import Closure, Office, Service
from portal.people.models import Membership, Person
from portal.plugin_api import Room
from portal.testing.browser import Browser

CATALOGUE = Path(__file__).parents[2] / "portal" / "demo" / "catalogue.toml"
TUESDAY = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
"""09:00 in Athens, when Kostas and Eleni are at the counter and Rena interprets."""
FREE = datetime(2026, 12, 9, 7, 0, tzinfo=UTC)
LETTER = "abcdef0123456789"
FORM_SECRET = "0" * 40
PLACE = re.compile(r"<(?:any\([^)]*\):|[a-z]+:)?(\w+)>")


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: who he is in the world, the door he came through, the link that he holds."""

    person: str = ""
    door: str = "staff"
    link: str = "outdated"
    """Whose personal link he has; everybody else tries an old one of the citizen's."""


CALLERS = {
    "nobody": Caller(),
    "citizen": Caller("maria", "citizens", "citizen"),
    "other": Caller("stranger", "citizens"),
    "clerk": Caller("k.alexiou"),
    "second": Caller("e.markou"),
    "desk": Caller("d.vlachou"),
    "away": Caller("n.georgiou"),
    "superv": Caller("s.ioannou"),
    "sup-2": Caller("superv-2"),
    "admin": Caller("m.stathis"),
    "interp": Caller("r.sideri", link="interpreter"),
    "int-2": Caller("p.lazarou"),
    "nopost": Caller("no-post"),
    "guest": Caller(link="companion"),
    "revoked": Caller(link="revoked"),
    "front": Caller("k.alexiou", "citizens"),
}
"""The columns of the table; `who_may.txt` explains them."""

BODIES: dict[str, dict[str, str]] = {
    "/appointments/<key>/move": {"office": "any", "start": FREE.isoformat()},
    "/appointments/<key>/earlier/accept": {"start": FREE.isoformat()},
    "/appointments/<key>/earlier/decline": {"start": FREE.isoformat()},
    "/services/<key>/times": {"office": "any", "start": FREE.isoformat()},
    "/documents/<key>/open": {"code": "000000"},
    "/join/<token>/check": {"result": "passed"},
    "/staff/appointments/<key>/people/<int:participant_id>/link": {"email": "friend@example.gr"},
    "/staff/absences/": {"person": "<person>", "first_day": "2026-12-14"},
    "/staff/appointments/<key>/move": {"start": FREE.isoformat(), "clerk": "same"},
    "/staff/appointments/<key>/note": {"note": "Λείπει ένα έγγραφο."},
    "/staff/appointments/<key>/finish": {"outcome": "nothing"},
    "/staff/appointments/<key>/identify": {"paper": "id_card", "paper_shown": "y"},
    "/staff/appointments/<key>/invite": {
        "name": "Άννα",
        "email": "anna@example.gr",
        "role": "companion",
        "language": "el",
    },
    "/staff/book/": {"office": "<office>", "service": "<service>", "clerk": "anyone"},
    "/staff/planning/hours": {
        "office": "<office>",
        "clerk": "<person>",
        "service": "<service>",
        "hours": "Mon-Fri 08:00-14:00",
    },
    "/plugins/identity_demo/login": {"subject": "citizen-1"},
}
"""What is typed into the form of an address; an empty form where nothing stands here."""

RUNNING = ("/call", "/again", "/admit/", "/people/", "/finish", "/identify", "/other-provider")
"""Ends of addresses that are about an appointment during its call."""

ABOUT_THE_CASE = ("/document", "/papers", "/request/", "/case", "/delivery")
"""Parts of addresses that are about the document of an appointment that is over."""


@dataclass
class World:
    """The application and the names under which its objects are found in addresses."""

    app: Flask
    folder: Path
    kept: Path
    names: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> Path:
        return self.folder / "instance"

    def keep(self) -> None:
        """Keep the files as they are now."""
        db.session.remove()
        db.engine.dispose()
        shutil.copytree(self.instance, self.kept)

    def put_back(self) -> None:
        """As if nothing had been asked. Called inside the application's context."""
        db.session.remove()
        db.engine.dispose()
        for left in self.instance.glob("portal.sqlite3*"):
            left.unlink()
        shutil.copytree(self.kept, self.instance, dirs_exist_ok=True)

    def person(self, login: str) -> Person:
        return db.session.scalars(select(Person).filter_by(login=login)).one()

    def ask(self, caller: Caller, method: str, path: str, log_in: Callable[..., None]) -> Any:
        """The answer to this caller, with the form token in order and a form that can be read."""
        if method == "POST":
            self.put_back()
        browser = self.browser(caller, log_in)
        body = {name: self._filled(path, value, caller, browser) for name, value in self._form(path).items()}
        token = {"csrf_token": self._form_token()} if method == "POST" else {}
        address = self._filled(path, path, caller, browser)
        passport = {"X-Call-Token": self._pass(caller, browser)} if "video_direct/rooms" in path else {}
        return browser.open(address, method=method, data={**body, **token} or None, headers=passport)

    def browser(self, caller: Caller, log_in: Callable[..., None]) -> Browser:
        """His browser, in English."""
        browser = Browser(self.app, self.app.response_class)
        if caller.person:
            log_in(browser, self.person(caller.person), door=caller.door)
        with browser.session_transaction() as session:
            session["language"] = "en"
            session["csrf_token"] = FORM_SECRET
        return browser

    def _form(self, path: str) -> dict[str, str]:
        return BODIES.get(path.split("?")[0], {})

    def _form_token(self) -> str:
        return str(
            URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token").dumps(FORM_SECRET)
        )

    def _filled(self, path: str, text: str, caller: Caller, browser: Browser) -> str:
        """``text`` with the names of the world in the place of ``<…>``."""

        def fill(place: re.Match[str]) -> str:
            name = place[1]
            if name == "token":
                return self.links[caller.link]
            if name == "order":
                return re.sub(".*order=", "", browser.get("/login").location)
            return self._name(path, name)

        return PLACE.sub(fill, text)

    def _name(self, path: str, name: str) -> str:
        if name == "key":
            return self.keys[self._kind_of_key(path)]
        if name == "number":
            absence = "closure" if "/closed/" in path else "absence"
            return self.names[absence] if path.startswith("/staff/absences/") else "0"
        if name == "deed":
            deeds = {"/staff/deliveries": "carrier", "/my-documents": "archive"}
            return next((deed for start, deed in deeds.items() if path.startswith(start)), "retry")
        return self.names[name]

    def _kind_of_key(self, path: str) -> str:
        first, _, rest = path.removeprefix("/staff").strip("/").partition("/")
        if first == "deliveries":
            return "document" if rest.startswith("other-way") else "delivery"
        if first == "my-documents":
            return "document"
        if first in ("fields", "services", "documents"):
            return first.removesuffix("s")
        if first == "papers":
            return "file" if "/files/" in path or path.startswith("/staff") else "paper"
        if any(part in path for part in ABOUT_THE_CASE):
            return "done"
        return "running" if any(end in path for end in RUNNING) else "ahead"

    def _pass(self, caller: Caller, browser: Browser) -> str:
        """The pass for the room, from the call's page, if the caller gets so far."""
        staff = f"/staff/appointments/{self.keys['running']}/call"
        pages = [staff] if caller.person else []
        for page in [*pages, f"/join/{self.links[caller.link]}/call"]:
            found = re.search(r'data-token="([^"]+)"', browser.get(page).text)
            if found:
                return found[1]
        return "none"


def leads_to_login(location: str) -> str:
    """The door of the login to which an address leads, or empty.

    Whoever sent a form is led there by way of a page, which says whether the form is kept.
    """
    path, query = urlsplit(location)[2:4]
    if "kept=" in query:
        path = path.removesuffix("/first")
    return {"/login": "login", "/login/citizens": "login", "/login/staff": "staff"}.get(path, "")


def make(folder: Path) -> World:
    """The world, on a Monday morning. The caller has stopped the clock."""
    config = load({"PORTAL_INSTANCE": str(folder / "instance"), "PORTAL_BASE_URL": "http://localhost"})
    app = create_app(config)
    # A mistake is an answer too, which the table shows as 500.
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False)
    world = World(app, folder, folder / "kept")
    with app.app_context():
        db.create_all()
        import_file(CATALOGUE, config.providers.delivery)
        _people()
        _appointments(world)
        _work(world)
        _names(world)
        world.keep()
    return world


def _people() -> None:
    branch = db.session.scalars(select(Office).filter_by(key="kep-branch")).one()
    known = [
        Person(login=login, first_name=login, last_name="Δοκιμή", email="x@example.gr")
        for login in ("maria", "stranger", "superv-2", "no-post")
    ]
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    with transaction():
        service.second_clerk, service.mitos_code = True, "000017"
        db.session.add_all([*known, Membership(person=known[2], office=branch, role="supervisor")])


def _appointments(world: World) -> None:
    """One ahead, one in its call, one that is over with a document."""
    ahead, running, done = (_booked(world, TUESDAY + timedelta(hours=hour)) for hour in range(3))
    with transaction():
        guests = [
            call.invite(row, "companion", name, "friend@example.gr", "el", row.clerk)
            for row in (ahead, running)
            for name in ("Φίλος", "Πρώην")
        ]
        guests[1].revoked_at = guests[3].revoked_at = clock.now()
        for row in (running, done):
            call.start(row, ["direct"], row.clerk)
        room = running.rooms[0]
        rooms.opened(room, Room(room.key, room.closes_at, {"max_guests": "4"}))
        for guest in running.participants:
            guest.admitted_at = clock.now()
        call.finish(done, "issue", done.clerk)
    wanted = request_of(done)
    assert wanted is not None
    _papers(world, wanted)
    with pikepdf.new() as pdf, BytesIO() as content:
        pdf.add_blank_page()
        pdf.save(content)
        stored = files.store_pdf("certificate.pdf", content.getvalue())
    with transaction():
        delivery = documents.issue(wanted, stored, done.clerk, 30)
    world.keys |= {"ahead": ahead.key, "running": running.key, "done": done.key}
    world.keys |= {"document": wanted.key, "delivery": delivery.key}
    world.names["participant_id"] = str(guests[2].id)
    _links(world, running)


def _papers(world: World, wanted: DocumentRequest) -> None:
    """The citizen was asked for a paper, has sent it, and it was accepted."""
    appointment = wanted.appointment
    with transaction():
        papers.ask_for(wanted, [Bilingual("Βεβαίωση", "Certificate")], appointment.clerk)
    stored = files.store("paper.png", b"a picture", "image/png")
    with transaction():
        file = papers.receive(wanted.papers[0], stored, world.person("maria"))
    with transaction():
        papers.go_on(wanted, appointment.clerk)
    world.keys |= {"paper": wanted.papers[0].key, "file": file.key}


def _booked(world: World, starts_at: datetime) -> Appointment:
    """An appointment of Maria's with two clerks, who are Kostas and Eleni, and Rena as interpreter."""
    citizen = world.person("maria")
    booking = world.app.config["PORTAL"].booking
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    office = db.session.scalars(select(Office).filter_by(key="kep-central")).one()
    details = lifecycle.Details(
        name="Μαρία Δοκιμή",
        email="maria@example.gr",
        phone="+306900000000",
        language="el",
        paper="id_card",
        delivery="email",
        recipient={"email": "maria@example.gr"},
    )
    wish = Wish("video", interpreted=True)
    with transaction():
        row = lifecycle.hold(service, booking, office, starts_at, citizen, "el", wish)
        lifecycle.confirm(row, booking, citizen, details, citizen)
    taken = [person and person.login for person in (row.clerk, row.second_clerk, row.interpreter)]
    assert taken == ["k.alexiou", "e.markou", "r.sideri"]
    return row


def _links(world: World, row: Appointment) -> None:
    """The personal links, and an old one of the citizen's which the present one has replaced."""
    seats: dict[str, Participant] = {seat.role: seat for seat in row.participants if not seat.revoked_at}
    revoked = next(seat for seat in row.participants if seat.revoked_at)
    world.links["outdated"] = join_token(seats["citizen"])
    with transaction():
        seats["citizen"].link_version += 1
    world.links |= {role: join_token(seat) for role, seat in seats.items()}
    world.links["revoked"] = join_token(revoked)


def _work(world: World) -> None:
    """An absence, a closure, given-up work of a case and of none, and a mail of the demonstration."""
    clerk = world.person("k.alexiou")
    office = db.session.scalars(select(Office).filter_by(key="kep-central")).one()
    done = db.session.scalars(select(Appointment).filter_by(key=world.keys["done"])).one()
    day = TUESDAY + timedelta(days=7)
    with transaction():
        absence = absences.record(clerk, day, day + timedelta(hours=4), clerk)
        closure = Closure(office_id=office.id, first_day=day.date(), last_day=day.date(), reason=office.name)
        db.session.add(closure)
        for name, payload in (("of-case", {"appointment_id": done.id}), ("of-none", {"document_id": 0})):
            outbox.post("document.forget", name, payload, key=name, give_up_at=clock.now())
    numbers = {row.key: row.id for row in db.session.scalars(select(outbox.OutboxRow))}
    for name in ("of-case", "of-none"):
        outbox.run(numbers[name])
    world.names |= {"absence": str(absence.id), "closure": str(closure.id)}
    world.names |= {"row_id": str(numbers["of-case"]), "row_of_none": str(numbers["of-none"])}
    mail = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n"
    mail += b"Content-Disposition: attachment; filename=a.txt\n\nx\n--b--\n"
    mailbox.put(world.instance / "mailbox", LETTER, mail)


def _names(world: World) -> None:
    service = db.session.scalars(select(Service).filter_by(key="birth-certificate")).one()
    world.keys |= {"service": service.key, "field": service.field.key}
    world.names |= {
        "code": "000017",
        "day": "2026-12-01",
        "door": "staff",
        "filename": "portal.css",
        "name": LETTER,
        "office": "kep-central",
        "person": str(world.person("k.alexiou").id),
        "service": service.key,
        "way": "email",
    }
