"""What an administrator may write, and in which words a mistake is told."""

from __future__ import annotations

from typing import Any

import pytest
from portal_identity_keycloak.person import posts_of
from portal_identity_keycloak.settings import KeycloakSettings, Roles
from pydantic import SecretStr, ValidationError

from portal.plugin_api import StaffPost

NEEDED = {
    "server_url": "https://login.example.gr",
    "realm": "portal",
    "client_id": "portal",
    "client_secret": SecretStr("secret"),
}


def test_four_settings_are_enough() -> None:
    settings = KeycloakSettings(**NEEDED)
    assert settings.claims.tax_number == "afm"
    assert "secret" not in repr(settings).replace("client_secret", "")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"server_url": "https://login.example.gr/realms/portal"}, "must end before /realms/"),
        ({"server_url": "http://login.example.gr"}, "must begin with https://"),
        ({"scope": "profile"}, "must contain openid"),
        ({"claims": {"tax_number": "email"}}, "the claim email is named twice"),
        ({"claims": {"tax_number": "the afm"}}, "must be the name of a claim"),
        ({"claims": {"taxnumber": "afm"}}, "Extra inputs"),
        ({"roles": {"clerk": "clerk"}}, "must contain {office} once"),
        ({"roles": {"administrator": "{office}"}}, "must not contain {office}"),
        ({"roles": {"clerk": "staff:{office}", "supervisor": "staff:{office}"}}, "clerk and supervisor"),
        ({"roles": {"clerk": "{office}"}}, "the same role would make somebody"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": []}, "at least 1"),
        ({"leeway_seconds": 3600}, "less than or equal to 300"),
        ({"roles_from": "somewhere"}, "'client', 'realm' or 'catalogue'"),
    ],
)
def test_a_mistake_is_told_in_words(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as told:
        KeycloakSettings.model_validate({**NEEDED, **wrong})
    assert words in str(told.value)


def test_roles_of_another_spelling_grant_the_same_posts() -> None:
    roles = Roles(clerk="KEP/{office}/ypallilos", administrator="", interpreter="")
    names = ["KEP/kep-central/ypallilos", "administrator", "KEP//ypallilos", "offline_access", 7]
    assert posts_of(names, roles) == (StaffPost("clerk", "kep-central"),)
