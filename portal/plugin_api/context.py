"""The only door from a plugin back into the core."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import httpx

from .video import Room

S = TypeVar("S")


class Exchange(ABC):
    """Messages of one room, kept only while the room lives. Nothing of it reaches a disk on purpose.

    Raises ``TemporaryFailure`` when the store is away.
    """

    @abstractmethod
    def post(self, room: str, message: str) -> int:
        """Append ``message`` (at most 64 KiB); the answer is its number, counted from 1."""

    @abstractmethod
    def read(self, room: str, after: int) -> list[tuple[int, str]]:
        """All messages with a number greater than ``after``, oldest first."""

    @abstractmethod
    def close(self, room: str) -> None:
        """Forget the room's messages. Post and read raise ``PermanentFailure`` from then on."""


class Signer(Protocol):
    """Signs small values, so that a page can carry them and nobody can change them."""

    def sign(self, value: Mapping[str, str]) -> str: ...

    def read(self, token: str, lifetime: timedelta) -> Mapping[str, str] | None:
        """The value, or None when the token is forged, foreign or older than ``lifetime``."""

    def derive(self, value: str) -> bytes:
        """32 bytes that nobody else can compute from ``value``; always the same ones for the same value."""

    def derive_all(self, value: str) -> tuple[bytes, ...]:
        """The same made with each secret key that is still accepted: `derive` first, older ones after it."""


@dataclass(frozen=True)
class Attachment:
    """A file inside a message."""

    filename: str
    media_type: str
    content: bytes = field(repr=False)


class SendMail(Protocol):
    """Sends one bilingual message and returns its message id when the mail server took it.

    The message id is made from ``key``: equal copies can be recognised. ``template`` names the three files
    ``<template>.subject.txt``, ``<template>.txt`` and ``<template>.html`` below the plugin's templates.
    Raises ``TemporaryFailure`` or ``PermanentFailure``.
    """

    def __call__(
        self,
        key: str,
        to: str,
        language: str,
        template: str,
        values: Mapping[str, object],
        attachments: tuple[Attachment, ...] = (),
    ) -> str: ...


class EndSessions(Protocol):
    """Ends sessions of the portal that began with a login through this plugin; the answer is how many.

    The one that the identity server calls ``session`` (`Identity.session`) or, without that, all of
    ``subject``. For a webhook that has proved its caller.
    """

    def __call__(self, subject: str = "", session: str = "") -> int: ...


class OpenRooms(Protocol):
    """The rooms of the plugin's video provider in which a call may be held now.

    For a server that asks the portal whether a room is wanted.
    """

    def __call__(self) -> tuple[Room, ...]: ...


@dataclass(frozen=True)
class PluginContext(Generic[S]):
    """What one plugin gets. No database, no application, no other plugin.

    ``http`` keeps time and size limits and follows no redirects; ``clock`` answers the present in UTC;
    ``render`` draws a template of the plugin; ``signer`` signs values for this plugin alone.
    """

    name: str
    settings: S
    http: httpx.Client = field(repr=False)
    log: Any = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    render: Callable[..., str] = field(repr=False)
    mail: SendMail = field(repr=False)
    check_mail: Callable[[], None] = field(repr=False)
    """Greets the mail server without sending anything; raises a ``ProviderFailure`` when that fails."""
    exchange: Exchange = field(repr=False)
    signer: Signer = field(repr=False)
    url_for: Callable[..., str] = field(repr=False)
    """Address of one of the plugin's own routes: ``url_for("messages", room=...)``."""
    end_sessions: EndSessions = field(repr=False)
    open_rooms: OpenRooms = field(repr=False)
    demo: bool = False
    """True in a demonstration, where nobody real is served."""
