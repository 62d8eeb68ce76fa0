"""The whole demonstration as one process tree, a real browser, and a close look at every page on the way."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from portal.testing.page_lint import lint

DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True},
}
LOCALES = {"el": "el-GR", "en": "en-GB"}
PATIENCE = 60
"""Seconds, for a machine that has much else to do."""
PICTURES = ("home", "times", "booked", "call-clerk", "staff-office-day", "case-issued")
"""Pages whose pictures the README shows; kept where PORTAL_SCREENSHOTS says."""


@dataclass
class Portal:
    """A portal that is running."""

    url: str


@dataclass
class Walker:
    """One person with a browser of his own, who looks closely at each page."""

    page: Page
    portal: Portal
    language: str
    device: str
    pictures: Path | None
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a path of the portal, or a full address of it."""
        self.page.goto(path if path.startswith("http") else self.portal.url + path)

    def look(self, name: str) -> None:
        """The page must pass the lint and axe, fit the window, and is kept as a picture if wanted."""
        self.page.wait_for_load_state("load")
        # Scripts and the browser's own picture-taking may set styles; the portal's pages carry none.
        found = [line for line in lint(self.page.content(), self.language) if " has style=" not in line]
        found += [
            f"axe {v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:3]}"
            for v in Axe().run(self.page).response["violations"]
        ]
        if self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            found.append("the page is wider than the window")
        self.complaints += [f"{name} ({self.language}, {self.device}): {problem}" for problem in found]
        if self.pictures and name in PICTURES:
            self.page.evaluate("window.scrollTo(0, 0)")
            self.page.screenshot(path=self.pictures / f"{name}-{self.language}-{self.device}.png")

    def enter(self, door: str, persona: str, path: str) -> None:
        """Log in at a door as somebody of the demonstration, on the way to a page."""
        self.go(f"/login/{door}?next={path}")
        self.page.click(f"button[value='{persona}']")
        self.page.wait_for_url(f"**{path}")

    def press(self, selector: str) -> None:
        """Reach the first of these with the Tab key, see the focus on it, and press Enter, which leads on.

        The way begins behind the navigation, where the skip link leads.
        """
        wanted = self.page.locator(selector).first.element_handle()
        self.page.focus("#main")
        for _step in range(120):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement === wanted", wanted):
                assert self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                with self.page.expect_navigation():
                    self.page.keyboard.press("Enter")
                return
        raise AssertionError(f"the keyboard does not get to {selector}")

    def sees(self, selector: str, seconds: float = PATIENCE) -> None:
        """Wait until something is on the page."""
        self.page.wait_for_selector(selector, timeout=seconds * 1000)

    def until(self, expression: str, seconds: float = PATIENCE) -> None:
        """Wait until an expression holds in the page. Playwright's own way needs eval."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"waited in vain for {expression}"
            time.sleep(0.2)

    def in_mail(self, to: str, pattern: str) -> str:
        """Wait for the newest mail to ``to`` in which ``pattern`` is found; answers what was found."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.go("/demo/mailbox")
            # Only his own are opened: while calls are running, each page takes its time.
            for href in self.page.eval_on_selector_all(
                ".mail-list li",
                """(items, to) => items.filter(item => item.innerText.includes(to))
                    .map(item => item.querySelector("a").getAttribute("href"))""",
                to,
            ):
                self.go(href)
                found = re.search(pattern, self.page.inner_text("main"))
                if found:
                    return found.group()
            time.sleep(0.5)
        raise AssertionError(f"no mail to {to} with {pattern}")

    def link_in_mail(self, to: str, part: str) -> str:
        """The address in a mail to ``to`` that has ``part`` in it."""
        return self.in_mail(to, rf"{re.escape(self.portal.url)}\S*{re.escape(part)}\S+")


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """`portal all`, as `make run` starts it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = (tmp_path_factory.mktemp("demo") / "log").open("wb")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")} | {
        "PORTAL_INSTANCE": str(tmp_path_factory.mktemp("instance")),
        "PORTAL_BIND": address,
        "PORTAL_BASE_URL": f"http://{address}",
    }
    command = [str(Path(sys.executable).with_name("portal")), "all"]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://{address}/health", process, Path(log.name))
        yield Portal(f"http://{address}")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, "the demonstration did not stop cleanly"
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture
def walker(chromium: Browser, portal: Portal) -> Iterator[Callable[..., Walker]]:
    """``walker("el", "phone")``: a new person with a browser of his own."""
    contexts: list[BrowserContext] = []
    walkers: list[Walker] = []
    folder = os.environ.get("PORTAL_SCREENSHOTS")
    pictures = Path(folder) if folder else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)

    def make(language: str, device: str, **options: object) -> Walker:
        context = chromium.new_context(locale=LOCALES[language], **DEVICES[device], **options)
        context.grant_permissions(["camera", "microphone"], origin=portal.url)
        contexts.append(context)
        person = Walker(context.new_page(), portal, language, device, pictures)
        person.page.on(
            "console",
            lambda message: _is_fault(message) and person.complaints.append(f"console: {message.text}"),
        )
        person.page.on("pageerror", lambda error: person.complaints.append(f"script: {error}"))
        walkers.append(person)
        return person

    yield make
    for context in contexts:
        context.close()
    complaints = [complaint for person in walkers for complaint in person.complaints]
    assert not complaints, "\n".join(complaints)


def _is_fault(message: ConsoleMessage) -> bool:
    """Browsers log every answer from 400 on; a form that comes back with its errors is no fault."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(f"the demonstration did not start: {log.read_text()}")
