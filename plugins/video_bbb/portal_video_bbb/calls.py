"""The calls to BigBlueButton, and which of its refusals passes by itself, which needs an administrator.

All calls made here may be repeated without harm. No address, checksum or secret stands in any failure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NoReturn

import httpx

from portal.plugin_api import (
    ConfigurationFailure,
    PermanentFailure,
    PluginContext,
    ProviderFailure,
    TemporaryFailure,
)

from . import answers
from .answers import Answer
from .settings import BbbSettings
from .signing import Value, signed

TIMES = httpx.Timeout(10, connect=3)
"""Seconds. Creating a meeting is slow when a cluster looks for a server; taking the line is not."""
BAD_REQUEST = "HTTP 400"
"""The key of an answer that has only a status: b3lb says so for a meeting that it does not know."""
NOT_NOW = frozenset({"", "serverUnavailable", "serverTagUnavailable", "internalError"})
"""A cluster without a free server; b3lb says it without any key."""
NOT_ACCEPTED = (
    "BigBlueButton does not accept the signature; compare PORTAL_VIDEO_BBB_SECRET with what"
    " `bbb-conf --secret` prints there, then checksum"
)


class BbbServer:
    """BigBlueButton, or the balancer before several."""

    def __init__(self, context: PluginContext[BbbSettings], settings: BbbSettings | None = None) -> None:
        self._http = context.http
        self._settings = settings or context.settings

    def ask(self, call: str, values: Mapping[str, Value], expected: Collection[str] = ()) -> Answer:
        """One signed call. The answer is a success, or a refusal whose key is among ``expected``.

        Raises a `ProviderFailure` for everything else.
        """
        answer = self.answer(self._send(signed(self._settings, call, values)))
        if not answer.succeeded and answer.key not in expected:
            raise _failure(call, answer.key)
        return answer

    def version(self) -> str:
        """What the server tells of its version without a signature; often nothing."""
        answer = self.answer(self._send(self._settings.base_url))
        return answer.text("bbbVersion")

    def follow(self, address: str) -> httpx.Response:
        """What a browser would get first at a signed address of ours. Redirects are not followed."""
        return self._send(address)

    def answer(self, response: httpx.Response) -> Answer:
        """The status comes first, then whether it is XML, then what it says."""
        status = response.status_code
        if status == 400:
            return Answer(False, BAD_REQUEST)
        if status != 200:
            _raise_for(status)
        return answers.read(response.content)

    def _send(self, address: str) -> httpx.Response:
        try:
            response = self._once(address)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return self._last(address)
        return self._last(address) if response.status_code in (502, 503, 504) else response

    def _last(self, address: str) -> httpx.Response:
        try:
            return self._once(address)
        except httpx.HTTPError as error:
            raise _no_answer(error) from None

    def _once(self, address: str) -> httpx.Response:
        request = self._http.build_request("GET", address, timeout=TIMES)
        # One client serves everybody: no cookie of one call may go along with another.
        request.headers.pop("Cookie", None)
        try:
            return self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.HTTPError as error:
            raise _no_answer(error) from None


def _no_answer(error: httpx.HTTPError) -> TemporaryFailure:
    # The words of some of these exceptions quote the address; only the certificate's may be told.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return TemporaryFailure("the certificate at base_url is not one that this machine trusts")
    return TemporaryFailure(f"BigBlueButton does not answer ({type(error).__name__})")


def _raise_for(status: int) -> NoReturn:
    if status in (401, 403):
        raise ConfigurationFailure(f"{NOT_ACCEPTED} ({status})")
    if status == 404:
        raise ConfigurationFailure("nothing is there; check base_url (404)")
    if 300 <= status < 400:
        raise ConfigurationFailure(
            f"the address leads elsewhere ({status}); set base_url to where it leads in the end"
        )
    raise TemporaryFailure(f"BigBlueButton answers {status}")


def _failure(call: str, key: str) -> ProviderFailure:
    if key == "checksumError":
        return ConfigurationFailure(NOT_ACCEPTED)
    if key == "unsupportedRequest":
        return ConfigurationFailure(f"what is at base_url knows no call {call}; check base_url")
    if key in NOT_NOW:
        return TemporaryFailure(f"BigBlueButton cannot serve {call} now ({key or 'it does not say why'})")
    return PermanentFailure(f"BigBlueButton refuses {call}: {key}")
