"""The main pages of everybody on the data of the whole country, beside those of the small demonstration."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from benchmarks.client import Browser
from benchmarks.figures import Figure
from benchmarks.load import WrongAnswer
from benchmarks.rounds import Speed, interleaved, say
from benchmarks.servers import web_server
from benchmarks.worlds import Bench, logged_in
from portal import clock, create_app, demo, migrations
from portal.appointments.models import Appointment
from portal.config import load
from portal.db import db
from portal.demo import national
from portal.people.models import Person
from portal.testing.servers import store_server

NAMES = ("page", "national", "small demonstration")
GOAL = "<= 2"
WHOLE, QUICK = national.Size(), national.Size(offices=120, clerks=360, past_days=60, coming_days=30)
VISITS = 12
"""Visits of one page in one measurement. The quickest counts: others waited for something else."""

SERVICE = "/services/birth-certificate"
CITIZEN = {
    "home": "/",
    "fields": "/fields",
    "services of a field": "/fields/applications",
    "service": SERVICE,
    "choice of an office": f"{SERVICE}/times",
    "times of any office": f"{SERVICE}/times?office=any",
    "times of one office": f"{SERVICE}/times?office=kep-central",
    "month of any office": f"{SERVICE}/month?office=any",
    "month of one office": f"{SERVICE}/month?office=kep-central",
    "free times for programs": f"{SERVICE}/free.json?office=kep-central",
    "own appointments": "/appointments",
    "own appointment": "/appointments/{key}",
    "move": "/appointments/{key}/move",
}
CLERK = {
    "day": "/staff/",
    "day of the appointment": "/staff/day/{day}",
    "case": "/staff/appointments/{key}",
    "move a case": "/staff/appointments/{key}/move",
    "book at the counter": "/staff/book/?service=birth-certificate",
    "absences": "/staff/absences/",
    "deliveries": "/staff/deliveries",
}
SUPERVISOR = {
    **CLERK,
    "needs attention": "/staff/attention",
    "planning": "/staff/planning/",
    "planned hours": "/staff/planning/hours",
}
CLERKS_LOGIN = "k.alexiou"
STAFF = {
    "clerk": (CLERKS_LOGIN, CLERK),
    "supervisor": ("s.ioannou", SUPERVISOR),
    "administrator": ("m.stathis", SUPERVISOR),
}


@dataclass(frozen=True)
class Portal:
    """One running portal, and every page that is visited there as the browser and its path."""

    visits: Mapping[str, tuple[Browser, str]]

    def close(self) -> None:
        """Give the connections back."""
        for browser, _ in self.visits.values():
            browser.close()


def measure(bench: Bench) -> Iterator[Figure]:
    """One figure for each page. The visitors are the same people on both."""
    with ExitStack() as stack:
        folder = bench.folder / "pages"
        folder.mkdir()
        store = stack.enter_context(store_server(folder))
        size = QUICK if bench.quick else WHOLE
        small = _opened(bench, folder, "pages_small", store, None, stack)
        large = _opened(bench, folder, "pages_national", store, size, stack)
        say("pages of the country beside the small demonstration, ms")
        for page in small.visits:
            sides = {"small": _speed(*small.visits[page]), "national": _speed(*large.visits[page])}
            speeds = interleaved(sides, bench.rounds)
            name = f"page {page}: national beside small demonstration"
            yield Figure(name, speeds["national"], "ms", speeds["small"], GOAL)


def _opened(
    bench: Bench, folder: Path, name: str, store: str, size: national.Size | None, stack: ExitStack
) -> Portal:
    environment = {
        "PORTAL_INSTANCE": str(folder / name),
        "PORTAL_DATABASE_URL": bench.new_database(name),
        "PORTAL_REDIS_URL": store,
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_LOG_LEVEL": "ERROR",
    }
    (folder / name).mkdir()
    app = create_app(load(environment))
    begin = time.monotonic()
    migrations.upgrade(app)
    demo.prepare(app)
    with app.app_context():
        if size:
            national.fill(app.config["PORTAL"], size, lambda done, total: None)
        cookies, key, day = _people(app)
        db.session.remove()
        db.engine.dispose()
    say(f"data '{name}' prepared in {time.monotonic() - begin:.0f} s")
    port = stack.enter_context(web_server("portal", environment, folder / f"{name}.log"))
    roles = {"citizen": ("citizen", CITIZEN), **STAFF}
    portal = Portal(
        {
            f"{role}, {page}": (Browser(port, cookies[login]), path.format(key=key, day=day))
            for role, (login, pages) in roles.items()
            for page, path in pages.items()
        }
    )
    stack.callback(portal.close)
    return portal


def _people(app: Flask) -> tuple[dict[str, dict[str, str]], str, str]:
    """Sessions by login, the citizen's among them, the key of an appointment of his, and its day."""
    row = db.session.scalars(
        select(Appointment)
        .join(Person, Person.id == Appointment.clerk_id)
        .where(
            Appointment.state == "booked",
            Person.login == CLERKS_LOGIN,
            Appointment.starts_at > clock.now() + timedelta(hours=2),
        )
        .order_by(Appointment.starts_at)
    ).first()
    assert row is not None and row.citizen is not None, "the small demonstration books with its first clerk"
    logins = [login for login, _ in STAFF.values()]
    staff = db.session.scalars(select(Person).where(Person.login.in_(logins)))
    cookies = {person.login: logged_in(app, person.id, "staff") for person in staff if person.login}
    cookies["citizen"] = logged_in(app, row.citizen.id, "citizens")
    return cookies, row.key, f"{row.starts_at:%Y-%m-%d}"


def _speed(browser: Browser, path: str) -> Speed:
    """Measures the quickest of some visits, in ms. Raises WrongAnswer."""

    def visit() -> float:
        begin = time.perf_counter()
        answer = browser.get(path)
        if answer.status != 200:
            raise WrongAnswer(f"{path} answered {answer.status}")
        return (time.perf_counter() - begin) * 1000

    return lambda: min(visit() for _ in range(VISITS))
