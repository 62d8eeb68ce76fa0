"""The fakes keep the contracts they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.plugin_api import (
    DeliveryProvider,
    Identity,
    IdentityProvider,
    Join,
    LoginStart,
    VideoProvider,
)
from portal.testing.contracts import (
    DeliveryProviderBehaviour,
    IdentityProviderBehaviour,
    VideoProviderBehaviour,
)
from portal.testing.fakes import FakeDelivery, FakeIdentity, FakePoints, FakeVideo


class TestFakeVideo(VideoProviderBehaviour):
    @pytest.fixture
    def provider(self) -> VideoProvider:
        return FakeVideo()

    def recording_is_refused(self, provider: VideoProvider, join: Join) -> bool:
        return set(parse_qs(urlsplit(join.url or "").query)) == {"guest", "name", "moderates"}


class TestFakeDelivery(DeliveryProviderBehaviour):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> DeliveryProvider:
        self.folder = tmp_path
        return FakeDelivery(tmp_path)

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return [parcel["name"] for parcel in FakeDelivery(self.folder).parcels()]


class TestFakePoints(TestFakeDelivery):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> DeliveryProvider:
        self.folder = tmp_path
        return FakePoints(tmp_path)


class TestFakeIdentity(IdentityProviderBehaviour):
    people = (Identity("p1", "Μαρία", "Παπαδοπούλου"), Identity("p2", "John", "Miller"))

    @pytest.fixture
    def provider(self) -> IdentityProvider:
        return FakeIdentity({person.subject: person for person in self.people})

    def come_back(self, start: LoginStart, person: int) -> Mapping[str, str]:
        state = self._state(start)
        return {"state": state, "code": f"{state}.{self.people[person].subject}"}

    def decline(self, start: LoginStart) -> Mapping[str, str]:
        return {"state": self._state(start), "error": "access_denied"}

    def _state(self, start: LoginStart) -> str:
        return parse_qs(urlsplit(start.url).query)["state"][0]
