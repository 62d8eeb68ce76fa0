"""The command: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import cli, demo
from portal.plugin_api import ConfigurationFailure
from portal.testing.servers import store_server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A demonstration in a folder of its own."""
    for name in ("PORTAL_CONFIG", "PORTAL_DATABASE_URL", "PORTAL_REDIS_URL", "PORTAL_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "instance"
    monkeypatch.setenv("PORTAL_INSTANCE", str(folder))
    monkeypatch.setattr("os.umask", lambda mask: 0)
    return folder


def test_every_problem_of_a_configuration_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "town.toml"
    file.write_text(demo.CATALOGUE.with_name("municipality.toml").read_text().replace("demo = true", ""))
    monkeypatch.setenv("PORTAL_CONFIG", str(file))
    assert cli.main(["check"]) == 1
    told = capsys.readouterr().err
    for name in ("PORTAL_SECRET_KEY", "PORTAL_DATABASE_URL", "PORTAL_REDIS_URL"):
        assert name in told
    assert "Traceback" not in told


def test_check_live_names_what_does_not_answer(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--live"]) == 1
    told = capsys.readouterr()
    assert "database: is old" in told.err
    assert "store: does not answer" in told.err
    assert "delivery email: the mail server greets us and takes our login: in order" in told.out


def test_check_live_is_content_when_all_is_there(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["db", "check"]) == 1
    assert cli.main(["db", "upgrade"]) == 0
    assert cli.main(["db", "check"]) == 0
    with store_server(environment):
        assert cli.main(["check", "--live"]) == 0
    assert capsys.readouterr().err == ""


def test_rotating_keys_wants_a_database_that_is_up_to_date_and_says_when_it_is_done(
    environment: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.mkdir()
    monkeypatch.setenv("PORTAL_SECRET_KEY", f"{'n' * 40} {'o' * 40}")
    assert cli.main(["rotate-keys"]) == 1
    assert "run `portal db upgrade`" in capsys.readouterr().err
    assert cli.main(["db", "upgrade"]) == 0
    assert cli.main(["rotate-keys"]) == 0
    assert "done: everything lies under the first key" in capsys.readouterr().out


def test_trying_a_provider_says_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "identity", "demo"]) == 0
    assert capsys.readouterr().out == "the identity server can be used: in order\n"


def test_a_program_gets_the_same_as_one_line_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: object) -> None:
        raise ConfigurationFailure("the secret is wrong; set it anew")

    monkeypatch.setattr("portal_identity_demo.provider.DemoLogin.check", broken)
    assert cli.main(["try", "identity", "demo", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "kind": "identity",
        "provider": "demo",
        "tried": [
            {"tried": "the identity server can be used", "trouble": "the secret is wrong; set it anew"}
        ],
        "problems": ["the secret is wrong; set it anew"],
    }


def test_a_way_of_delivery_is_tried_and_nothing_is_sent(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["try", "delivery", "email", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "kind": "delivery",
        "provider": "email",
        "tried": [{"tried": "the mail server greets us and takes our login", "trouble": ""}],
        "problems": [],
    }
    assert cli.main(["try", "delivery", "pickup"]) == 0
    assert capsys.readouterr().out == "the way of delivery can be used: in order\n"
    assert not list(environment.glob("mailbox/*"))


def test_trouble_of_a_way_of_delivery_is_told_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses() -> None:
        raise ConfigurationFailure("the mail server refuses us (535)")

    monkeypatch.setattr("portal.mail.check", refuses)
    assert cli.main(["try", "delivery", "email"]) == 1
    assert "refuses us (535); compare [mail] and PORTAL_MAIL_PASSWORD" in capsys.readouterr().out


def test_a_way_that_does_not_serve_here_cannot_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "delivery", "pigeon"]) == 1
    assert "[providers] delivery: names no provider pigeon" in capsys.readouterr().err


def test_a_provider_that_does_not_serve_here_cannot_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "identity", "keycloak"]) == 1
    assert "names no provider keycloak; it names demo" in capsys.readouterr().err


@pytest.fixture
def store(environment: Path) -> Iterator[None]:
    """The store that direct calls need."""
    environment.mkdir(exist_ok=True)
    with store_server(environment):
        yield


@pytest.mark.usefixtures("store")
def test_a_test_room_is_opened_entered_and_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "video", "direct", "--role", "citizen", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("room").startswith("try-")
    assert "/try/" in told.pop("join_url")
    assert told == {"provider": "direct", "opened": True, "closed": True, "problems": []}


@pytest.mark.usefixtures("store")
def test_a_test_room_stays_open_when_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "video", "direct", "--keep-open"]) == 0
    *tried, address = capsys.readouterr().out.splitlines()
    assert "a room can be opened: in order" in tried and "the room can be closed: in order" not in tried
    assert "/try/" in address


@pytest.mark.usefixtures("store")
def test_a_room_that_cannot_be_opened_is_a_problem_and_not_a_breakdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(self: object, order: object) -> None:
        raise ConfigurationFailure("the secret is wrong; set it anew")

    monkeypatch.setattr("portal_video_direct.provider.DirectRooms.open_room", refuses)
    assert cli.main(["try", "video", "direct", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["opened"], told["closed"], told["join_url"]) == (False, False, "")
    assert told["problems"] == ["the secret is wrong; set it anew"]


def test_a_video_system_that_does_not_serve_here_cannot_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "video", "teleport"]) == 1
    assert "[providers] video: names no provider teleport" in capsys.readouterr().err


def test_plugins_lists_the_enabled_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plugins"]) == 0
    assert "delivery_pickup" in capsys.readouterr().out.splitlines()


def test_a_catalogue_is_imported_and_a_faulty_one_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["db", "upgrade"])
    assert cli.main(["import", str(demo.CATALOGUE)]) == 0
    assert "0 changed" in capsys.readouterr().out
    faulty = tmp_path / "faulty.toml"
    faulty.write_text("[[service]]\nkey = 5\n")
    assert cli.main(["import", str(faulty)]) == 1
    assert "faulty.toml" in capsys.readouterr().err


def test_only_a_demonstration_is_filled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo"]) == 0
    file = tmp_path / "town.toml"
    source = demo.CATALOGUE.with_name("municipality.toml").read_text()
    file.write_text(
        source.replace("demo = true", "")
        .replace('"identity_demo", ', "")
        .replace(
            'identity = { citizens = "demo", staff = "demo" }', 'identity = { citizens = "x", staff = "x" }'
        )
    )
    monkeypatch.setenv("PORTAL_CONFIG", str(file))
    monkeypatch.setenv("PORTAL_SECRET_KEY", "k" * 48)
    monkeypatch.setenv("PORTAL_DATABASE_URL", f"sqlite:///{tmp_path / 'town.sqlite3'}")
    monkeypatch.setenv("PORTAL_REDIS_URL", f"unix://{tmp_path / 'store.sock'}")
    assert cli.main(["demo"]) == 1
    assert not (tmp_path / "town.sqlite3").exists()
    assert "Traceback" not in capsys.readouterr().err
