"""Before a login ends the page warns, and one press extends it; in a browser, seconds stand for minutes."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from portal import create_app
from portal.config import SessionRules, load
from portal.db import db
from portal.testing.serving import Place

IDLE, WARNING = 12 / 60, 8 / 60
"""Minutes."""


@pytest.fixture
def page(chromium, tmp_path):
    """The citizen's appointments in a portal that logs out after twelve seconds."""
    app = create_app(load({"PORTAL_INSTANCE": str(tmp_path / "instance")}))
    config = app.config["PORTAL"]
    rules = SessionRules.model_construct(
        citizen_idle_minutes=IDLE,
        citizen_hours=1,
        staff_idle_minutes=60,
        staff_hours=1,
        warning_minutes=WARNING,
    )
    object.__setattr__(config, "sessions", rules)
    with app.app_context():
        db.create_all()
    place = Place()
    object.__setattr__(config.portal, "base_url", place.url)
    place.serve(app)
    context = chromium.new_context(locale="en-GB", viewport={"width": 320, "height": 640})
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: "Security Policy" in line.text and faults.append(line.text))
    page.goto(f"{config.portal.base_url}/login?next=/my-details")
    page.click("button[value='maria.papadopoulou']")
    page.wait_for_selector("h1")
    yield page
    context.close()
    place.close()
    with app.app_context():
        db.engine.dispose()
    assert faults == []


def test_the_page_warns_and_lets_the_reader_stay_and_says_when_it_is_over(page):
    stay = page.get_by_role("button", name="Stay logged in")
    assert not stay.is_visible()
    page.fill("input[name=street]", "Οδός Δοκιμής")
    stay.wait_for(timeout=10_000)
    assert "you will be logged out" in page.get_by_role("alert").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    stay.press("Enter")
    stay.wait_for(state="hidden", timeout=5_000)
    page.get_by_text("You have been logged out. What you have typed is still on this page").wait_for(
        timeout=25_000
    )
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Go on to the login").click()
    page.click("button[value='maria.papadopoulou']")
    page.wait_for_selector("input[name=street]")
    assert page.input_value("input[name=street]") == "Οδός Δοκιμής"
