"""The contract of identity providers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from portal.plugin_api import Identity, IdentityProvider, LoginStart, ProviderFailure

from .common import PackageRules, ProviderBehaviour, module_state, no_network

RETURN_URL = "https://kep.example/login/back"


class IdentityProviderBehaviour(ProviderBehaviour):
    """What every identity provider does. Define the fixture ``provider``, `come_back` and `decline`."""

    base: ClassVar[type] = IdentityProvider

    @abstractmethod
    def come_back(self, start: LoginStart, person: int) -> Mapping[str, str]:
        """Log in at ``start.url`` as the first (0) or second (1) person; the query that comes back."""

    @abstractmethod
    def decline(self, start: LoginStart) -> Mapping[str, str]:
        """Refuse at ``start.url``; the query that comes back."""

    def log_in(self, provider: IdentityProvider, person: int = 0, state: str = "state-1") -> Identity:
        """The whole way to the identity server and back."""
        start = provider.start(RETURN_URL, state, "el", "citizens")
        return provider.finish(start.kept, self.come_back(start, person))

    def test_starting_uses_no_network(
        self, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with no_network(monkeypatch):
            provider.start(RETURN_URL, "state-1", "el", "staff")

    def test_the_state_comes_back_unchanged(self, provider: IdentityProvider) -> None:
        start = provider.start(RETURN_URL, "state-1", "el", "citizens")
        assert self.come_back(start, 0)["state"] == "state-1"

    def test_a_person_is_recognised_the_second_time(self, provider: IdentityProvider) -> None:
        first, again = self.log_in(provider), self.log_in(provider, state="state-2")
        # Each login has a session of its own at the identity server, and what is needed to end it.
        assert replace(first, session="", logout_hint="") == replace(again, session="", logout_hint="")
        assert first.subject

    def test_two_people_are_two_people(self, provider: IdentityProvider) -> None:
        assert self.log_in(provider).subject != self.log_in(provider, person=1, state="state-2").subject

    def test_whoever_declines_is_not_logged_in(self, provider: IdentityProvider) -> None:
        start = provider.start(RETURN_URL, "state-1", "el", "citizens")
        answer = self.decline(start)
        with pytest.raises(ProviderFailure):
            provider.finish(start.kept, answer)

    def test_an_invented_answer_is_refused(self, provider: IdentityProvider) -> None:
        start = provider.start(RETURN_URL, "state-1", "el", "citizens")
        with pytest.raises(ProviderFailure):
            provider.finish(start.kept, {"state": "state-1", "code": "invented"})

    def test_an_answer_for_another_login_is_refused(self, provider: IdentityProvider) -> None:
        mine = provider.start(RETURN_URL, "state-1", "el", "citizens")
        stolen = dict(self.come_back(provider.start(RETURN_URL, "state-2", "el", "citizens"), 1))
        with pytest.raises(ProviderFailure):
            provider.finish(mine.kept, {**stolen, "state": "state-1"})

    def test_logging_out_leads_to_an_address_or_nowhere(self, provider: IdentityProvider) -> None:
        address = provider.logout_url(self.log_in(provider), RETURN_URL)
        assert address is None or address.startswith(("https://", "http://127.0.0.1", "/"))

    def test_nothing_of_the_person_stands_in_the_address_of_the_logout(
        self, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = self.log_in(provider)
        with no_network(monkeypatch):
            address = provider.logout_url(person, RETURN_URL) or ""
            fields = provider.logout_fields(person, RETURN_URL)
        assert all(isinstance(value, str) for value in fields.values())
        secret = [person.tax_number, person.email, *fields.values()]
        assert [text for text in secret if text and text in address] == []

    def test_the_log_tells_nothing_personal(self, provider: IdentityProvider, logged: Any) -> None:
        person = self.log_in(provider)
        personal = [person.last_name, person.tax_number, person.email, person.phone]
        assert [text for text in personal if text and text in logged() + repr(person)] == []

    def test_its_modules_remember_nothing(self, provider: IdentityProvider) -> None:
        before = module_state(provider)
        self.log_in(provider)
        assert module_state(provider) == before


class IdentityProviderContract(IdentityProviderBehaviour, PackageRules):
    """Everything that a plugin with an identity provider is tested for."""
