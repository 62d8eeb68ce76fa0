"""Settings of the mailbox that cannot be right stop the start, in a line that names the key and the mend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from portal_delivery_email.settings import EmailSettings

from portal import plugin_settings
from portal.config import Config

Read = Callable[..., tuple[Any, list[str]]]
ENOUGH = {"reports_host": "imap.dimos.example", "reports_username": "bounces"}
PREFIX = "plugin delivery_email  [plugin.delivery_email]"


@pytest.fixture
def read(portal_config: Config) -> Read:
    """``read({"reports_host": …}, "secret")``: the settings as a start reads them."""

    def read(table: dict[str, Any], password: str = "") -> tuple[Any, list[str]]:
        environment = {"PORTAL_DELIVERY_EMAIL_REPORTS_PASSWORD": password} if password else {}
        config = dataclasses.replace(
            portal_config, plugin_tables={"delivery_email": table}, environment=environment
        )
        return plugin_settings.read(config, "delivery_email", EmailSettings)

    return read


def test_without_a_mailbox_nothing_is_needed(read: Read) -> None:
    settings, problems = read({})
    assert problems == []
    assert settings.mailbox() is None


def test_host_user_and_password_are_enough(read: Read) -> None:
    settings, problems = read(ENOUGH, "secret")
    assert problems == []
    account = settings.mailbox()
    assert (account.port, account.security, account.folder) == (993, "tls", "INBOX")
    assert "secret" not in repr(account)


def test_starttls_has_another_port(read: Read) -> None:
    settings, _problems = read({**ENOUGH, "reports_security": "starttls"}, "secret")
    assert settings.mailbox().port == 143


@pytest.mark.parametrize(
    ("table", "password", "told"),
    [
        (ENOUGH, "", "reports_password: is missing although reports_host is set; set PORTAL_DELIVERY_EMAIL_"),
        (
            {**ENOUGH, "reports_username": ""},
            "p",
            "reports_username: is missing although reports_host is set",
        ),
        ({**ENOUGH, "reports_security": "none"}, "p", 'reports_security: "none" shows the password'),
        ({**ENOUGH, "reports_security": "ssl"}, "p", "reports_security: input should be"),
        ({**ENOUGH, "reports_folder": "Επιστροφές"}, "p", "reports_folder: must be a name in Latin letters"),
        ({**ENOUGH, "reports_folder": "a\nb"}, "p", "reports_folder: must be a name in Latin letters"),
        ({**ENOUGH, "reports_port": 70000}, "p", "reports_port: "),
        ({**ENOUGH, "reports_ca_bundle": "/nowhere.pem"}, "p", "reports_ca_bundle: is no file with"),
        ({**ENOUGH, "reports_password": "p"}, "p", "reports_password: is a secret; set PORTAL_DELIVERY_"),
        ({"reports_username": "bounces"}, "", "reports_username: is set without reports_host"),
        ({"reports_port": 993}, "", "reports_port: is set without reports_host"),
        ({}, "p", "reports_password: is set without reports_host; set reports_host, or remove PORTAL_"),
    ],
)
def test_what_cannot_be_right_is_told_in_one_line(
    read: Read, table: dict[str, Any], password: str, told: str
) -> None:
    _settings, problems = read(table, password)
    [line] = problems
    assert line.startswith(f"{PREFIX} {told}")
