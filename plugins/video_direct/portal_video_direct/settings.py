"""What an administrator may set: how browsers behind routers find each other, and how much line they take."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from portal.plugin_api import PluginSettings, Secret

from .addresses import ServerAddress


def _is_stun_address(value: str) -> str:
    address = ServerAddress.read(value)
    if address is None or not address.scheme.startswith("stun"):
        raise ValueError("must look like stun:stun.example.gr:3478")
    return value


def _is_turn_address(value: str) -> str:
    address = ServerAddress.read(value)
    if address is None or not address.scheme.startswith("turn"):
        raise ValueError("must look like turn:turn.example.gr:3478 or turns:turn.example.gr:5349")
    return value


class DirectSettings(PluginSettings):
    """All of them may be left out where everybody is on one network, as in a demonstration."""

    stun_urls: tuple[Annotated[str, AfterValidator(_is_stun_address)], ...] = Field(default=(), strict=False)
    turn_urls: tuple[Annotated[str, AfterValidator(_is_turn_address)], ...] = Field(default=(), strict=False)
    turn_secret: Secret | None = Field(default=None, validate_default=True)
    """The shared secret of coturn (``static-auth-secret``)."""
    relay_only: bool = False
    """Everything goes through the relay, so that nobody in a call learns another's network address."""
    upload_kbit: int = Field(default=2000, ge=200, le=20000)
    """What one browser may send in pictures, shared among those it sends to."""
    poor_line_kbit: int = Field(default=150, ge=50, le=1000)
    """The picture's share when the line turns out to be poor."""

    @field_validator("turn_secret")
    @classmethod
    def _turn_needs_its_secret(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        if info.data.get("turn_urls") and secret is None:
            raise ValueError("is missing although turn_urls is set; set PORTAL_VIDEO_DIRECT_TURN_SECRET")
        return secret

    @field_validator("relay_only")
    @classmethod
    def _only_a_relay_needs_one(cls, only: bool, info: ValidationInfo) -> bool:
        if only and not info.data.get("turn_urls"):
            raise ValueError("needs a relay: set turn_urls and its secret, or leave it out")
        return only
