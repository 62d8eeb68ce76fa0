"""People with real browsers, the whole portal, and a real Keycloak at both doors."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal import create_app, demo
from portal.catalogue import import_file
from portal.config import load
from portal.db import db
from portal.testing.keycloak import Keycloak, Realm
from portal.testing.keycloak_realms import CLIENT_SECRET
from portal.testing.servers import store_server
from portal.testing.serving import Place

PATIENCE = 20_000
PASSWORD = "a password of the tests"
CLERK = "clerk:kep-central"

pytestmark = pytest.mark.timeout(300)


class Town:
    """The portal's address, its realm, and people who can log in there."""

    def __init__(self, url: str, realm: Realm) -> None:
        self.url, self.realm = url, realm

    def add(self, *roles: str, **fields: Any) -> tuple[str, str]:
        username = f"user.{secrets.token_hex(4)}"
        names = {"firstName": "Μαρία", "lastName": "Παπαδοπούλου", "email": f"{username}@example.gr"}
        afm = {"afm": "999100005"}
        subject = self.realm.add_person(
            username, PASSWORD, roles, afm, **{**names, "emailVerified": True, **fields}
        )
        return username, subject


@pytest.fixture(scope="module")
def town(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("portal")
    place = Place()
    # Another site than Keycloak's, so that cookies and forms are treated as in earnest.
    url = f"http://localhost:{place.port}"
    realm = keycloak.new_realm(f"town-{secrets.token_hex(3)}", url)
    with store_server(folder) as store:
        app = create_app(load({**_environment(folder, url, realm), "PORTAL_REDIS_URL": store}))
        with app.app_context():
            db.create_all()
            import_file(demo.CATALOGUE, ("email", "mailbox", "pickup"))
        place.serve(app)
        yield Town(url, realm)
        place.close()
        with app.app_context():
            db.engine.dispose()
        app.extensions["portal.exchange"].disconnect()


def _environment(folder: Path, url: str, realm: Realm) -> dict[str, str]:
    """The demonstration, but with Keycloak at both doors."""
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('enabled = ["identity_demo"', 'enabled = ["identity_keycloak"')
    text = text.replace('citizens = "demo", staff = "demo"', 'citizens = "keycloak", staff = "keycloak"')
    text += (
        f'\n[plugin.identity_keycloak]\nserver_url = "{realm.server.url}"\nrealm = "{realm.name}"\n'
        'client_id = "portal"\n'
    )
    file = folder / "town.toml"
    file.write_text(text, encoding="utf-8")
    return {
        "PORTAL_CONFIG": str(file),
        "PORTAL_INSTANCE": str(folder / "instance"),
        "PORTAL_BASE_URL": url,
        "PORTAL_IDENTITY_KEYCLOAK_CLIENT_SECRET": CLIENT_SECRET,
    }


class Visitor:
    """Somebody at a computer that nobody else has used."""

    def __init__(self, page: Any, town: Town) -> None:
        self.page, self.town = page, town

    def logs_in(self, username: str, door: str = "/login", password: str = PASSWORD) -> None:
        self.page.goto(self.town.url + door)
        self.types(username, password)

    def types(self, username: str, password: str = PASSWORD) -> None:
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("#kc-login")

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(f"{self.town.url}{path}", timeout=PATIENCE)

    def is_asked_for_a_password(self) -> None:
        self.page.wait_for_selector("#password", timeout=PATIENCE)


@pytest.fixture
def visitor(chromium: Any, town: Town) -> Iterator[Visitor]:
    context = chromium.new_context(locale="el-GR")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    refused: list[str] = []

    def note(line: Any) -> None:
        if "Security Policy" in line.text and line.location.get("url", "").startswith(town.url):
            refused.append(line.text)

    page.on("console", note)
    yield Visitor(page, town)
    context.close()
    assert refused == []


def test_a_citizen_logs_in_and_out_at_both_places(visitor: Visitor, town: Town) -> None:
    username, _ = town.add()
    visitor.page.goto(f"{town.url}/login")
    visitor.types(username, "wrong")
    visitor.page.wait_for_selector("#input-error, .pf-m-error, [aria-live]")
    visitor.types(username)
    visitor.is_at("/appointments")
    assert "Μαρία Παπαδοπούλου" in visitor.page.inner_text("header")
    visitor.page.click("form[action$='/logout'] button")
    visitor.is_at("/")
    assert "Αποσυνδεθήκατε" in visitor.page.inner_text("main")
    visitor.page.goto(f"{town.url}/appointments")
    visitor.is_asked_for_a_password()


def test_a_chosen_time_and_what_was_typed_survive_the_way_over_keycloak(visitor: Visitor, town: Town) -> None:
    username, subject = town.add()
    page = visitor.page
    page.goto(f"{town.url}/services/birth-certificate")
    page.click("a[href*='office=kep-central']")
    page.locator(".times").last.locator("button").last.click()
    page.get_by_role("link", name="Συνέχεια στη σύνδεση").click()
    visitor.types(username)
    page.fill("#remark", "Μισή πρόταση")
    # The identity server says that the login is over while the form is being filled in.
    town.realm.log_out(subject)
    page.click("form[action='/booking'] button.button--primary")
    page.get_by_role("link", name="Συνέχεια στη σύνδεση").click()
    visitor.types(username)
    page.wait_for_selector("#remark")
    assert page.input_value("#remark") == "Μισή πρόταση"
    assert "δεσμευμένη" in page.inner_text(".hold")


def test_staff_hold_the_posts_that_keycloak_grants_and_lose_them_there(visitor: Visitor, town: Town) -> None:
    username, subject = town.add(CLERK)
    visitor.logs_in(username, "/login/staff")
    visitor.is_at("/staff/")
    town.realm.withdraw(subject, CLERK)
    town.realm.log_out(subject)
    visitor.page.goto(f"{town.url}/staff/")
    visitor.page.get_by_role("link", name="Συνέχεια στη σύνδεση").click()
    visitor.types(username)
    visitor.is_at("/staff/")
    assert visitor.page.locator(".day-head").count() == 0
    assert visitor.page.locator("main form[action$='/logout']").count() == 1


def test_the_citizens_door_makes_nobody_a_clerk(visitor: Visitor, town: Town) -> None:
    username, _ = town.add(CLERK)
    visitor.logs_in(username)
    visitor.is_at("/appointments")
    assert visitor.page.locator("nav a[href='/staff/']").count() == 0


def test_an_account_that_is_switched_off_gets_no_further_than_keycloak(visitor: Visitor, town: Town) -> None:
    username, subject = town.add()
    town.realm.change_person(subject, enabled=False)
    visitor.logs_in(username)
    visitor.page.wait_for_selector("#username")
    assert visitor.page.url.startswith(town.realm.server.url)
