"""Settings that cannot be right stop the start, each with a line that names the key and the mend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from portal_video_bbb.settings import BbbSettings

from portal import plugin_settings
from portal.config import Config

Read = Callable[..., tuple[Any, list[str]]]
PREFIX = "plugin video_bbb  [plugin.video_bbb]"
ENOUGH = {"base_url": "https://bbb.example.gr/bigbluebutton"}


@pytest.fixture
def read(portal_config: Config) -> Read:
    """``read({"base_url": …}, secret="…")``: the settings as a start reads them."""

    def read(table: dict[str, Any], secret: str = "s3cret") -> tuple[Any, list[str]]:
        config = dataclasses.replace(
            portal_config,
            plugin_tables={"video_bbb": table},
            environment={"PORTAL_VIDEO_BBB_SECRET": secret},
        )
        return plugin_settings.read(config, "video_bbb", BbbSettings)

    return read


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://bbb.example.gr/bigbluebutton", "https://bbb.example.gr/bigbluebutton/api"),
        (" https://bbb.example.gr/bigbluebutton/ \n", "https://bbb.example.gr/bigbluebutton/api"),
        ("https://bbb.example.gr/bigbluebutton/api/", "https://bbb.example.gr/bigbluebutton/api"),
        ("https://b3lb.example.gr/b3lb/t/town/bbb/api", "https://b3lb.example.gr/b3lb/t/town/bbb/api"),
        ("https://bbb.example.gr:8443", "https://bbb.example.gr:8443/api"),
    ],
)
def test_the_address_is_taken_as_it_is_and_api_is_added_only_where_it_is_missing(
    read: Read, written: str, used: str
) -> None:
    settings, problems = read({"base_url": written})
    assert problems == []
    assert settings.base_url == used


def test_a_secret_may_end_in_a_line_break_and_is_never_shown(read: Read) -> None:
    settings, problems = read(ENOUGH, secret=" s3cret\n")
    assert problems == []
    assert settings.secret.get_secret_value() == "s3cret"
    assert settings.checksum == "sha256" and "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("table", "secret", "told"),
    [
        ({}, "", "secret: is missing; set PORTAL_VIDEO_BBB_SECRET"),
        ({}, "two words", "secret: copy it again"),
        ({}, " \n", "secret: copy it again"),
        ({}, "μυστικό", "secret: copy it again"),
        ({"secret": "in the file"}, "s", "secret: is a secret; set PORTAL_VIDEO_BBB_SECRET"),
        ({"checksum": "md5"}, "s", "checksum: input should be 'sha1', 'sha256', 'sha384' or 'sha512'"),
        ({"base_url": "http://bbb.example.gr"}, "s", "base_url: must begin with https://"),
        ({"base_url": "https://"}, "s", "base_url: "),
        ({"base_url": "https://bbb.example.gr/api?x=1"}, "s", "base_url: write only host and path"),
        ({"base_url": "https://me:pw@bbb.example.gr"}, "s", "base_url: write only host and path"),
        ({"base_url": 5}, "s", "base_url: input should be a valid string"),
        ({"record": True}, "s", "record: "),
    ],
)
def test_what_cannot_be_right_is_told_in_one_line(
    read: Read, table: dict[str, Any], secret: str, told: str
) -> None:
    _settings, problems = read({**ENOUGH, **table}, secret)
    [line] = problems
    assert line.startswith(f"{PREFIX} {told}")
