"""What an administrator reads when he tries the server: each trouble with its mend, no wrong verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from portal_video_jitsi import disclosed
from portal_video_jitsi.provider import JitsiRooms
from pydantic import SecretStr

from portal import cli, demo
from portal.plugin_api import Finding
from portal.testing.contracts.video import CLERK, an_order
from portal.testing.jitsi import JitsiSimulator, configuration, faults
from portal.testing.servers import store_server

from .conftest import APP_SECRET, RoomsOn


def troubles(findings: list[Finding]) -> list[str]:
    return [finding.trouble for finding in findings if finding.trouble]


def test_a_server_in_order_has_no_trouble(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    findings = provider.try_out()
    assert troubles(findings) == []
    assert len(findings) == 11
    assert jitsi.rooms.rooms == {}, "nobody enters a room"


def test_a_server_that_is_away_is_the_only_thing_told(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    jitsi.close()
    [finding] = provider.try_out()
    assert "does not answer" in finding.trouble


# --- Tokens ----------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_named_before_the_first_citizen_comes(rooms_on: RoomsOn) -> None:
    [trouble] = troubles(rooms_on(app_secret=SecretStr("w" * 40)).try_out())
    assert '"Invalid signature"' in trouble
    assert "compare PORTAL_VIDEO_JITSI_APP_SECRET with app_secret of prosody" in trouble


def test_a_wrong_application_is_named(rooms_on: RoomsOn) -> None:
    [trouble] = troubles(rooms_on(app_id="other").try_out())
    assert "compare app_id with app_id and asap_accepted_issuers" in trouble


def test_an_audience_that_prosody_does_not_take_is_named(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    jitsi.set_keys(audiences=("somebody",))
    [trouble] = troubles(provider.try_out())
    assert "add app_id to asap_accepted_audiences" in trouble


@pytest.mark.parametrize("minutes", [-3, 30])
def test_clocks_that_differ_are_named(provider: JitsiRooms, jitsi: JitsiSimulator, minutes: int) -> None:
    jitsi.clock_ahead = timedelta(minutes=minutes)
    [trouble] = troubles(provider.try_out())
    assert "the clocks of the two machines differ" in trouble


def test_a_wrong_domain_is_named(rooms_on: RoomsOn) -> None:
    told = troubles(rooms_on(xmpp_domain="meet.example.gr").try_out())
    assert len(told) == 2
    assert all("check xmpp_domain (in the docker images it is meet.jitsi)" in trouble for trouble in told)


def test_a_server_that_lets_anybody_in_is_told(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    jitsi.set_keys(allow_empty_token=True)
    [trouble] = troubles(provider.try_out())
    assert "the server lets anybody in; in prosody set authentication to token" in trouble


# --- What the server hands out ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "config.recordingService.enabled = true;",
            "config.js has recordingService.enabled; set it to false",
        ),
        ("config.recordingService.sharingEnabled = true;", "recordingService.sharingEnabled"),
        ("config.fileRecordingsEnabled = true;", "fileRecordingsEnabled"),
        ("config.liveStreaming.enabled = true;", "docker: ENABLE_LIVESTREAMING=0"),
        ("config.liveStreamingEnabled=true", "liveStreamingEnabled"),
        ("config.transcription = { enabled: true };", "docker: ENABLE_TRANSCRIPTIONS=0"),
        ("config.fileSharing.enabled = true;", "fileSharing.enabled"),
        ("config.dropbox = { appKey: 'abc' };", "dropbox.appKey"),
        ("config.etherpad_base = 'https://pad.example.gr/p/';", "etherpad_base"),
        ("config.localRecording = { disable: false };", "set localRecording.disable to true"),
        ("config.hosts.anonymousdomain = 'guest.example.gr';", "docker: ENABLE_GUESTS=0"),
    ],
)
def test_what_could_record_or_let_strangers_in_is_told_with_its_mend(
    provider: JitsiRooms, jitsi: JitsiSimulator, line: str, told: str
) -> None:
    jitsi.configuration = configuration("127.0.0.1", line)
    [trouble] = troubles(provider.try_out())
    assert told in trouble


@pytest.mark.parametrize("fault", [faults.status(404), faults.status(500), faults.maintenance])
def test_without_its_configuration_nothing_is_claimed(
    provider: JitsiRooms, jitsi: JitsiSimulator, fault: faults.Fault
) -> None:
    jitsi.faults["configuration"] = fault
    [trouble] = troubles(provider.try_out())
    assert "nothing is known about recording" in trouble


def test_a_connection_manager_that_is_not_passed_on_is_told(
    provider: JitsiRooms, jitsi: JitsiSimulator
) -> None:
    jitsi.faults["bosh"] = faults.status(404)
    proxy, *logins = troubles(provider.try_out())
    assert "must pass /http-bind on to prosody" in proxy
    assert all("answers 404 at /http-bind" in trouble for trouble in logins)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("var config = { a: { b: true, }, c: 'x' };", {"a.b": True, "c": "x"}),
        ("config.a.b = false; config.a.b = true", {"a.b": True}),
        ("var config = { /* a: true, */ // b: true,\n c: false }", {"c": False}),
        ("var config = { a: 'it\\'s // no comment', b: true }", {"a": "it\\'s // no comment", "b": True}),
        ("var config = { list: [ { a: true } ], b: true }", {"b": True}),
        ("if (x) { config.a = true; }", {"a": True}),
        ("if (config.a === true) { go(); }", {}),
        ("<html><body>x = y</body></html>", {"x": "y"}),
        ("}}}]]](((", {}),
    ],
)
def test_only_what_is_plainly_written_is_read(text: str, found: dict[str, Any]) -> None:
    assert disclosed.read(text) == found


# --- Into a room -----------------------------------------------------------------------------------------


def test_a_way_in_is_followed_to_the_door(provider: JitsiRooms) -> None:
    address = provider.join_url(provider.open_room(an_order()), CLERK)
    assert address is not None
    assert troubles(provider.try_join(address)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Frame-Options", "SAMEORIGIN"), ("Content-Security-Policy", "default-src *; frame-ancestors 'self'")],
)
def test_a_page_that_may_not_be_framed_is_told(
    provider: JitsiRooms, jitsi: JitsiSimulator, name: str, value: str
) -> None:
    jitsi.faults["page"] = faults.header(name, value)
    address = provider.join_url(provider.open_room(an_order()), CLERK) or ""
    [trouble] = troubles(provider.try_join(address))
    assert "frame-ancestors with the portal's address" in trouble


def test_a_page_for_the_portal_may_be_framed(provider: JitsiRooms, jitsi: JitsiSimulator) -> None:
    jitsi.faults["page"] = faults.header(
        "Content-Security-Policy", "frame-ancestors 'self' https://counter.example.gr"
    )
    address = provider.join_url(provider.open_room(an_order()), CLERK) or ""
    assert troubles(provider.try_join(address)) == []


def test_no_trial_tells_a_token_or_the_secret(rooms_on: RoomsOn, jitsi: JitsiSimulator, logged: Any) -> None:
    provider = rooms_on()
    address = provider.join_url(provider.open_room(an_order()), CLERK) or ""
    jitsi.close()
    told = str([*provider.try_out(), *provider.try_join(address)]) + logged()
    assert "eyJ" not in told and APP_SECRET not in told


# --- The command -----------------------------------------------------------------------------------------


@pytest.fixture
def town(jitsi: JitsiSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A municipality whose calls are held on this server."""
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('"video_direct"', '"video_jitsi"').replace('video = ["direct"]', 'video = ["jitsi"]')
    file = tmp_path / "town.toml"
    file.write_text(
        f'{text}\n[plugin.video_jitsi]\nbase_url = "{jitsi.url}"\napp_id = "portal"\n', encoding="utf-8"
    )
    for name in ("PORTAL_DATABASE_URL", "PORTAL_REDIS_URL", "PORTAL_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAL_CONFIG", str(file))
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("PORTAL_VIDEO_JITSI_APP_SECRET", APP_SECRET)
    monkeypatch.setattr("os.umask", lambda mask: 0)
    yield file


