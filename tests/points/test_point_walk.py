"""A citizen looks for a point and books on a phone of 360 pixels, in Greek, with the keyboard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from portal_delivery_elta.points import EltaPoint
from portal_delivery_elta.settings import EltaSettings
from pydantic import SecretStr

from portal import create_app, demo
from portal.config import load
from portal.db import db, transaction
from portal.offices.models import Service
from portal.points import jobs
from portal.providers import current_providers
from portal.testing.elta import EltaSimulator, points
from portal.testing.fakes import choose
from portal.testing.serving import Place

SERVICE = "birth-certificate"
WAY = "input[name=delivery][value=elta_point]"
PICTURES = os.environ.get("PORTAL_SCREENSHOTS")


@pytest.fixture
def elta() -> Iterator[EltaSimulator]:
    """ELTA Courier with points all over the country."""
    server = EltaSimulator()
    server.services.points += points.many(2000)
    yield server
    server.close()


@pytest.fixture
def address(tmp_path: Path, elta: EltaSimulator, plugin_context: Callable[..., Any]) -> Iterator[str]:
    """The running demonstration, in which a document can be collected at a point too."""
    app = create_app(load({"PORTAL_INSTANCE": str(tmp_path / "instance")}))
    settings = EltaSettings(
        base_url=elta.url, user_code="9999999", password=SecretStr("9999999"), sender_code="999999999"
    )
    contract = settings.contract()
    assert contract is not None
    with app.app_context():
        db.create_all()
    demo.prepare(app)
    with app.app_context():
        way = EltaPoint(plugin_context("delivery_elta", settings), contract)
        choose(app, delivery=(*current_providers().delivery.values(), way))
        with transaction():
            service = db.session.query(Service).filter_by(key=SERVICE).one()
            service.deliveries = [*service.deliveries, way.name]
        jobs.refresh(way.name)
    place = Place()
    at = place.url
    object.__setattr__(app.config["PORTAL"].portal, "base_url", at)
    place.serve(app)
    yield at
    place.close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def look(page: Any, name: str, scripts: bool) -> None:
    """The page fits the window, and axe, which is a script itself, finds nothing."""
    page.wait_for_load_state("load")  # before its styles are there it may be wider
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name
    violations = Axe().run(page).response["violations"] if scripts else []
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == [], name
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def choose_a_time(page: Any, address: str) -> None:
    page.goto(f"{address}/services/{SERVICE}/times?office=kep-central")
    page.locator(".times").last.locator("button").last.press("Enter")
    page.click("main a.button--primary")
    page.click("button[value='maria.papadopoulou']")
    page.wait_for_selector("form[action='/booking']")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_a_point_is_found_and_chosen(chromium: Any, address: str, scripts: bool) -> None:
    context = chromium.new_context(
        locale="el-GR", viewport={"width": 360, "height": 740}, java_script_enabled=scripts
    )
    page = context.new_page()
    choose_a_time(page, address)
    assert not page.locator("#point_search").is_visible(), "only below its way"
    page.fill("#remark", "Για το παιδί μου")
    page.focus(WAY)
    page.keyboard.press("Space")
    page.fill("#point_search", "Ατλαντίδα")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#points [role=status]")
    look(page, "point-nowhere", scripts)
    page.fill("#point_search", "157 72")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=point]")
    assert page.locator("#point_search").is_visible()
    top = page.locator("#points").bounding_box()["y"]
    assert 0 <= top < 740, "the page comes back at the same place"
    look(page, "point-list", scripts)
    page.focus("input[name=point]")
    page.keyboard.press("Space")
    assert page.input_value("#remark") == "Για το παιδί μου"
    page.fill("#email", "maria@example.gr")
    page.fill("#phone", "690 000 0000")
    page.check("input[name=paper][value=id_card]")
    page.click("form[action='/booking'] button.button--primary")
    page.wait_for_selector(".panel")
    assert "ΚΑΤΑΣΤΗΜΑ ΖΩΓΡΑΦΟΥ, ΟΔΟΣ ΔΟΚΙΜΗΣ 1, 15772 ΖΩΓΡΑΦΟΥ" in page.inner_text("main")
    look(page, "point-booked", scripts)
    context.close()
