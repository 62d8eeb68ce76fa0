"""Contract of a video provider: a room for one appointment, and a short-lived way in for each guest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from .texts import LazyText
from .trial import Finding

Role = Literal["clerk", "citizen", "companion", "interpreter"]


@dataclass(frozen=True)
class RoomOrder:
    """The core wants a room.

    ``key`` is unique for one room, at most 30 characters of ``A-Z a-z 0-9 -``; asking twice with the
    same key must lead to the same room. ``opens_at`` and ``closes_at`` are UTC and bound the call.
    """

    key: str
    title: str
    opens_at: datetime
    closes_at: datetime
    max_guests: int
    language: str
    return_url: str = ""
    sound_only: bool = False


@dataclass(frozen=True)
class Room:
    """A room that exists. ``data`` is the provider's own, kept by the core as JSON and given back.

    ``sound_only`` is set by the core: true while the clerk has switched the pictures off.
    """

    key: str
    closes_at: datetime
    data: Mapping[str, str] = field(default_factory=dict)
    sound_only: bool = False


@dataclass(frozen=True)
class Guest:
    """One person at the door of the room, already admitted by the clerk.

    ``key`` is stable for the person in this room; ``name`` is shown to the others;
    ``moderates`` is true for the clerk alone who leads the call; a second clerk does not.
    """

    key: str
    name: str
    role: Role
    language: str
    moderates: bool = False


@dataclass(frozen=True)
class Join:
    """The way in: either an address to go to, or a template of the plugin inside the core's call page."""

    url: str | None = None
    template: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def redirect(cls, url: str) -> Join:
        """Send the browser to ``url``; its host must be among the provider's ``origins``."""
        return cls(url=url)

    @classmethod
    def page(cls, template: str, **values: object) -> Join:
        """Draw ``template`` (a name under ``portal_<plugin>/``) inside the core's call page."""
        return cls(template=template, values=values)


class VideoProvider(ABC):
    """Opens and closes rooms on one video system.

    ``open_room`` and ``close_room`` run in a worker and may use the network; ``join`` runs in a page
    and must be pure: it is called at the click, after the clerk admitted the guest.
    """

    name: str
    """Unique; kept in rows, never translated: ``[a-z][a-z0-9_]{1,29}``."""
    title: LazyText
    """Shown to people."""
    timeout: int = 20
    """Seconds for one call of a method that uses the network; at most 60."""
    can_forbid_recording: bool = False
    """True when the provider refuses recording for every role. False is refused at the start."""
    origins: frozenset[str] = frozenset()
    """Origins (scheme and host) which the call page may embed or go to."""
    script_origins: frozenset[str] = frozenset()
    """Those of ``origins`` from which the plugin's template loads a script."""
    sound_switch: Literal["page", "new_room"] = "page"
    """How "sound only" reaches those who are in the call.

    ``page``: the plugin's script obeys the event ``call:sound-only`` on ``document`` (``detail.on`` is a
    boolean), and on loading the attribute ``data-sound-only`` of the element ``[data-call]``.
    ``new_room``: the core closes the room and orders another with ``RoomOrder.sound_only``.
    """
    prevents: tuple[LazyText, ...] = ()
    """Sentences for the public page "nothing is recorded": what is prevented here, and by whom."""
    fresh_for: timedelta | None = None
    """How long an opened room may be trusted before a join to another site; None means for ever.

    After that the core calls `open_room` again with the same key before it lets somebody in, and keeps the
    new ``Room.data``. Who waits sees a page that leads on by itself.
    """

    @abstractmethod
    def open_room(self, order: RoomOrder) -> Room:
        """Make the room. Called again with the same key after a lost answer: same key, same room."""

    @abstractmethod
    def join(self, room: Room, guest: Guest) -> Join:
        """Make a short-lived way in for one guest. No network, no waiting."""

    @abstractmethod
    def close_room(self, room: Room) -> None:
        """End the call for everybody. A room that is already gone is success."""

    @abstractmethod
    def check(self) -> None:
        """Raise a ``ProviderFailure`` when the outside system cannot be used."""

    def join_url(self, room: Room, guest: Guest) -> str | None:
        """An address that leads into the room without the portal's call page, for an administrator's trial.

        None when the call lives in the portal's own page only. No network, no waiting.
        """
        return self.join(room, guest).url

    def try_out(self) -> list[Finding]:
        """Say what the outside system tells about itself, above all what could record or let strangers in.

        Opens no room and serves nobody. Default: whether `check` succeeds.
        """
        self.check()
        return [Finding("the video system answers")]

    def try_join(self, join_url: str) -> list[Finding]:
        """Follow an address of `join_url` as far as can be done without a browser. Default: nothing."""
        return []

    def explain_return(self, query: Mapping[str, str]) -> LazyText | None:
        """Why the browser comes back to ``RoomOrder.return_url``, in words for whoever reads the page.

        ``query`` is what stood in the address, and anybody can write it: answer with sentences of your own,
        or None when there is nothing to say. No network, no waiting.
        """
        return None

    def forget(self, room: Room) -> None:  # noqa: B027 - most providers keep nothing
        """Erase personal data kept outside about this room. Default: nothing is kept."""
