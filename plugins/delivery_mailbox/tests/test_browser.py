"""A citizen with a real browser and his documents: by keyboard, without scripts, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from portal import create_app, demo
from portal.config import load
from portal.db import db
from portal.testing.page_lint import lint
from portal.testing.serving import Place

OWNER = "giorgos.nikolaidis"
PATIENCE = 30_000
DEVICES = {"phone": (360, 740), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration's address: its owner has documents that are new, opened and archived."""
    place = Place()
    url = f"http://localhost:{place.port}"
    app = create_app(
        load({"PORTAL_INSTANCE": str(tmp_path_factory.mktemp("portal")), "PORTAL_BASE_URL": url})
    )
    with app.app_context():
        db.create_all()
    demo.prepare(app)
    place.serve(app)
    yield url
    place.close()
    with app.app_context():
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def complaints(page: Any, language: str, with_axe: bool = True) -> list[str]:
    """What is wrong with the page as it stands in the browser."""
    found = [line for line in lint(page.content(), language) if " has style=" not in line]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        found.append("the page is wider than the window")
    if with_axe:
        found += [f"{one['id']}: {one['help']}" for one in Axe().run(page).response["violations"]]
    return found


def press(page: Any, locator: Any) -> None:
    """Reach it with the Tab key alone, and press Enter."""
    wanted = locator.element_handle()
    for _step in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement === wanted", wanted):
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            return
    raise AssertionError("the keyboard does not get there")


def enter(chromium: Any, portal: str, language: str, device: str, **options: Any) -> Any:
    """The owner's browser, logged in, on the page of his documents."""
    width, height = DEVICES[device]
    context = chromium.new_context(
        locale={"el": "el-GR", "en": "en-GB"}[language],
        viewport={"width": width, "height": height},
        **options,
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{portal}/my-documents")
    page.click(f"button[value='{OWNER}']")
    page.wait_for_url(f"{portal}/my-documents")
    return page


@pytest.mark.parametrize(("language", "device"), [("el", "phone"), ("en", "desktop")])
def test_documents_are_archived_and_brought_back_by_keyboard(
    chromium: Any, portal: str, language: str, device: str
) -> None:
    page = enter(chromium, portal, language, device)
    found = complaints(page, language)
    first = page.locator("li.box h2").first.inner_text()
    press(page, page.locator("form[action$='/archive'] button").first)
    page.wait_for_selector(".notice--success")
    press(page, page.locator("main a[href='/my-documents/archive']"))
    page.wait_for_url(f"{portal}/my-documents/archive")
    found += complaints(page, language)
    assert page.locator("li.box h2").first.inner_text() == first
    press(page, page.locator("form[action$='/bring-back'] button").first)
    page.wait_for_selector(".notice--success")
    page.goto(f"{portal}/my-documents")
    press(page, page.locator("main a[href$='/delete']").first)
    page.wait_for_url("**/delete")
    found += complaints(page, language)
    page.context.close()
    assert found == []


def test_a_document_is_opened_and_deleted_without_scripts(chromium: Any, portal: str) -> None:
    page = enter(chromium, portal, "el", "phone", java_script_enabled=False)
    new = page.locator("li.box", has=page.locator(".tag--yellow"))
    assert new.count() == 1
    protocol = new.locator("p .keep").inner_text()
    new.locator("a.button").click()
    with page.expect_download() as waited:
        page.locator("a[href$='/file']").click()
    assert waited.value.suggested_filename.endswith(".pdf")
    page.goto(f"{portal}/my-documents")
    opened = page.locator("li.box", has_text=protocol)
    assert opened.locator(".tag--green").count() == 1
    opened.locator("a[href$='/delete']").click()
    page.locator("form[action$='/delete'] button").click()
    page.wait_for_selector(".notice--success")
    assert page.locator("li.box", has_text=protocol).count() == 0
    assert lint(page.content(), "el") == []
    page.context.close()
