"""Trying out a real Keycloak: what is in order stays silent, each mistake is told with its mend."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from portal.testing.keycloak import Realm
from portal.testing.keycloak_realms import PORTAL_URL

RETURN_URL = f"{PORTAL_URL}/login/back"

# The first test waits until Keycloak has started, which takes a minute where all processors are busy.
pytestmark = pytest.mark.timeout(300)


def test_a_realm_made_from_our_file_is_found_in_order(login: Any) -> None:
    found = login.provider.try_out(RETURN_URL)
    assert [(finding.tried, finding.trouble) for finding in found if finding.trouble] == []
    assert len(found) == 7


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ({"realm": "no-such-realm"}, "mend realm"),
        ({"client_id": "nobody"}, "mend client_id"),
        ({"client_secret": "wrong"}, "mend PORTAL_IDENTITY_KEYCLOAK_CLIENT_SECRET"),
        ({"algorithms": ("ES256",)}, "in algorithms"),
        ({"identity_provider_hint": "nowhere"}, "mend identity_provider_hint"),
        ({"scope": "openid unheard-of"}, "scope"),
        ({"server_url": "/auth"}, "mend server_url"),
    ],
)
def test_each_mistake_is_told_with_its_mend(
    open_login: Callable[..., Any], realm: Realm, wrong: dict[str, Any], mend: str
) -> None:
    changed = dict(wrong)
    if "client_secret" in wrong:
        changed["client_secret"] = SecretStr(wrong["client_secret"])
    if "server_url" in wrong:
        changed["server_url"] = realm.server.url + wrong["server_url"]
    findings = open_login(realm, **changed).provider.try_out(RETURN_URL)
    assert mend in " ".join(finding.trouble for finding in findings)


def test_an_address_of_return_that_is_not_registered_is_told(login: Any) -> None:
    troubles = [finding.trouble for finding in login.provider.try_out("https://else.example/login/back")]
    assert any("add it to the client's valid redirect URIs" in trouble for trouble in troubles)


def test_a_client_that_does_without_pkce_is_told(open_login: Callable[..., Any], realm: Realm) -> None:
    name = f"portal-{secrets.token_hex(4)}"
    realm.copy_client(name, attributes={"pkce.code.challenge.method": ""})
    troubles = [finding.trouble for finding in open_login(realm, client_id=name).provider.try_out(RETURN_URL)]
    assert [trouble for trouble in troubles if trouble] == [troubles[6]]
    assert "to S256" in troubles[6]
