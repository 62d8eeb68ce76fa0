"""The connection manager at ``/http-bind``, as far as the login: XMPP over BOSH, a token in the address."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime

from .tokens import ServerKeys, TokenRefused, verify

PAGE = "<html><head><title>Prosody BOSH endpoint</title></head><body>It works!</body></html>"
_BODY = "<body xmlns='http://jabber.org/protocol/httpbind' {attributes}>{content}</body>"
_FEATURES = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>"
)


class ConnectionManager:
    """Opens sessions and lets them log in."""

    def __init__(self, keys: Callable[[], ServerKeys], clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock
        self.sessions: dict[str, str] = {}
        """The token of each open session."""
        self._next: dict[str, int] = {}

    def answer(self, body: str, token: str) -> str:
        """What comes back for one request."""
        rid, sid = (_attribute(body, name) for name in ("rid", "sid"))
        if not rid.isdigit():
            return _ended("bad-request")
        if not sid:
            return self._begin(body, token, int(rid))
        if sid not in self.sessions or self._next[sid] != int(rid):
            return _ended("item-not-found")
        self._next[sid] += 1
        if _attribute(body, "type") == "terminate":
            self.sessions.pop(sid)
            return _BODY.format(attributes="type='terminate'", content="")
        return _BODY.format(attributes=f"sid='{sid}'", content=self._login(body, sid))

    def _begin(self, body: str, token: str, rid: int) -> str:
        if _attribute(body, "to") != self._keys().domain:
            return _ended("host-unknown")
        sid = secrets.token_hex(16)
        self.sessions[sid], self._next[sid] = token, rid + 1
        return _BODY.format(attributes=f"sid='{sid}' wait='5' requests='2'", content=_FEATURES)

    def _login(self, body: str, sid: str) -> str:
        space = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
        if _attribute(body, "mechanism") != "ANONYMOUS":
            return f"<failure {space}><invalid-mechanism/></failure>"
        token = self.sessions[sid]
        try:
            if token or not self._keys().allow_empty_token:
                verify(token, self._keys(), self._clock())
        except TokenRefused as refused:
            text = str(refused).replace("'", "&apos;")
            return f"<failure {space}><not-allowed/><text>{text}</text></failure>"
        return f"<success {space}/>"


def _attribute(body: str, name: str) -> str:
    found = re.search(rf"""\s{name}=["']([^"']*)["']""", body)
    return found[1] if found else ""


def _ended(condition: str) -> str:
    return _BODY.format(attributes=f"type='terminate' condition='{condition}'", content="")
