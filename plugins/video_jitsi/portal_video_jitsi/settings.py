"""Where the municipality's Jitsi Meet is, and what its prosody knows of this portal."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from portal.plugin_api import PluginSettings, Secret

SHORTEST_SECRET = 32
"""Bytes. Who holds a token can try secrets on it as long as he likes (RFC 7518, section 3.2)."""
RESERVATIONS_SECRET = "PORTAL_VIDEO_JITSI_RESERVATIONS_SECRET"  # noqa: S105 - a name
THIS_MACHINE = ("127.0.0.1", "localhost")


def _is_origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in THIS_MACHINE):
        raise ValueError("must begin with https://")
    if not re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?", parts.netloc):
        raise ValueError("must be a host in small Latin letters, like https://meet.example.gr")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the host, like https://meet.example.gr")
    return f"{parts.scheme}://{parts.netloc}"


def _is_plain(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("copy it again: it is empty, has a space, or a letter that is not Latin")
    return value


def _is_domain(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9.-]+", value):
        raise ValueError("must be a domain in small letters, like meet.example.gr or meet.jitsi; never *")
    return value


def _is_good_secret(secret: Secret) -> Secret:
    value = secret.get_secret_value()
    if value != value.strip():
        raise ValueError("begins or ends with a space or a line break; set it anew without")
    if len(value.encode()) < SHORTEST_SECRET:
        words = f"is shorter than {SHORTEST_SECRET} characters; choose a longer one, here and in prosody"
        raise ValueError(words)
    return secret


class JitsiSettings(PluginSettings):
    """The values must be those of prosody's configuration, letter for letter."""

    base_url: Annotated[str, AfterValidator(_is_origin)]
    app_id: Annotated[str, AfterValidator(_is_plain)]
    app_secret: Annotated[Secret, AfterValidator(_is_good_secret)]
    xmpp_domain: Annotated[str, AfterValidator(_is_domain)] = ""
    """Without it the host of ``base_url``."""
    reservations: bool = False
    """True where prosody asks this portal before it opens a room, and ends the room at its time."""
    reservations_secret: Annotated[Secret, AfterValidator(_is_good_secret)] | None = Field(
        default=None, validate_default=True
    )
    """What prosody sends as ``Authorization: Bearer …``."""

    @field_validator("reservations_secret")
    @classmethod
    def _reservations_have_their_secret(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        if info.data.get("reservations") and secret is None:
            raise ValueError(f"is missing although reservations is true; set {RESERVATIONS_SECRET}")
        return secret

    @property
    def host(self) -> str:
        """The server as browsers know it, with its port if it has one."""
        return urlsplit(self.base_url).netloc

    @property
    def domain(self) -> str:
        """The XMPP domain, which tokens name."""
        return self.xmpp_domain or self.host.partition(":")[0]
