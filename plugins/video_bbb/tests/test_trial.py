"""What an administrator reads when he tries BigBlueButton: each trouble with its setting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from portal_video_bbb.provider import BbbRooms
from pydantic import SecretStr

from portal import cli, demo
from portal.testing.bbb import BbbSimulator, faults
from portal.testing.contracts.video import CITIZEN, CLERK, an_order

Simulator = Callable[..., BbbSimulator]
RoomsOn = Callable[..., BbbRooms]
MODES = ["bbb", "scalelite", "b3lb"]


def troubles(rooms: BbbRooms) -> list[str]:
    return [finding.trouble for finding in rooms.try_out() if finding.trouble]


@pytest.mark.parametrize("mode", MODES)
def test_all_is_well_and_the_version_is_told(simulator: Simulator, rooms_on: RoomsOn, mode: str) -> None:
    findings = rooms_on(simulator(mode)).try_out()
    assert [finding.trouble for finding in findings] == ["", ""]
    assert "version 3.0.4" in findings[0].tried and "sha256" in findings[1].tried


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_secret_is_named(simulator: Simulator, rooms_on: RoomsOn, mode: str) -> None:
    [trouble] = troubles(rooms_on(simulator(mode), secret=SecretStr("wrong")))
    assert "PORTAL_VIDEO_BBB_SECRET" in trouble


@pytest.mark.parametrize(
    ("refused", "mend"),
    [({64}, 'checksum = "sha512"'), ({64, 96, 128}, 'checksum = "sha1"')],
)
def test_an_algorithm_that_the_server_refuses_is_told_from_a_wrong_secret(
    bbb: BbbSimulator, rooms_on: RoomsOn, refused: set[int], mend: str
) -> None:
    bbb.lengths -= refused
    [trouble] = troubles(rooms_on(bbb))
    assert mend in trouble


@pytest.mark.parametrize(
    ("version", "trouble"), [("2.5.18", "it is too old"), ("2.6.0", ""), ("", ""), ("main", "")]
)
def test_a_version_that_is_too_old_is_told(
    bbb: BbbSimulator, rooms_on: RoomsOn, version: str, trouble: str
) -> None:
    bbb.version = version
    assert "".join(troubles(rooms_on(bbb))).startswith(trouble)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.page, "no XML"),
        (faults.status(404), "nothing is there"),
        (faults.leads_on("https://sso.example/"), "leads elsewhere"),
        (faults.dropped, "firewall"),
    ],
)
def test_what_is_not_bigbluebutton_is_told_once(
    bbb: BbbSimulator, rooms_on: RoomsOn, fault: faults.Fault, told: str
) -> None:
    bbb.faults["base"] = fault
    [trouble] = troubles(rooms_on(bbb))
    assert told in trouble and "base_url" in trouble


def test_a_server_that_is_busy_gets_no_verdict(bbb: BbbSimulator, rooms_on: RoomsOn) -> None:
    bbb.faults["isMeetingRunning"] = faults.status(503)
    [trouble] = troubles(rooms_on(bbb))
    assert trouble.startswith("unclear")


@pytest.mark.parametrize("mode", MODES)
def test_the_way_in_of_a_trial_leads_into_its_meeting(
    simulator: Simulator, rooms_on: RoomsOn, mode: str
) -> None:
    rooms = rooms_on(simulator(mode))
    room = rooms.open_room(an_order())
    for guest in (CLERK, CITIZEN):
        findings = rooms.try_join(str(rooms.join_url(room, guest)))
        assert [finding.trouble for finding in findings] == ["", ""]


@pytest.mark.parametrize(("mode", "told"), [("bbb", "notFound"), ("scalelite", "notFound"), ("b3lb", "400")])
def test_a_way_in_to_a_meeting_that_is_gone_is_refused(
    simulator: Simulator, rooms_on: RoomsOn, mode: str, told: str
) -> None:
    server = simulator(mode)
    rooms = rooms_on(server)
    room = rooms.open_room(an_order())
    server.restart()
    leads_in, records = rooms.try_join(str(rooms.join_url(room, CLERK)))
    assert told in leads_in.trouble and records.trouble.startswith("unclear")


def test_a_way_in_that_was_signed_wrongly_shows_the_key(bbb: BbbSimulator, rooms_on: RoomsOn) -> None:
    rooms = rooms_on(bbb)
    room = rooms.open_room(an_order())
    leads_in, _records = rooms.try_join(str(rooms.join_url(room, CLERK)).replace("MODERATOR", "VIEWER"))
    assert leads_in.trouble.endswith("checksumError")


def test_a_meeting_that_records_is_found_out(bbb: BbbSimulator, rooms_on: RoomsOn) -> None:
    rooms = rooms_on(bbb)
    room = rooms.open_room(an_order())
    bbb.records_anyway = True
    _leads_in, records = rooms.try_join(str(rooms.join_url(room, CLERK)))
    assert "disableRecordingDefault=true" in records.trouble


# --- The whole command -----------------------------------------------------------------------------------


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bbb: BbbSimulator) -> Path:
    """A demonstration whose file names our server beside the direct calls."""
    text = demo.CATALOGUE.with_name("municipality.toml").read_text(encoding="utf-8")
    text = text.replace('enabled = ["', 'enabled = ["video_bbb", "').replace(
        'video = ["direct"]', 'video = ["bbb", "direct"]'
    )
    file = tmp_path / "town.toml"
    file.write_text(f'{text}\n[plugin.video_bbb]\nbase_url = "{bbb.url}"\n', encoding="utf-8")
    monkeypatch.setenv("PORTAL_CONFIG", str(file))
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("PORTAL_VIDEO_BBB_SECRET", bbb.secret)
    monkeypatch.setattr("os.umask", lambda mask: 0)
    for name in ("PORTAL_DATABASE_URL", "PORTAL_REDIS_URL", "PORTAL_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_a_test_room_is_opened_entered_and_closed(
    town: Path, bbb: BbbSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["try", "video", "bbb", "--role", "citizen", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("join_url").startswith(f"{bbb.url}/api/join?")
    room = told.pop("room")
    assert told == {"provider": "bbb", "opened": True, "closed": True, "problems": []}
    assert bbb.meeting(room).forcibly_ended and bbb.meeting(room).captures == []


def test_people_read_each_finding_and_the_mend_and_never_the_secret(
    town: Path, bbb: BbbSimulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTAL_VIDEO_BBB_SECRET", "another-secret")
    assert cli.main(["try", "video", "bbb"]) == 1
    told = capsys.readouterr()
    assert "BigBlueButton answers (version 3.0.4): in order" in told.out
    assert "compare PORTAL_VIDEO_BBB_SECRET" in told.out
    assert "another-secret" not in told.out + told.err and "checksum=" not in told.out + told.err


def test_a_wrong_setting_stops_the_start_in_one_line(
    town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any]
) -> None:
    town.write_text(town.read_text(encoding="utf-8") + 'checksum = "md5"\n', encoding="utf-8")
    assert cli.main(["check"]) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "md5" in line or "checksum" in line]
    assert "[plugin.video_bbb] checksum" in line
