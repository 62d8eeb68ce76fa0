"""A provider for a realm of the real Keycloak, with people who can log in there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from portal_identity_keycloak.provider import KeycloakLogin
from portal_identity_keycloak.settings import KeycloakSettings
from pydantic import SecretStr

from portal.plugin_api import Door, Identity, PluginContext
from portal.testing.keycloak import Keycloak, Realm
from portal.testing.keycloak_realms import CLIENT_SECRET, PORTAL_URL
from portal.testing.keycloak_visitor import visitor

RETURN_URL = f"{PORTAL_URL}/login/back"
MARIA = {
    "afm": "090000045",
    "fathers_name": "Γεώργιος",
    "birth_year": "1980",
    "phone": "+306900000001",
}


@dataclass
class Login:
    """The provider for one realm, and the way through it."""

    provider: KeycloakLogin
    realm: Realm
    password: str

    def add_maria(self, roles: tuple[str, ...] = (), **fields: Any) -> tuple[str, str]:
        """A new person with all that a citizen has; username and subject."""
        username = f"maria.{secrets.token_hex(4)}"
        known = {
            "attributes": MARIA,
            "firstName": "Μαρία",
            "lastName": "Παπαδοπούλου",
            "email": f"{username}@example.gr",
            "emailVerified": True,
        }
        return username, self.realm.add_person(username, self.password, roles, **{**known, **fields})

    def enter(self, username: str, door: Door = "citizens") -> Identity:
        """Through this door to Keycloak and back."""
        start = self.provider.start(RETURN_URL, "state-1", "el", door)
        with visitor() as browser:
            return self.provider.finish(start.kept, browser.log_in(start.url, username, self.password))


@pytest.fixture(scope="session")
def realm(keycloak: Keycloak) -> Realm:
    """The realm file of the documentation, as Keycloak imported it."""
    return keycloak.realm("portal")


@pytest.fixture
def settings_for() -> Callable[..., KeycloakSettings]:
    """``settings_for(realm, leeway_seconds=…)``: what an administrator would write for this realm."""

    def settings_for(realm: Realm, /, **changes: Any) -> KeycloakSettings:
        usual = {
            "server_url": realm.server.url,
            "realm": realm.name,
            "client_id": "portal",
            "client_secret": SecretStr(CLIENT_SECRET),
        }
        return KeycloakSettings(**{**usual, **changes})

    return settings_for


@pytest.fixture
def open_login(
    plugin_context: Callable[..., PluginContext[Any]], settings_for: Callable[..., KeycloakSettings]
) -> Callable[..., Login]:
    """``open_login(realm, leeway_seconds=…)``: the provider with these settings."""

    def open_login(realm: Realm, /, **changes: Any) -> Login:
        context = plugin_context("identity_keycloak", settings_for(realm, **changes))
        return Login(KeycloakLogin(context), realm, "a password of the tests")

    return open_login


@pytest.fixture
def login(open_login: Callable[..., Login], realm: Realm) -> Login:
    """The provider with settings that need nothing but the realm file."""
    return open_login(realm)
