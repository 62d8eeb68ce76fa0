"""A citizen with a real browser, the whole portal, and the stand-in for GSIS: in, out, and all that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal import create_app, demo
from portal.catalogue import import_file
from portal.config import load
from portal.db import db
from portal.testing.gsis import ANNA, ELENI, FIRM, GsisSimulator, RegisteredClient, Taxpayer, faults
from portal.testing.page_lint import lint
from portal.testing.serving import Place

CLIENT = "portal-of-zografou"
PATIENCE = 15_000


@pytest.fixture(scope="module")
def gsis() -> Iterator[GsisSimulator]:
    server = GsisSimulator()
    yield server
    server.close()


@pytest.fixture(scope="module")
def portal(gsis: GsisSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The portal's address: another site than GSIS, so that cookies and forms are treated as in earnest."""
    place = Place()
    url = f"http://localhost:{place.port}"
    app = create_app(load(_environment(tmp_path_factory.mktemp("portal"), url, gsis)))
    with app.app_context():
        db.create_all()
        import_file(demo.CATALOGUE, ("email", "mailbox", "pickup"))
    known = RegisteredClient(CLIENT, "a-secret", frozenset({f"{url}/login/back"}), frozenset({f"{url}/"}))
    gsis.register(known)
    place.serve(app)
    yield url
    place.close()
    with app.app_context():
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def _environment(folder: Path, url: str, gsis: GsisSimulator) -> dict[str, str]:
    """The demonstration, but with GSIS at the citizens' door."""
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('enabled = ["', 'enabled = ["identity_gsis", "').replace(
        'citizens = "demo"', 'citizens = "gsis"'
    )
    text += f'\n[plugin.identity_gsis]\nbase_url = "{gsis.url}"\nclient_id = "{CLIENT}"\n'
    file = folder / "town.toml"
    file.write_text(text, encoding="utf-8")
    return {
        "PORTAL_CONFIG": str(file),
        "PORTAL_INSTANCE": str(folder / "instance"),
        "PORTAL_BASE_URL": url,
        "PORTAL_IDENTITY_GSIS_CLIENT_SECRET": "a-secret",
    }


class Person:
    """Somebody at a computer that nobody else has used."""

    def __init__(self, page: Any, portal: str) -> None:
        self.page, self.portal = page, portal

    def goes_to_log_in(self) -> None:
        self.page.goto(f"{self.portal}/login")

    def types_codes(self, taxpayer: Taxpayer, password: str = "") -> None:
        self.page.get_by_label("Όνομα χρήστη").fill(taxpayer.username)
        self.page.get_by_label("Κωδικός").fill(password or taxpayer.password)
        self.page.get_by_role("button", name="Σύνδεση").click()

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def logs_in(self, taxpayer: Taxpayer) -> None:
        self.goes_to_log_in()
        self.types_codes(taxpayer)
        self.presses("Αποστολή")

    def logs_out(self) -> None:
        self.page.locator("form[action$='/logout'] button").click()

    def is_at(self, path: str) -> None:
        self.page.wait_for_url(f"{self.portal}{path}", timeout=PATIENCE)

    def is_asked_for_codes(self) -> None:
        self.page.get_by_role("heading", name="Αυθεντικοποίηση χρηστών").wait_for(timeout=PATIENCE)

    def reads_that_nobody_is_logged_in(self) -> None:
        """A page of the portal, in order, that offers to try again."""
        self.page.locator("a[href^='/login']").first.wait_for(timeout=PATIENCE)
        assert self.page.url.startswith(self.portal)
        assert lint(self.page.content(), "el") == []
        assert self.page.locator("header form[action$='/logout']").count() == 0


@pytest.fixture
def person(chromium: Any, portal: str, gsis: GsisSimulator) -> Iterator[Person]:
    gsis.faults.clear()
    context = chromium.new_context(locale="el-GR")
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda line: "Security Policy" in line.text and refused.append(line.text))
    yield Person(page, portal)
    context.close()
    assert refused == []


