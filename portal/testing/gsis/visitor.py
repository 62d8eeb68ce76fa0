"""Somebody at the pages of GSIS without a browser: follows redirects, keeps cookies, fills in the forms."""

from __future__ import annotations

import re
import ssl
from types import TracebackType
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from .people import Taxpayer


class Visitor:
    """One person; use it with ``with``. The answers are the query values that come back to the portal."""

    def __init__(self) -> None:
        # GSIS is on this machine and speaks plain HTTP; to read all certificates takes longer than a login.
        self._http = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def log_in(self, start: str, taxpayer: Taxpayer, agrees: bool = True) -> dict[str, str]:
        """From the address ``start`` through all pages that come, until GSIS sends the person away."""
        page = self._follow(self._http.get(start))
        while page.status_code == 200:
            page = self._follow(self._fill_in(page, taxpayer, agrees))
        assert page.is_redirect, f"GSIS answers {page.status_code} at {page.url.path}"
        return dict(parse_qsl(urlsplit(page.headers["Location"]).query))

    def get(self, address: str) -> httpx.Response:
        """One page, without following."""
        return self._http.get(address)

    def post(self, address: str, form: dict[str, str]) -> httpx.Response:
        """One form, without following."""
        return self._http.post(address, data=form)

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where GSIS leads within itself."""
        while answer.is_redirect:
            onward = urljoin(str(answer.url), answer.headers["Location"])
            if urlsplit(onward).netloc != answer.url.netloc.decode():
                return answer
            answer = self._http.get(onward)
        return answer

    def _fill_in(self, page: httpx.Response, taxpayer: Taxpayer, agrees: bool) -> httpx.Response:
        assert "authentication_error=true" not in str(page.url), "GSIS does not accept these codes"
        action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert action is not None, f"there is no form at {page.url.path}"
        answers = {
            "j_username": taxpayer.username,
            "j_password": taxpayer.password,
            "otp": taxpayer.one_time_code,
            "user_oauth_approval": "true" if agrees else "false",
            "scope.read": "true" if agrees else "false",
        }
        asked = set(re.findall(r'<input[^>]* name="([^"]+)"', page.text))
        form = {name: value for name, value in answers.items() if name in asked}
        return self._http.post(urljoin(str(page.url), action[1]), data=form)
