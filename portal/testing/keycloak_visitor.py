"""Somebody in front of Keycloak's own pages, who fills its forms over HTTP; no script runs.

Tests of logins use it where a whole browser would only cost time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

MOST_STEPS = 15


@dataclass
class Visitor:
    """Keeps cookies; ``page`` is what Keycloak shows, ``back`` where it sent the browser away to."""

    _client: httpx.Client = field(repr=False)
    page: str = field(default="", repr=False)
    status: int = 0
    address: str = field(default="", repr=False)
    back: str = field(default="", repr=False)

    def open(self, address: str) -> Visitor:
        """Follow ``address`` until Keycloak shows a page, or sends the browser to somebody else."""
        return self._follow(self._client.get(address), address)

    def submit(self, values: Mapping[str, str], form: int = 0) -> Visitor:
        """Send a form of the page, the first one unless said otherwise, as Keycloak wrote it."""
        forms = re.findall(r'<form[^>]*\baction="([^"]*)"', self.page)
        address = urljoin(self.address, unescape(forms[form]))
        return self._follow(self._client.post(address, data=dict(values)), address)

    def send(self, address: str, values: Mapping[str, str]) -> Visitor:
        """Send a form of the portal to ``address``, and follow as `open` does."""
        return self._follow(self._client.post(address, data=dict(values)), address)

    def log_in(self, address: str, username: str, password: str) -> dict[str, str]:
        """Go to ``address``, type name and password, and bring the query with which the portal is called."""
        self.open(address)
        if not self.back:
            self.submit({"username": username, "password": password})
        return self.answer

    @property
    def answer(self) -> dict[str, str]:
        """The query with which the browser was sent back; empty while Keycloak shows a page."""
        return dict(parse_qsl(urlsplit(self.back).query))

    def _follow(self, response: httpx.Response, address: str) -> Visitor:
        self.back = ""
        home = urlsplit(address).netloc
        for _step in range(MOST_STEPS):
            if not response.has_redirect_location:
                self.page, self.status, self.address = response.text, response.status_code, str(response.url)
                return self
            target = urljoin(str(response.url), response.headers["Location"])
            if urlsplit(target).netloc != home:
                self.back, self.page, self.status = target, "", response.status_code
                return self
            response = self._client.get(target)
        raise AssertionError("Keycloak sends the browser around in a circle")


class _OwnMachine(httpx.HTTPTransport):
    """Browsers keep Secure cookies of their own machine without TLS too, and Keycloak relies on that."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        plain = [(name, re.sub(rb"(?i);\s*secure", b"", value)) for name, value in response.headers.raw]
        response.headers = httpx.Headers(plain)
        return response


@contextmanager
def visitor() -> Iterator[Visitor]:
    """A browser without cookies of anybody."""
    with httpx.Client(timeout=60, follow_redirects=False, transport=_OwnMachine()) as client:
        yield Visitor(client)
