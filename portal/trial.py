"""`portal try`: exercise one configured provider as far as that can be done without serving anybody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from flask import Flask, current_app, url_for

from portal import clock
from portal.appointments import rooms, trial_pages
from portal.plugin_api import (
    DeliveryProvider,
    Finding,
    Guest,
    ProviderFailure,
    Role,
    Room,
    RoomOrder,
    VideoProvider,
)
from portal.providers import current_providers, on_trial

P = TypeVar("P")

ROOM_LIVES = timedelta(minutes=15)
"""How long a test room may be used; where the server ends rooms itself, it ends this one too."""


class NotChosen(Exception):
    """No provider of this name serves here; the text says which do."""


@dataclass
class VideoTrial:
    """What became of a test room."""

    provider: str
    room: str = ""
    join_url: str = ""
    opened: bool = False
    closed: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [finding.trouble for finding in self.findings if finding.trouble]


def identity(app: Flask, name: str) -> list[Finding]:
    """Try the identity provider ``name`` without logging anybody in. Raises NotChosen."""
    with app.test_request_context():
        providers = current_providers()
        both = (providers.identity_citizens, providers.identity_staff)
        provider = _chosen("identity", name, {one.name: one for one in both})
        return_url = current_app.config["PORTAL"].portal.base_url + url_for("login.back")
        try:
            return provider.try_out(return_url)
        except ProviderFailure as failure:
            return [Finding("the provider can be tried", str(failure))]


def delivery(app: Flask, name: str, to: str = "") -> list[Finding]:
    """Try the way of delivery ``name`` without sending anything to a citizen. Raises NotChosen.

    With ``to``, the administrator's own address, something is sent there if the way can do that.
    """
    with app.test_request_context():
        provider = on_trial(_chosen("delivery", name, current_providers().delivery))
        try:
            return [*provider.try_out(), *(_sent(provider, to) if to else ())]
        except ProviderFailure as failure:
            return [Finding("the way of delivery can be used", str(failure))]


def _sent(provider: DeliveryProvider, to: str) -> list[Finding]:
    nothing = Finding("something can be sent to --to", f"{provider.name} sends nothing there; leave --to out")
    return provider.try_send(to) or [nothing]


def video(app: Flask, name: str, role: Role, keep_open: bool) -> VideoTrial:
    """Open a test room with the video provider ``name``, make a way in for ``role``, close the room.

    With ``keep_open`` the room stays for a quarter of an hour. Raises NotChosen.
    """
    with app.test_request_context():
        provider = on_trial(_chosen("video", name, current_providers().video))
        tried = VideoTrial(name)
        try:
            tried.findings += provider.try_out()
        except ProviderFailure as failure:
            tried.findings.append(Finding("the video system answers", str(failure)))
        room = _open(provider, tried)
        if room is not None:
            _enter(app, provider, room, role, tried)
            if not keep_open:
                _close(provider, room, tried)
        return tried


def _open(provider: VideoProvider, tried: VideoTrial) -> Room | None:
    now = clock.now()
    order = RoomOrder(
        key=f"try-{secrets.token_hex(10)}",
        title="Δοκιμή / Test",
        opens_at=now,
        closes_at=now + ROOM_LIVES,
        max_guests=rooms.MAX_GUESTS,
        language="el",
        return_url=current_app.config["PORTAL"].portal.base_url + url_for("left.back"),
    )
    tried.room = order.key
    try:
        room = provider.open_room(order)
    except ProviderFailure as failure:
        tried.findings.append(Finding("a room can be opened", str(failure)))
        return None
    tried.opened = True
    tried.findings.append(Finding("a room can be opened"))
    return room


def _enter(app: Flask, provider: VideoProvider, room: Room, role: Role, tried: VideoTrial) -> None:
    guest = Guest(f"try-{secrets.token_hex(6)}", "Δοκιμή", role, "el", moderates=role == "clerk")
    try:
        address = provider.join_url(room, guest)
        if address is None:
            tried.join_url = trial_pages.address(provider.name, room, role)
            tried.findings.append(_page_is_drawn(app, tried.join_url))
            return
        tried.join_url = address
        tried.findings += [Finding("a way in can be made"), *provider.try_join(address)]
    except ProviderFailure as failure:
        tried.findings.append(Finding("a way in can be made", str(failure)))


def _page_is_drawn(app: Flask, address: str) -> Finding:
    """The call lives in the portal's own page: that it can be drawn is all that can be tried here."""
    status = app.test_client().get(address).status_code
    trouble = "" if status == 200 else f"the portal's call page answers {status}; its log says why"
    return Finding("the call page can be drawn", trouble)


def _close(provider: VideoProvider, room: Room, tried: VideoTrial) -> None:
    try:
        provider.close_room(room)
    except ProviderFailure as failure:
        tried.findings.append(Finding("the room can be closed", str(failure)))
    else:
        tried.closed = True
        tried.findings.append(Finding("the room can be closed"))


def _chosen(kind: str, name: str, chosen: Mapping[str, P]) -> P:
    if name not in chosen:
        raise NotChosen(f"[providers] {kind}: names no provider {name}; it names {', '.join(sorted(chosen))}")
    return chosen[name]
