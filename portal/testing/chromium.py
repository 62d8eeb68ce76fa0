"""A real Chromium with an invented camera and microphone, for tests of calls and journeys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from portal.testing import servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The second of the invented cameras measures depth and cannot be sent; the third can. Ten pictures a
    # second are enough to see that they move, and leave the machine time for the tests.
    "--use-fake-device-for-media-stream=device-count=3,fps=10",
    "--use-fake-ui-for-media-stream",
    # Without a multicast network the disguised local addresses of a call cannot be resolved.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The browser; it ends with the block. Left out where Chromium is not installed."""
    from playwright.sync_api import sync_playwright

    program = servers.chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
