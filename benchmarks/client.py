"""A browser reduced to what costs time on the other side: one kept connection, cookies, hidden fields.

Raw sockets, because an HTTP library would use more of the machine than the portal that is measured.
"""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PATIENCE = 60.0
"""Seconds to wait for an answer."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^=\r\n]+)=([^;\r\n]*)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r\n]+)", re.IGNORECASE)
_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_ACTION = re.compile(r'action="([^"]*)"')
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def hidden_fields(self, action: str) -> dict[str, str]:
        """The hidden fields of the first form that posts to the path ``action``."""
        for form in _FORM.findall(self.text):
            target = _ACTION.search(form)
            if target and 'method="post"' in form and html.unescape(target[1]).partition("?")[0] == action:
                inputs = (dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(form))
                return {
                    i["name"]: html.unescape(i.get("value", "")) for i in inputs if i.get("type") == "hidden"
                }
        raise LookupError(f"no form for {action} on the page (status {self.status})")


class Browser:
    """One visitor of one portal. Not for several threads at once."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.cookies = dict(cookies or {})
        self._socket: socket.socket | None = None

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._ask(f"GET {path} HTTP/1.1\r\n{self._headers()}\r\n".encode())

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form. Redirects are told, not followed."""
        body = urlencode(fields)
        head = (
            f"POST {path} HTTP/1.1\r\n{self._headers()}"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return self._ask((head + body).encode())

    def close(self) -> None:
        """Give the connection back."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _headers(self) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return f"Host: 127.0.0.1:{self.port}\r\n" + (f"Cookie: {cookies}\r\n" if cookies else "")

    def _ask(self, request: bytes) -> Answer:
        """Send and read. A connection that the server has closed while it was idle is made anew."""
        kept = self._socket is not None
        try:
            head, body = self._exchange(request)
        except ConnectionError:
            self.close()
            if not kept:
                raise
            head, body = self._exchange(request)
        for name, value in _COOKIE.findall(head):
            self.cookies[name.decode()] = value.decode()
        location = _LOCATION.search(head)
        return Answer(int(head[9:12]), location[1].decode() if location else "", body)

    def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head, body = received[: end + 2], received[end + 4 :]
        length = content_length(head)
        while len(body) < length:
            body += self._receive()
        if b"\r\nconnection: close" in head.lower():
            self.close()
        return head, body

    def _receive(self) -> bytes:
        assert self._socket is not None
        piece = self._socket.recv(262144)
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        return piece


def content_length(head: bytes) -> int:
    """The length of the body that follows."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0
