"""What the pages of one room tell each other through the exchange, and whom the clerk has removed.

Two lists: the pages' messages, and the removals, which hold for everybody who comes later too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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


class Remove(_Posted):
    """The clerk ends somebody's part in this call."""

    kind: Literal["remove"]
    guest: _Key


Posted = Message | Remove
POSTED: TypeAdapter[Posted] = TypeAdapter(Annotated[Posted, Field(discriminator="kind")])


class SignalledRoom:
    """One room in the exchange."""

    def __init__(self, context: PluginContext[DirectSettings], key: str) -> None:
        self._context = context
        self._exchange = context.exchange
        self._key = key
        self._removals_key = f"{key}.removals"

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
        return len(present - {guest} - self.removed()) >= most

    def remove(self, guest: str) -> None:
        """End somebody's part in this call, for good."""
        self._exchange.post(self._removals_key, guest)

    def removed(self) -> frozenset[str]:
        """Whom the clerk has removed so far."""
        return frozenset(guest for _, guest in self._exchange.read(self._removals_key, 0))

    def close(self) -> None:
        """Forget everything; whoever asks or posts is told that the room is closed."""
        self._exchange.close(self._key)
        self._exchange.close(self._removals_key)

    def _messages(self, after: int) -> Iterator[dict[str, Any]]:
        for number, text in self._exchange.read(self._key, after):
            yield {"number": number, **json.loads(text)}
