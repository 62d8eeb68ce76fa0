"""What the pages of one room tell each other through the exchange, and what the clerk has decreed there.

Two lists: the pages' messages, and the few decrees, which hold for everybody who comes later too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from portal.plugin_api import PluginContext

from .passes import CallPass
from .settings import DirectSettings

GONE_AFTER = timedelta(seconds=35)
"""Pages say every ten seconds that they are here."""

_Key = Annotated[str, Field(min_length=1, max_length=80)]


class _Posted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(_Posted):
    """From one page to all, or to one."""

    kind: Literal["hello", "here", "bye", "description", "candidate"]
    session: _Key
    """One load of a page; a page loaded again is a new one of the same guest."""
    to: _Key | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class SoundOnly(_Posted):
    """The clerk ends or restores the pictures of everybody."""

    kind: Literal["sound-only"]
    on: bool


class Remove(_Posted):
    """The clerk ends somebody's part in this call."""

    kind: Literal["remove"]
    guest: _Key


Posted = Message | SoundOnly | Remove
POSTED: TypeAdapter[Posted] = TypeAdapter(Annotated[Posted, Field(discriminator="kind")])


@dataclass(frozen=True)
class Decrees:
    """What holds in the room now."""

    sound_only: bool
    removed: frozenset[str]


class SignalledRoom:
    """One room in the exchange."""

    def __init__(self, context: PluginContext[DirectSettings], key: str) -> None:
        self._context = context
        self._exchange = context.exchange
        self._key = key
        self._decrees_key = f"{key}.decrees"

    def say(self, sender: CallPass, message: Message) -> int:
        """Pass a message on, stamped with who really sent it; the answer is its number."""
        stamped = {
            **message.model_dump(),
            "from": sender.guest,
            "name": sender.name,
            "role": sender.role,
            "at": self._context.clock().isoformat(),
        }
        return self._exchange.post(self._key, json.dumps(stamped))

    def heard(self, guest: str, session: str, after: int) -> list[dict[str, Any]]:
        """What others, or this guest's other pages, said to all or to him."""
        return [
            message
            for message in self._messages(after)
            if message["to"] in (None, guest) and message["session"] != session
        ]

    def is_full(self, guest: str, most: int) -> bool:
        """True when ``most`` other people are in the call already."""
        latest: dict[str, dict[str, Any]] = {}
        for message in self._messages(0):
            latest[message["from"]] = message
        since = self._context.clock() - GONE_AFTER
        present = {
            key
            for key, message in latest.items()
            if message["kind"] != "bye" and datetime.fromisoformat(message["at"]) > since
        }
        return len(present - {guest} - self.decrees().removed) >= most

    def decree(self, what: SoundOnly | Remove) -> None:
        """Let it hold for everybody, from now on."""
        self._exchange.post(self._decrees_key, what.model_dump_json())

    def decrees(self) -> Decrees:
        """What the clerk has decreed so far."""
        sound_only, removed = False, set()
        for _, text in self._exchange.read(self._decrees_key, 0):
            decree = POSTED.validate_json(text)
            if isinstance(decree, SoundOnly):
                sound_only = decree.on
            elif isinstance(decree, Remove):
                removed.add(decree.guest)
        return Decrees(sound_only, frozenset(removed))

    def close(self) -> None:
        """Forget everything; whoever asks or posts is told that the room is closed."""
        self._exchange.close(self._key)
        self._exchange.close(self._decrees_key)

    def _messages(self, after: int) -> Iterator[dict[str, Any]]:
        for number, text in self._exchange.read(self._key, after):
            yield {"number": number, **json.loads(text)}
