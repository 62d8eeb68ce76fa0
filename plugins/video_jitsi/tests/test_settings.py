"""Wrong settings stop the start, in one line that names the setting and its mend."""

from __future__ import annotations

from typing import Any

import pytest
from portal_video_jitsi.settings import JitsiSettings
from pydantic import SecretStr, ValidationError

GOOD: dict[str, Any] = {
    "base_url": "https://meet.example.gr",
    "app_id": "portal",
    "app_secret": SecretStr("s" * 32),
}


def test_three_values_are_enough() -> None:
    settings = JitsiSettings(**GOOD)
    assert (settings.host, settings.domain, settings.reservations) == ("meet.example.gr",) * 2 + (False,)


def test_a_slash_at_the_end_does_no_harm() -> None:
    assert JitsiSettings(**GOOD | {"base_url": "https://meet.example.gr/"}).base_url == GOOD["base_url"]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "http://localhost:8000"])
def test_plain_http_is_for_this_machine(base_url: str) -> None:
    settings = JitsiSettings(**GOOD | {"base_url": base_url})
    assert ":8000" in settings.host and ":" not in settings.domain


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"base_url": "http://meet.example.gr"}, "must begin with https://"),
        ({"base_url": "http://localhost.example.gr"}, "must begin with https://"),
        ({"base_url": "https://meet.example.gr/rooms"}, "must end after the host"),
        ({"base_url": "https://meet.example.gr?x=1"}, "must end after the host"),
        ({"base_url": "https://user@meet.example.gr"}, "must be a host in small Latin letters"),
        ({"base_url": "https://meet.example.gr; script-src *"}, "must be a host in small Latin letters"),
        ({"app_id": ""}, "copy it again"),
        ({"app_id": "πύλη"}, "copy it again"),
        ({"xmpp_domain": "*"}, "never \\*"),
        ({"app_secret": SecretStr("s" * 40 + "\n")}, "ends with a space or a line break"),
        (
            {"app_secret": SecretStr("s" * 31)},
            "shorter than 32 characters; choose a longer one, here and in prosody",
        ),
        ({"reservations": True}, "set PORTAL_VIDEO_JITSI_RESERVATIONS_SECRET"),
        ({"reservations": True, "reservations_secret": SecretStr("short")}, "shorter than 32"),
        ({"recording": True}, "Extra inputs"),
    ],
)
def test_a_wrong_value_is_refused_with_its_mend(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as refused:
        JitsiSettings(**GOOD | wrong)
    assert "s" * 31 not in str(refused.value)
