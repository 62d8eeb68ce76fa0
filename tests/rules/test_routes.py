"""Every address of the portal is known, says who may call it, and refuses everybody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select

from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.people.access import may_serve
from portal.people.models import Membership, Person
from portal.security import BEHIND_THE_STAFFS_DOOR, MARKS
from portal.testing.browser import Browser

STORED = Path(__file__).parent / "routes.txt"
HOW_TO_STORE = (
    f"If this is meant, delete {STORED.relative_to(Path(__file__).parents[2])} and run this test: "
    "it writes the file anew and fails once. Then look at the difference and commit it."
)
STAFF_MARKS = ("staff", "supervisor")
PLACE = re.compile(r"<(?:any\('?(?P<first>[\w-]+)[^)]*\):|(?P<kind>int|path):)?(?P<name>\w+)>")
VALUES = {"day": "2026-11-30", "filename": "portal.css"}


class Route(NamedTuple):
    """One method of one address."""

    method: str
    path: str
    endpoint: str
    mark: str

    def address(self, key: str = "abcdefghjkmn") -> str:
        """A plausible address of this route."""

        def fill(place: re.Match[str]) -> str:
            return place["first"] or ("1" if place["kind"] == "int" else VALUES.get(place["name"], key))

        address = PLACE.sub(fill, self.path)
        assert "<" not in address, f"this test does not know what to put into {self.path}"
        return address

    @property
    def takes_signed_calls(self) -> bool:
        """True for a plugin's address whose callers carry a signature and have no form."""
        return self.endpoint.startswith("plugin_") and self.mark in ("signed", "webhook")