@pytest.mark.parametrize("role", ["clerk", "citizen", "interpreter"])
@pytest.mark.usefixtures("town")
def test_a_test_room_is_opened_entered_and_closed(
    role: str, jitsi: JitsiSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["try", "video", "jitsi", "--role", role, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("room").startswith("try-")
    assert told.pop("join_url").startswith(f"{jitsi.url}/")
    assert told == {"provider": "jitsi", "opened": True, "closed": True, "problems": []}


@pytest.mark.usefixtures("town")
def test_a_server_that_could_record_is_a_problem(
    jitsi: JitsiSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    jitsi.configuration = configuration("127.0.0.1", "config.recordingService.enabled = true;")
    assert cli.main(["try", "video", "jitsi"]) == 1
    told = capsys.readouterr()
    assert "install no Jibri" in told.out + told.err


def test_a_wrong_setting_stops_the_start_in_one_line(
    town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTAL_VIDEO_JITSI_APP_SECRET", "too-short")
    assert cli.main(["check"]) == 1
    told = capsys.readouterr().err
    assert "plugin video_jitsi  [plugin.video_jitsi] app_secret: is shorter than 32 characters" in told
    assert "too-short" not in told and "Traceback" not in told


def test_check_live_asks_the_server_too(
    town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["db", "upgrade"])
    with store_server(tmp_path / "instance"):
        assert cli.main(["check", "--live"]) == 0
    assert "video jitsi: nobody gets in without a token: in order" in capsys.readouterr().out
