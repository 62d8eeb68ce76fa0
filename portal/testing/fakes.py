"""Providers for tests of the core: they keep the contracts, and fail when a test tells them to.

They run the same contract tests as every plugin, which is what keeps them honest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

from portal.plugin_api import (
    DeliveryProvider,
    Door,
    Guest,
    Identity,
    IdentityProvider,
    Join,
    LoginRefused,
    LoginStart,
    Parcel,
    PickupPoint,
    Receipt,
    RecipientField,
    Room,
    RoomOrder,
    VideoProvider,
    lazy,
)
from portal.providers import guard


class _Scripted:
    """Failures that a test has ordered are raised one by one before anything else happens."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.calls: list[str] = []

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.failures:
            raise self.failures.pop(0)


class FakeVideo(_Scripted, VideoProvider):
    """Rooms in memory."""

    title = lazy("Test video")
    can_forbid_recording = True
    origins = frozenset({"https://video.example"})
    prevents = (lazy("Test video"),)

    def __init__(self, name: str = "fake_video") -> None:
        super().__init__()
        self.name = name
        self.rooms: dict[str, RoomOrder] = {}

    def open_room(self, order: RoomOrder) -> Room:
        self._called("open_room")
        kept = self.rooms.setdefault(order.key, order)
        return Room(kept.key, kept.closes_at, {"title": kept.title})

    def join(self, room: Room, guest: Guest) -> Join:
        self._called("join")
        values = {"guest": guest.key, "name": guest.name, "moderates": str(guest.moderates)}
        return Join.redirect(f"https://video.example/{room.key}?{urlencode(values)}")

    def close_room(self, room: Room) -> None:
        self._called("close_room")
        self.rooms.pop(room.key, None)

    def check(self) -> None:
        self._called("check")


class FakeDelivery(_Scripted, DeliveryProvider):
    """Parcels as files in a folder, so that they outlive a worker which a test has killed."""

    title = lazy("Test delivery")
    needs = frozenset({RecipientField.EMAIL})
    can_call_back = True

    def __init__(self, folder: Path, name: str = "fake_delivery") -> None:
        super().__init__()
        self.folder, self.name = folder, name
        self.gone = False
        """True: nothing can be called back any more."""

    def send(self, parcel: Parcel) -> Receipt:
        self._called("send")
        file = self.folder / f"{parcel.key}.json"
        file.write_text(json.dumps({"title": parcel.title, "name": parcel.recipient.name}))
        return Receipt(reference=parcel.key, state="sent")

    def find(self, key: str) -> Receipt | None:
        self._called("find")
        return Receipt(reference=key, state="sent") if (self.folder / f"{key}.json").exists() else None

    def cancel(self, receipt: Receipt) -> bool:
        """Works as long as a test does not say that the parcel is gone."""
        self._called("cancel")
        if not self.gone:
            (self.folder / f"{receipt.reference}.json").unlink(missing_ok=True)
        return not self.gone

    def check(self) -> None:
        self._called("check")

    def forget(self, receipt: Receipt) -> None:
        self._called("forget")
        (self.folder / f"{receipt.reference}.json").unlink(missing_ok=True)

    def parcels(self) -> list[dict[str, str]]:
        """Everything that went out, in the order of the keys."""
        return [json.loads(file.read_text()) for file in sorted(self.folder.glob("*.json"))]


class FakePoints(FakeDelivery):
    """The same, collected at one of the points that a test lets it list."""

    title = lazy("Test points")
    needs = frozenset({RecipientField.PICKUP_POINT})

    def __init__(self, folder: Path, name: str = "fake_points") -> None:
        super().__init__(folder, name)
        self.listed = [
            PickupPoint("P1", "Κατάστημα Α", "Δοκιμής 1", "Ζωγράφου", "15772", weekdays="08:00-20:00"),
            PickupPoint("P2", "Κατάστημα Β", "Δοκιμής 2", "Θεσσαλονίκη", "54624", "Store B", "2 Dokimis"),
        ]

    def points(self) -> list[PickupPoint]:
        self._called("points")
        return list(self.listed)


class FakeIdentity(_Scripted, IdentityProvider):
    """Believes whoever it was told to expect; the code is ``<state>.<subject>``."""

    title = lazy("Test identity")

    def __init__(self, people: Mapping[str, Identity], name: str = "fake_identity") -> None:
        super().__init__()
        self.people, self.name = dict(people), name

    def start(self, return_url: str, state: str, locale: str, door: Door) -> LoginStart:
        self._called("start")
        query = urlencode({"return_url": return_url, "state": state})
        return LoginStart(f"https://login.example/?{query}", {"state": state})

    def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Identity:
        self._called("finish")
        state, _, subject = answer.get("code", "").partition(".")
        if subject not in self.people or state != kept.get("state"):
            raise LoginRefused("nobody that was expected")
        return self.people[subject]

    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        self._called("logout_url")
        return f"https://login.example/out?{urlencode({'return_url': return_url})}"

    def check(self) -> None:
        self._called("check")


def choose(
    app: Flask,
    *,
    video: tuple[VideoProvider, ...] = (),
    delivery: tuple[DeliveryProvider, ...] = (),
    identity: IdentityProvider | None = None,
    identity_staff: IdentityProvider | None = None,
) -> None:
    """Let ``app`` use these providers, behind the guard, instead of the ones in its file."""
    providers = app.extensions["portal.providers"]
    if video:
        providers = replace(providers, video={one.name: guard(one) for one in video})
    if delivery:
        providers = replace(providers, delivery={one.name: guard(one) for one in delivery})
    if identity is not None:
        providers = replace(providers, identity_citizens=guard(identity), identity_staff=guard(identity))
    if identity_staff is not None:
        providers = replace(providers, identity_staff=guard(identity_staff))
    app.extensions["portal.providers"] = providers