def mark_of(app: Flask, endpoint: str) -> str:
    """The access mark of a view; Flask's own views of static files cannot carry one."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return "public"
    return getattr(app.view_functions[endpoint], "portal_access", "none")


def routes(app: Flask, *methods: str) -> list[Route]:
    """All routes of the application, or those of some methods."""
    return sorted(
        Route(method, rule.rule, rule.endpoint, mark_of(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not methods or method in methods
    )


@pytest.fixture
def without_form_token(app: Flask) -> Iterator[None]:
    """The form token is not asked for, so that a request gets as far as the question who sends it."""
    app.config["WTF_CSRF_ENABLED"] = False
    yield
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def citizen(app: Flask) -> Person:
    """Somebody without a post."""
    with transaction():
        person = Person(first_name="Μαρία")
        db.session.add(person)
    return person


def call(client: Any, route: Route, key: str = "abcdefghjkmn") -> Any:
    return client.open(route.address(key), method=route.method)


def leads_to_login(response: Any, door: str) -> bool:
    """True for a redirect to the login of this door; after a form, to the page that stands before it."""
    address = "/login/staff" if door == "staff" else "/login"
    before = f"/login/{door}/first"
    found = (response.status_code, (response.location or "").split("?")[0])
    return found in ((302, address), (303, before))


def test_every_route_has_an_access_mark(app: Flask) -> None:
    unmarked = [route for route in routes(app) if route.mark not in MARKS]
    assert not unmarked
    assert {"public", "citizen", "staff", "supervisor", "signed"} <= {route.mark for route in routes(app)}


def test_no_address_is_lost_added_or_opened_unnoticed(app: Flask) -> None:
    present = [" ".join(route) for route in sorted(routes(app), key=lambda route: (route.path, route.method))]
    if not STORED.exists():
        STORED.write_text("\n".join(present) + "\n", encoding="utf-8")
        pytest.fail(f"{STORED.name} was written anew; look at the difference and commit it")
    stored = STORED.read_text(encoding="utf-8").splitlines()
    gone, new = sorted(set(stored) - set(present)), sorted(set(present) - set(stored))
    assert not gone and not new, f"gone: {gone}\nnew: {new}\n{HOW_TO_STORE}"
    assert stored == present, f"{STORED.name} is out of order. {HOW_TO_STORE}"


def test_the_addresses_of_staff_are_those_below_staff(app: Flask) -> None:
    for route in routes(app):
        assert (route.mark in STAFF_MARKS) == route.path.startswith("/staff/"), route


def test_a_form_without_its_token_is_refused(app: Flask, client: Browser) -> None:
    expired = [route for route in routes(app, "POST") if not route.takes_signed_calls]
    assert len(expired) > 20
    for route in expired:
        response = call(client, route)
        assert response.status_code == 400, (route, response.status_code)


def test_the_token_is_what_is_refused(app: Flask, client: Browser, without_form_token: None) -> None:
    """The control of the test above: with the check switched off the same requests are not bad ones."""
    guarded = [route for route in routes(app, "POST") if route.mark not in ("public", "signed", "webhook")]
    assert all(call(client, route).status_code == 303 for route in guarded)


def test_nobody_gets_behind_the_login_without_it(
    app: Flask, client: Browser, without_form_token: None
) -> None:
    guarded = [route for route in routes(app) if route.mark not in ("public", "signed", "webhook")]
    assert len(guarded) > 30
    for route in guarded:
        door = "staff" if route.mark in BEHIND_THE_STAFFS_DOOR else "citizens"
        response = call(client, route)
        assert leads_to_login(response, door), (route, response.status_code, response.location)


def test_a_signed_address_with_a_false_signature_opens_nothing(
    app: Flask, client: Browser, without_form_token: None
) -> None:
    for route in [route for route in routes(app) if route.mark in ("signed", "webhook")]:
        response = call(client, route)
        assert 400 <= response.status_code < 500, (route, response.status_code)


def test_a_citizen_gets_no_page_of_staff(
    app: Flask,
    client: Browser,
    citizen: Person,
    log_in: Callable[..., None],
    without_form_token: None,
) -> None:
    for route in [route for route in routes(app) if route.mark in STAFF_MARKS]:
        log_in(client, citizen)
        response = call(client, route)
        assert leads_to_login(response, "staff"), (route, response.status_code)
        log_in(client, citizen, door="staff")
        assert call(client, route).status_code == 403, route


def test_the_citizen_is_logged_in_nevertheless(
    client: Browser, citizen: Person, log_in: Callable[..., None]
) -> None:
    """The control of the test above."""
    log_in(client, citizen)
    assert client.get("/appointments").status_code == 200


def of_one_appointment(app: Flask, below: str) -> list[Route]:
    """The routes about one appointment."""
    return [route for route in routes(app) if route.path.startswith(f"{below}<key>")]


def browser_of(counter: Any) -> Browser:
    counter.app.config["WTF_CSRF_ENABLED"] = False
    return Browser(counter.app, counter.app.response_class)


def clerks(appointment: Appointment) -> Iterator[Person]:
    """Clerks who have no business with the appointment: some of its own office, some of another."""
    for membership in db.session.scalars(select(Membership).where(Membership.role == "clerk")):
        if membership.active and not may_serve(membership.person, appointment):
            yield membership.person


def test_a_clerk_is_not_told_that_a_colleagues_appointment_exists(
    clock: Any, counter: Any, booked: Callable[..., Appointment], log_in: Callable[..., None]
) -> None:
    row = booked(counter)
    client = browser_of(counter)
    about_it = of_one_appointment(counter.app, "/staff/appointments/")
    others = list(clerks(row))
    assert len(about_it) > 10 and len(others) >= 2
    for stranger in others:
        log_in(client, stranger, door="staff")
        answers = {route: call(client, route, row.key).status_code for route in about_it}
        assert set(answers.values()) == {404}, {r: code for r, code in answers.items() if code != 404}
    log_in(client, row.clerk, door="staff")
    assert client.get(f"/staff/appointments/{row.key}").status_code == 200


def test_a_citizen_is_not_told_that_anothers_appointment_exists(
    clock: Any, counter: Any, booked: Callable[..., Appointment], log_in: Callable[..., None]
) -> None:
    row = booked(counter)
    client = browser_of(counter)
    with transaction():
        stranger = Person(first_name="Ελένη")
        db.session.add(stranger)
    about_it = of_one_appointment(counter.app, "/appointments/")
    assert len(about_it) >= 5
    log_in(client, stranger)
    for route in about_it:
        assert call(client, route, row.key).status_code == 404, route
    log_in(client, counter.citizen)
    assert client.get(f"/appointments/{row.key}").status_code == 200
