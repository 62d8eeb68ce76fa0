"""Settings that cannot be right stop the start, each with a line that names the key and the mend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from portal_identity_gsis.settings import GsisSettings

from portal import plugin_settings
from portal.config import Config

Read = Callable[..., tuple[Any, list[str]]]
ENOUGH = {"base_url": "https://oauth2.gsis.gr", "client_id": "kep"}
PREFIX = "plugin identity_gsis  [plugin.identity_gsis]"


@pytest.fixture
def read(portal_config: Config) -> Read:
    """``read({"context": …}, STAFF_CLIENT_SECRET="…")``: the settings as a start reads them."""

    def read(table: dict[str, Any], **secrets: str) -> tuple[Any, list[str]]:
        environment = {f"PORTAL_IDENTITY_GSIS_{name}": value for name, value in secrets.items()}
        config = dataclasses.replace(
            portal_config, plugin_tables={"identity_gsis": table}, environment=environment
        )
        return plugin_settings.read(config, "identity_gsis", GsisSettings)

    return read


def test_address_client_and_secret_are_enough(read: Read) -> None:
    settings, problems = read(ENOUGH, CLIENT_SECRET="s")
    assert problems == []
    citizens = settings.client("citizens")
    assert settings.clients() == [citizens]
    assert citizens.token == "https://oauth2.gsis.gr/oauth2server/oauth/token"
    assert citizens.userinfo == "https://oauth2.gsis.gr/oauth2server/userinfo?format=xml"
    assert "'s'" not in repr(citizens)


def test_a_client_for_staff_uses_the_context_of_public_employees(read: Read) -> None:
    settings, problems = read(
        {**ENOUGH, "staff_client_id": "kep-staff"}, CLIENT_SECRET="s", STAFF_CLIENT_SECRET="t"
    )
    assert problems == []
    staff = settings.client("staff")
    assert staff.authorize == "https://oauth2.gsis.gr/oauth2servergov/oauth/authorize"
    assert (staff.client_id, staff.secret.get_secret_value()) == ("kep-staff", "t")


@pytest.mark.parametrize(
    ("table", "secrets", "told"),
    [
        (
            {"staff_client_id": "x"},
            {},
            "staff_client_secret: is missing although staff_client_id is set; set PORTAL_IDENTITY_GSIS_STAFF",
        ),
        ({}, {"STAFF_CLIENT_SECRET": "t"}, "staff_client_secret: is set without staff_client_id; set staff"),
        (
            {"staff_context": "oauth2servergov"},
            {},
            "staff_context: is set without staff_client_id; set staff",
        ),
        (
            {"context": "oauth2"},
            {},
            "context: input should be 'oauth2server', 'oauth2serverotp' or 'oauth2ser",
        ),
        ({"base_url": "http://oauth2.gsis.gr"}, {}, "base_url: must begin with https://"),
        ({"token_path": "oauth/token"}, {}, "token_path: must begin with a slash"),
        ({"logout_path": "/logout/{client_id}"}, {}, 'logout_path: write it like "/logout/{client_id}/"'),
        ({"logout_path": "/logout/{clientId}/"}, {}, 'logout_path: write it like "/logout/{client_id}/"'),
        ({"client_id": "kep "}, {}, "client_id: copy it again: it has a space"),
        ({"client_id": ""}, {}, "client_id: string should have at least 1 character"),
        ({"client_secret": "in the file"}, {}, "client_secret: is a secret; set PORTAL_IDENTITY_GSIS_CLIENT"),
    ],
)
def test_what_cannot_be_right_is_told_in_one_line(
    read: Read, table: dict[str, Any], secrets: dict[str, str], told: str
) -> None:
    _settings, problems = read({**ENOUGH, **table}, **{"CLIENT_SECRET": "s", **secrets})
    [line] = problems
    assert line.startswith(f"{PREFIX} {told}")


def test_what_is_missing_is_told_all_at_once(read: Read) -> None:
    _settings, problems = read({})
    assert sorted(line.removeprefix(PREFIX).split(":")[0] for line in problems) == [
        " base_url",
        " client_id",
        " client_secret",
    ]
