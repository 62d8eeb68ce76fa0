"""One walk over the desk of the demonstration in a browser: both languages, both widths, by keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from werkzeug.serving import make_server

from portal import create_app, demo
from portal.config import load
from portal.db import db

ROUNDS = [("el-GR", 1280), ("en-GB", 360)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a running demonstration, and the code of a document that lies ready in it."""
    app = create_app(load({"PORTAL_INSTANCE": str(tmp_path / "instance")}))
    with app.app_context():
        db.create_all()
    demo.prepare(app)
    with app.app_context():
        from portal.documents.models import Delivery

        code = db.session.query(Delivery).filter_by(state="prepared").one().code
    server = make_server("127.0.0.1", 0, app, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    object.__setattr__(app.config["PORTAL"].portal, "base_url", address)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield address, code
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def look(page: Any, width: int) -> None:
    """The page fits the window, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == [], page.url


def hand_over_and_undo(page: Any, code: str, width: int) -> None:
    """As a clerk does with a scanner and his keyboard."""
    page.focus("#desk-code")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hand-over")
    look(page, width)
    page.select_option("#paper", "passport")
    page.focus("#paper_seen")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/receipt")
    look(page, width)
    page.locator("form[action$='/undo'] button").press("Enter")
    page.wait_for_load_state("load")


def test_a_clerk_walks_over_his_desk(chromium: Any, desk: tuple[str, str]) -> None:
    address, code = desk
    for locale, width in ROUNDS:
        context = chromium.new_context(locale=locale, viewport={"width": width, "height": 800})
        page = context.new_page()
        page.goto(f"{address}/login/staff?next=/staff/deliveries")
        page.click("button[value='m.stathis']")
        page.wait_for_selector("#desk-code")
        look(page, width)
        hand_over_and_undo(page, code, width)
        page.goto(f"{address}/staff/deliveries?tray=problem")
        page.locator("#problem ~ .table-frame a.button").first.press("Enter")
        page.wait_for_url("**/other-way/**")
        look(page, width)
        page.check("input[name='delivery'][value='email']")
        page.fill("#email", "half@")
        page.keyboard.press("Enter")
        page.wait_for_selector("#email-error")
        look(page, width)
        context.close()
