"""Addresses of STUN and TURN servers as browsers take them (RFC 7064, RFC 7065), read apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_SHAPE = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:(?P<port>\d{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True)
class ServerAddress:
    """Where one server listens, and how one talks to it."""

    scheme: str
    host: str
    port: int
    transport: Literal["udp", "tcp"]

    @property
    def encrypted(self) -> bool:
        return self.scheme.endswith("s")

    @classmethod
    def read(cls, text: str) -> ServerAddress | None:
        """The address in ``text``; None when browsers would not take it."""
        found = _SHAPE.fullmatch(text)
        if found is None or (found["transport"] and text.startswith("stun")):
            return None
        encrypted = found["scheme"].endswith("s")
        transport: Literal["udp", "tcp"] = "tcp" if encrypted or found["transport"] == "tcp" else "udp"
        port = int(found["port"] or (5349 if encrypted else 3478))
        if not 0 < port < 65536:
            return None
        return cls(found["scheme"], found["host"].strip("[]"), port, transport)
