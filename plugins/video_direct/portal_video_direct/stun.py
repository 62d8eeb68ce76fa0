"""Asks STUN and TURN servers whether they serve us (RFC 8489, RFC 8656), for `portal try video`.

A STUN server must answer a Binding request; a TURN server must give an allocation to a fresh password,
which is handed back at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from .addresses import ServerAddress

WAITS = (0.5, 1.0, 1.5)
"""Seconds after which a question without an answer is asked again: on UDP words get lost."""
COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH = 0x001, 0x003, 0x004
SUCCESS, ERROR = 0x100, 0x110
USERNAME, INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
LIFETIME, REALM, NONCE, TRANSPORT = 0x000D, 0x0014, 0x0015, 0x0019
UDP = b"\x11\0\0\0"

Attributes = dict[int, bytes]


class NoAnswer(Exception):
    """Nobody answers there, or not in this language; the text says which."""


class OpenToStrangers(Exception):
    """The relay serves whoever asks."""


@dataclass(frozen=True)
class Answer:
    """What a server said to one question. ``code`` is 0 when it agreed, else like 401."""

    attributes: Attributes

    @property
    def code(self) -> int:
        given = self.attributes.get(ERROR_CODE, b"")
        return given[2] * 100 + given[3] if len(given) >= 4 else 0


class Line:
    """A connection to one server."""

    def __init__(self, connection: socket.socket, repeats: bool) -> None:
        self._connection = connection
        self._waits = WAITS if repeats else (sum(WAITS),)

    def ask(self, method: int, attributes: Attributes, key: bytes = b"") -> Answer:
        """Ask once; on UDP again while nothing comes. ``key`` signs the question."""
        number = secrets.token_bytes(12)
        question = _message(method, number, attributes, key)
        for wait in self._waits:
            self._connection.settimeout(wait)
            try:
                self._connection.sendall(question)
                return _answer(self._connection.recv(4096), method, number)
            except TimeoutError:
                continue
            except OSError as error:
                raise NoAnswer(f"nobody listens there ({type(error).__name__})") from error
        raise NoAnswer("no answer came")


def binding(address: ServerAddress) -> int:
    """Ask a server where it sees us; the answer is 0, or the code of its refusal. Raises NoAnswer."""
    with _line(address) as line:
        return line.ask(BINDING, {}).code


def allocation(address: ServerAddress, username: str, password: str) -> int:
    """Ask for a relay and give it back; the answer is 0, or the code of the refusal.

    Raises NoAnswer, and OpenToStrangers where no password is needed.
    """
    with _line(address) as line:
        first = line.ask(ALLOCATE, {TRANSPORT: UDP})
        if first.code == 0:
            raise OpenToStrangers
        if first.code != 401:
            return first.code
        realm, nonce = first.attributes.get(REALM, b""), first.attributes.get(NONCE, b"")
        who = {USERNAME: username.encode(), REALM: realm, NONCE: nonce}
        text = f"{username}:{realm.decode(errors='replace')}:{password}"
        key = hashlib.md5(text.encode(), usedforsecurity=False).digest()
        code = line.ask(ALLOCATE, {TRANSPORT: UDP, **who}, key).code
        if code == 0:
            line.ask(REFRESH, {LIFETIME: bytes(4), **who}, key)
        return code


@contextmanager
def _line(address: ServerAddress) -> Iterator[Line]:
    with ExitStack() as opened:
        try:
            connection = opened.enter_context(_connection(address))
            if address.encrypted:
                context = ssl.create_default_context()
                connection = opened.enter_context(
                    context.wrap_socket(connection, server_hostname=address.host)
                )
        except ssl.SSLError as error:
            raise NoAnswer(f"no encrypted line can be made ({error.reason})") from error
        except OSError as error:
            raise NoAnswer(f"nobody listens there ({type(error).__name__})") from error
        yield Line(connection, repeats=address.transport == "udp")


def _connection(address: ServerAddress) -> socket.socket:
    place = (address.host, address.port)
    if address.transport == "tcp":
        return socket.create_connection(place, timeout=sum(WAITS))
    family, kind, _, _, found = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
    connection = socket.socket(family, kind)
    connection.connect(found)
    return connection


def _message(method: int, number: bytes, attributes: Attributes, key: bytes) -> bytes:
    body = b"".join(_attribute(kind, value) for kind, value in attributes.items())
    if key:
        # The length already counts the signature, which is made over everything before itself.
        signed = struct.pack("!HHI", method, len(body) + 24, COOKIE) + number + body
        body += _attribute(INTEGRITY, hmac.digest(key, signed, "sha1"))
    return struct.pack("!HHI", method, len(body), COOKIE) + number + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _answer(data: bytes, method: int, number: bytes) -> Answer:
    if len(data) < 20 or data[4:20] != struct.pack("!I", COOKIE) + number:
        raise NoAnswer("what answers there is no STUN or TURN server")
    if struct.unpack("!H", data[:2])[0] not in (method | SUCCESS, method | ERROR):
        raise NoAnswer("the answer makes no sense")
    attributes: Attributes = {}
    place = 20
    while place + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, place)
        attributes.setdefault(kind, data[place + 4 : place + 4 + length])
        place += 4 + length + -length % 4
    return Answer(attributes)
