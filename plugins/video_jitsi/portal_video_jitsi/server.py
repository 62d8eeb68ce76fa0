"""The Jitsi server as an administrator's trial sees it: what it hands out to everybody, without a browser.

`JitsiServer.connected` opens a connection as a browser does (XMPP over BOSH, XEP-0206) to hear whether the
server takes a token. It enters no room.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import httpx

from portal.plugin_api import ConfigurationFailure, PluginContext, TemporaryFailure

from .settings import JitsiSettings

LARGEST = 4 * 1024 * 1024
"""Bytes of one answer; the largest of them, the script, has some hundred thousand."""
LONGEST_CONNECT = 4.0
REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    text: str = field(repr=False)
    headers: httpx.Headers = field(repr=False)


class JitsiServer:
    """All calls together may take ``seconds``."""

    def __init__(self, context: PluginContext[JitsiSettings], seconds: float) -> None:
        self._http = context.http
        self._base_url = context.settings.base_url
        self._domain = context.settings.domain
        self._end = time.monotonic() + seconds

    def get(self, path: str) -> Answer:
        """What lies at ``path``, whatever it is. Raises TemporaryFailure without an answer."""
        return self._ask("GET", path)

    def script(self) -> Answer:
        """The script of the call page.

        Raises ConfigurationFailure when there is none, TemporaryFailure when it cannot be had now.
        """
        answer = self.get("/external_api.js")
        if answer.status in (401, 403):
            raise ConfigurationFailure(
                f"the server refuses external_api.js ({answer.status}); everybody must be able to read it"
            )
        if answer.status in (404, 410) or 300 <= answer.status < 400:
            raise ConfigurationFailure(
                f"there is no Jitsi Meet at base_url: external_api.js answers {answer.status}; check base_url"
            )
        if answer.status != 200:
            raise TemporaryFailure(f"the server answers {answer.status} to external_api.js")
        if "javascript" not in answer.media_type or "JitsiMeetExternalAPI" not in answer.text:
            raise TemporaryFailure("something else stands where external_api.js should be; check base_url")
        return answer

    def connected(self, room: str, token: str = "") -> str:
        """Empty when the server lets ``token`` in, else the reason that it tells, in its own words.

        Raises ConfigurationFailure when it does not know the domain, TemporaryFailure when it says neither.
        """
        query = f"?room={quote(room)}" + (f"&token={quote(token)}" if token else "")
        rid = secrets.randbelow(2**40) + 1
        opened = self._stanza(
            query,
            f'<body rid="{rid}" to={quoteattr(self._domain)} xml:lang="en" wait="5" hold="1" ver="1.6" '
            'content="text/xml; charset=utf-8" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh" '
            'xmlns="http://jabber.org/protocol/httpbind"/>',
        )
        session = re.search(r"""\ssid=["']([\w-]{1,128})["']""", opened)
        if "host-unknown" in opened:
            raise ConfigurationFailure(
                f"the server does not know the domain {self._domain}; check xmpp_domain "
                "(in the docker images it is meet.jitsi)"
            )
        if session is None or "ANONYMOUS" not in opened:
            raise TemporaryFailure("unclear: the server offers no login by token here; make a test call")
        answer = self._stanza(
            query,
            f'<body rid="{rid + 1}" sid="{session[1]}" xmlns="http://jabber.org/protocol/httpbind">'
            '<auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></body>',
        )
        self._stanza(
            query,
            f'<body rid="{rid + 2}" sid="{session[1]}" type="terminate" '
            'xmlns="http://jabber.org/protocol/httpbind"/>',
        )
        return _reason(answer)

    def _stanza(self, query: str, body: str) -> str:
        answer = self._ask("POST", f"/http-bind{query}", body)
        if answer.status != 200:
            raise TemporaryFailure(f"the server's connection manager answers {answer.status} at /http-bind")
        return answer.text

    def _ask(self, method: str, path: str, body: str | None = None) -> Answer:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TemporaryFailure("the server takes too long to answer")
        timeout = httpx.Timeout(left, connect=min(left, LONGEST_CONNECT))
        headers = {"Content-Type": "text/xml; charset=utf-8"} if body else None
        try:
            answer = self._http.request(
                method, self._base_url + path, content=body, headers=headers, timeout=timeout
            )
        except httpx.HTTPError as error:
            raise _no_answer(error) from None
        if len(answer.content) > LARGEST:
            raise TemporaryFailure("the server answers more than makes sense")
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Answer(answer.status_code, media_type, answer.text, answer.headers)


def _reason(answer: str) -> str:
    """Why the login was refused; the words come from outside, so only plain ones are repeated."""
    if "<success" in answer:
        return ""
    if "<failure" not in answer:
        raise TemporaryFailure("unclear: the server says neither yes nor no to a login; make a test call")
    told = re.search(r"<text[^>]*>([^<]{1,120})</text>", answer)
    plain = re.sub(r"&\w+;|[^\w '().-]", "'", told[1]) if told else ""
    return plain or REFUSED


def _no_answer(error: httpx.HTTPError) -> TemporaryFailure:
    # The words of some of these exceptions quote the request, which may carry a token.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return TemporaryFailure("the certificate at base_url is not one that this machine trusts")
    return TemporaryFailure(f"the server at base_url does not answer ({type(error).__name__})")
