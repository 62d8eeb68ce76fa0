"""The two calls to GSIS: a code becomes a token, a token becomes a person. Used by provider and trial."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from portal.plugin_api import (
    ConfigurationFailure,
    LoginRefused,
    PluginContext,
    ProviderFailure,
    TemporaryFailure,
)

from . import userinfo
from .settings import Client, GsisSettings

LARGEST = 256 * 1024
"""Bytes of one answer. A login page is far smaller."""
LONGEST_CONNECT = 4.0
"""Seconds. A server that is there takes the line at once."""
SETTINGS_ARE_WRONG = frozenset(
    {
        "invalid_client",
        "unauthorized_client",
        "unauthorized",
        "invalid_request",
        "invalid_scope",
        "unsupported_grant_type",
        "unsupported_response_type",
        "redirect_uri_mismatch",
    }
)
"""Errors of OAuth 2 (RFC 6749, 4.1.2.1 and 5.2), and two of the server family that GSIS runs."""


@dataclass(frozen=True)
class Answer:
    """What came back from GSIS."""

    status: int
    body: bytes = field(repr=False)
    location: str = field(default="", repr=False)

    def json(self) -> Mapping[str, Any] | None:
        """The JSON object that it is, or None."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @property
    def error(self) -> str:
        """The error that it tells in JSON, as a plain word; empty when there is none."""
        told = (self.json() or {}).get("error")
        return told if isinstance(told, str) and re.fullmatch(r"[a-z_]{1,40}", told) else ""


class Deadline:
    """How many seconds are left for all calls of one login."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; raises TemporaryFailure when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TemporaryFailure("GSIS takes too long to answer")
        return left


class GsisServer:
    """GSIS as one login sees it."""

    def __init__(self, context: PluginContext[GsisSettings], deadline: Deadline) -> None:
        self._http = context.http
        self._deadline = deadline

    def token(self, client: Client, code: str, return_url: str) -> str:
        """The token for ``code``; the client's credentials go into the body, as all known clients do it.

        Raises LoginRefused for a code that does not hold (any more), ConfigurationFailure when GSIS does
        not accept the client, TemporaryFailure for everything else.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "client_id": client.client_id,
            "client_secret": client.secret.get_secret_value(),
            "scope": client.scope,
        }
        answer = self.ask("POST", client.token, data=form, headers={"Accept": "application/json"})
        if answer.error or answer.status != 200:
            raise _refused_code(client, answer)
        token = (answer.json() or {}).get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,4096}", token):
            raise TemporaryFailure("GSIS answers the code without a token")
        return token

    def person(self, client: Client, token: str) -> Mapping[str, str]:
        """The attributes of the person whose token it is. Raises like `token`."""
        # In the header, because addresses reach logs.
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/xml"}
        answer = self.ask("GET", client.userinfo, headers=headers)
        # GSIS answers errors in JSON even where XML was asked for.
        if answer.error or answer.status != 200 or answer.json() is not None:
            raise _refused_token(client, answer)
        return userinfo.read(answer.body)

    def ask(
        self, method: str, url: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One call. Raises TemporaryFailure when there is no answer in time."""
        left = self._deadline.left()
        timeout = httpx.Timeout(left, connect=min(left, LONGEST_CONNECT))
        try:
            request = self._http.build_request(method, url, data=data, headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ValueError):
            raise ConfigurationFailure("base_url with its paths is no address that can be called") from None
        # One client serves everybody: no cookie from one person's login may go along with another's.
        request.headers.pop("Cookie", None)
        try:
            response = self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _no_answer(error) from None
        try:
            return Answer(response.status_code, self._read(response), response.headers.get("Location", ""))
        except httpx.HTTPError as error:
            raise _no_answer(error) from None
        finally:
            response.close()

    def _read(self, response: httpx.Response) -> bytes:
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            self._deadline.left()
            if len(body) > LARGEST:
                raise TemporaryFailure("GSIS answers more than makes sense")
        return body


def _no_answer(error: httpx.HTTPError) -> TemporaryFailure:
    # The words of some of these exceptions quote the request; only the certificate's may be told.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return TemporaryFailure("the certificate at base_url is not one that this machine trusts")
    return TemporaryFailure(f"GSIS does not answer ({type(error).__name__})")


def _refused_code(client: Client, answer: Answer) -> ProviderFailure:
    if answer.error == "invalid_grant":
        return LoginRefused("GSIS does not accept the code: used before, too old, or not its own", "expired")
    if answer.error in ("invalid_client", "unauthorized") or (
        not answer.error and answer.status in (401, 403)
    ):
        words = f"GSIS does not accept this client; compare {client.settings} with what GSIS gave you"
        return ConfigurationFailure(words)
    if answer.error in SETTINGS_ARE_WRONG:
        return ConfigurationFailure(f"GSIS answers {answer.error}; compare {client.settings}, and scope")
    if answer.status == 404:
        words = f"nothing is there for codes; check base_url, {client.prefix}context and token_path"
        return ConfigurationFailure(words)
    return TemporaryFailure(f"GSIS does not exchange codes now ({answer.error or answer.status})")


def _refused_token(client: Client, answer: Answer) -> ProviderFailure:
    if answer.error == "insufficient_scope" or (not answer.error and answer.status == 403):
        words = f"GSIS lets this client read nothing about people; compare scope and {client.settings}"
        return ConfigurationFailure(words)
    if answer.status == 404:
        words = f"nothing is there about people; check base_url, {client.prefix}context and userinfo_path"
        return ConfigurationFailure(words)
    return TemporaryFailure(f"GSIS tells nothing about the person now ({answer.error or answer.status})")
