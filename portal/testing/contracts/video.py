"""The contract of video providers."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import unquote_plus, urlsplit

import pytest

from portal import clock
from portal.plugin_api import Guest, Join, Role, Room, RoomOrder, VideoProvider

from .common import GREEK_NAME, LONGEST_KEY, PackageRules, ProviderBehaviour, module_state, no_network

CLERK = Guest("g1", "Κώστας Αλεξίου", "clerk", "el", moderates=True)
CITIZEN = Guest("g2", GREEK_NAME, "citizen", "el")
ROLES: tuple[Role, ...] = ("clerk", "citizen", "companion", "interpreter")


def an_order(key: str = "room-1") -> RoomOrder:
    """What the core would order for an appointment now."""
    opens_at = clock.now()
    closes_at = opens_at + timedelta(hours=1)
    return RoomOrder(key, "Ραντεβού", opens_at, closes_at, 4, "el", "https://portal.example/left")


class VideoProviderBehaviour(ProviderBehaviour):
    """What every video provider does. Define the fixture ``provider`` and `recording_is_refused`."""

    base: ClassVar[type] = VideoProvider

    @abstractmethod
    def recording_is_refused(self, provider: VideoProvider, join: Join) -> bool:
        """True when nobody who enters by ``join`` could record, stream or transcribe the call.

        Answer from what the provider really sends or draws; a plain ``return True`` is a false promise.
        """

    def name_shown(self, join: Join) -> str:
        """The text in which the guest's name must be found; override it when the name is inside a token."""
        return unquote_plus(join.url or "") + str(dict(join.values))

    def test_the_same_key_leads_to_the_same_room(self, provider: VideoProvider) -> None:
        assert provider.open_room(an_order()) == provider.open_room(an_order())

    def test_another_key_leads_to_another_room(self, provider: VideoProvider) -> None:
        here, there = (provider.open_room(an_order(key)) for key in ("room-1", "room-2"))
        assert provider.join(here, CITIZEN) != provider.join(there, CITIZEN)

    def test_a_key_of_thirty_characters_survives(self, provider: VideoProvider) -> None:
        assert provider.open_room(an_order(LONGEST_KEY)).key == LONGEST_KEY

    def test_the_room_can_be_kept_as_json(self, provider: VideoProvider) -> None:
        room = provider.open_room(an_order())
        kept = replace(room, data=json.loads(json.dumps(dict(room.data))))
        assert provider.join(kept, CITIZEN) is not None
        assert all(isinstance(value, str) for value in room.data.values())

    def test_joining_uses_no_network(self, provider: VideoProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        room = provider.open_room(an_order())
        with no_network(monkeypatch):
            provider.join(room, CITIZEN)

    def test_each_guest_has_a_way_of_his_own(self, provider: VideoProvider) -> None:
        room = provider.open_room(an_order())
        ways = [self._way(provider, room, replace(CITIZEN, key=key)) for key in ("g2", "g3", "g4")]
        assert len(set(ways)) == len(ways)

    def test_moderating_is_for_the_clerk_alone(self, provider: VideoProvider) -> None:
        room = provider.open_room(an_order())
        plain = replace(CLERK, moderates=False)
        assert self._way(provider, room, CLERK) != self._way(provider, room, plain)

    def test_every_way_stays_where_the_provider_said(self, provider: VideoProvider) -> None:
        join = provider.join(provider.open_room(an_order()), CITIZEN)
        assert (join.url is None) != (join.template is None)
        if join.url is not None:
            address = urlsplit(join.url)
            assert f"{address.scheme}://{address.netloc}" in provider.origins

    def test_a_greek_name_survives(self, provider: VideoProvider) -> None:
        join = provider.join(provider.open_room(an_order()), CITIZEN)
        assert GREEK_NAME in self.name_shown(join)

    @pytest.mark.parametrize("role", ROLES)
    def test_recording_is_refused_to_everybody(self, provider: VideoProvider, role: Role) -> None:
        room = provider.open_room(an_order())
        join = provider.join(room, Guest("g9", GREEK_NAME, role, "el", moderates=role == "clerk"))
        assert self.recording_is_refused(provider, join)

    def test_the_public_page_can_say_what_prevents_recording(self, provider: VideoProvider) -> None:
        assert provider.prevents

    @pytest.mark.parametrize("role", ROLES)
    def test_without_pictures_there_is_still_a_way_in(self, provider: VideoProvider, role: Role) -> None:
        room = provider.open_room(replace(an_order(), sound_only=provider.sound_switch == "new_room"))
        guest = Guest("g9", GREEK_NAME, role, "el", moderates=role == "clerk")
        assert self.recording_is_refused(provider, provider.join(replace(room, sound_only=True), guest))

    def test_scripts_come_only_from_where_the_provider_says_it_goes(self, provider: VideoProvider) -> None:
        assert provider.script_origins <= provider.origins

    def test_an_address_for_a_trial_uses_no_network(
        self, provider: VideoProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = provider.open_room(an_order())
        with no_network(monkeypatch):
            address = provider.join_url(room, CLERK)
        if address is not None:
            parts = urlsplit(address)
            assert f"{parts.scheme}://{parts.netloc}" in provider.origins

    def test_closing_twice_is_no_error(self, provider: VideoProvider) -> None:
        room = provider.open_room(an_order())
        provider.close_room(room)
        provider.close_room(room)

    def test_forgetting_twice_is_no_error(self, provider: VideoProvider) -> None:
        room = provider.open_room(an_order())
        provider.close_room(room)
        provider.forget(room)
        provider.forget(room)

    def test_the_log_tells_no_names(self, provider: VideoProvider, logged: Any) -> None:
        room = provider.open_room(an_order())
        provider.join(room, CITIZEN)
        provider.close_room(room)
        assert GREEK_NAME not in logged()

    def test_its_modules_remember_nothing(self, provider: VideoProvider) -> None:
        before = module_state(provider)
        provider.join(provider.open_room(an_order()), CITIZEN)
        assert module_state(provider) == before

    def _way(self, provider: VideoProvider, room: Room, guest: Guest) -> str:
        join = provider.join(room, guest)
        return f"{join.url}{join.template}{sorted(dict(join.values).items(), key=str)}"


class VideoProviderContract(VideoProviderBehaviour, PackageRules):
    """Everything that a plugin with a video provider is tested for."""