def test_a_citizen_logs_in_with_the_codes_of_taxisnet_and_out_at_both_places(person: Person) -> None:
    person.logs_in(ELENI)
    person.is_at("/appointments")
    assert "ΕΛΕΝΗ ΔΟΚΙΜΑΣΤΙΚΟΥ" in person.page.inner_text("header")
    person.logs_out()
    person.is_at("/")
    person.goes_to_log_in()
    person.is_asked_for_codes()
    person.logs_in(ANNA)
    person.is_at("/appointments")
    assert "ΠΑΠΑΔΟΠΟΥΛΟΥ ΞΗΡΟΤΥΡΗ" in person.page.inner_text("header")


def test_whoever_is_still_logged_in_at_gsis_is_let_in_without_codes(person: Person) -> None:
    person.logs_in(ELENI)
    person.is_at("/appointments")
    person.page.context.clear_cookies(name="portal")
    person.goes_to_log_in()
    person.is_at("/appointments")


def test_whoever_does_not_agree_comes_back_without_a_login_and_may_try_again(person: Person) -> None:
    person.goes_to_log_in()
    person.types_codes(ELENI)
    person.presses("Άρνηση")
    person.reads_that_nobody_is_logged_in()
    person.page.locator("main a[href^='/login']").first.click()
    person.presses("Αποστολή")
    person.is_at("/appointments")


def test_wrong_codes_are_a_matter_between_the_citizen_and_gsis(person: Person) -> None:
    person.goes_to_log_in()
    person.types_codes(ELENI, password="wrong")
    person.page.get_by_role("alert").wait_for(timeout=PATIENCE)
    person.types_codes(ELENI)
    person.presses("Αποστολή")
    person.is_at("/appointments")


def test_the_codes_of_a_business_open_nothing_and_the_page_says_which_ones_do(person: Person) -> None:
    person.logs_in(FIRM)
    person.reads_that_nobody_is_logged_in()
    assert "Συνδεθείτε με τους προσωπικούς σας κωδικούς" in person.page.inner_text("main")
    person.presses("Αποσύνδεση από τη σελίδα σύνδεσης")
    person.is_at("/")
    person.logs_in(ELENI)
    person.is_at("/appointments")


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("token", faults.maintenance),
        ("userinfo", faults.maintenance),
    ],
)
def test_when_gsis_cannot_say_who_it_is_the_portal_says_so(
    person: Person, gsis: GsisSimulator, endpoint: str, fault: faults.Fault
) -> None:
    gsis.faults[endpoint] = fault
    person.logs_in(ELENI)
    person.reads_that_nobody_is_logged_in()
    gsis.faults.clear()
    person.goes_to_log_in()
    person.is_at("/appointments")


def test_the_way_back_leads_to_gsis_while_it_is_under_maintenance(
    person: Person, gsis: GsisSimulator
) -> None:
    gsis.faults["authorize"] = faults.maintenance
    person.goes_to_log_in()
    person.page.get_by_role("heading", name="Εργασίες συντήρησης").wait_for(timeout=PATIENCE)


def test_the_chosen_time_is_still_there_after_the_way_over_gsis(person: Person) -> None:
    page = person.page
    page.goto(f"{person.portal}/services/birth-certificate")
    page.click("a[href*='office=kep-central']")
    page.locator(".times").last.locator("button").last.click()
    # A page of the portal stands between the form and the other site; the content policy wants it so.
    page.get_by_role("link", name="Συνέχεια στη σύνδεση").wait_for(timeout=PATIENCE)
    assert lint(page.content(), "el") == []
    page.get_by_role("link", name="Συνέχεια στη σύνδεση").click()
    person.is_asked_for_codes()
    person.types_codes(ELENI)
    person.presses("Αποστολή")
    page.locator("form[action='/booking']").first.wait_for(timeout=PATIENCE)
    assert "ΕΛΕΝΗ ΔΟΚΙΜΑΣΤΙΚΟΥ" in page.inner_text("header")
