"""Many connections that ask for the same page as fast as they are answered, from one thread.

One loop over all sockets costs a fraction of what the server needs for an answer.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field

from benchmarks.client import content_length


@dataclass
class Load:
    """What one measurement gave."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    """Seconds until each answer."""

    @property
    def per_second(self) -> float:
        return len(self.waits) / self.seconds


AWAKE = 40
"""Answers per second of a page that need not be made for the first time."""


class WrongAnswer(Exception):
    """The page under measurement did not answer 200."""


def hammer(port: int, path: str, seconds: float, connections: int = 8) -> Load:
    """Ask for ``path`` on so many kept connections for so long. Raises WrongAnswer."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    load = Load(seconds)
    with selectors.DefaultSelector() as selector:
        lines = [_Line(port, request, selector) for _ in range(connections)]
        try:
            begin = time.perf_counter()
            for line in lines:
                line.ask()
            while (now := time.perf_counter()) - begin < seconds:
                for key, _ in selector.select(timeout=1):
                    if key.data.answered():
                        load.waits.append(time.perf_counter() - key.data.asked_at)
                        key.data.ask()
            load.seconds = now - begin
        finally:
            for line in lines:
                line.socket.close()
    return load


def awaken(port: int, path: str) -> None:
    """Ask until all processes behind the port have read what they keep, so that none is measured cold."""
    end = time.perf_counter() + 20
    while hammer(port, path, 0.5).per_second < AWAKE and time.perf_counter() < end:
        pass


class _Line:
    """One connection and the answer that is on its way."""

    def __init__(self, port: int, request: bytes, selector: selectors.BaseSelector) -> None:
        self.request = request
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0.0
        self._received = b""
        self._missing = -1
        selector.register(self.socket, selectors.EVENT_READ, self)

    def ask(self) -> None:
        self._received, self._missing = b"", -1
        self.asked_at = time.perf_counter()
        self.socket.sendall(self.request)

    def answered(self) -> bool:
        """Read what is there; True when the answer is complete."""
        piece = self.socket.recv(262144)
        if not piece:
            raise WrongAnswer("the server closed a kept connection")
        if self._missing >= 0:
            self._missing -= len(piece)
            return self._missing <= 0
        self._received += piece
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if self._received[9:12] != b"200":
            raise WrongAnswer(self._received[:200].decode(errors="replace"))
        self._missing = content_length(self._received[: end + 2]) - (len(self._received) - end - 4)
        return self._missing <= 0
