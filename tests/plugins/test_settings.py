"""Settings of plugins come from their table, secrets from the environment alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import certifi
import pytest

from .conftest import COMPLETE, Install, Start

Problems = Callable[..., list[str]]

WITH_SETTINGS = """
class Settings(PluginSettings):
    base_url: Url
    rooms: int = 5
    ca_bundle: CertificateFile = ""
    app_secret: Secret
    second_secret: Secret | None = None

seen = []
""" + COMPLETE.replace("Manifest(api=1)", "Manifest(api=1, settings=Settings)").replace(
    "def portal_video_provider():\n", "def portal_video_provider(context):\n    seen.append(context)\n"
)

GOOD = {"base_url": "https://meet.example.gr/"}
SECRET = {"PORTAL_ACME_APP_SECRET": "very secret"}


NO_CERTIFICATES = "ca_bundle: is no file with certificates (PEM); mend the path, or delete it"


@pytest.fixture(autouse=True)
def acme(install: Install) -> None:
    install("acme", WITH_SETTINGS)


def test_settings_and_secrets_reach_the_plugin(start: Start) -> None:
    start("acme", tables={"acme": GOOD}, environment=SECRET)
    import portal_acme

    (context,) = portal_acme.seen
    assert context.settings.base_url == "https://meet.example.gr"
    assert context.settings.app_secret.get_secret_value() == "very secret"
    assert "very secret" not in repr(context)


@pytest.mark.parametrize("file", [certifi.where(), ""])
def test_a_file_with_certificates_is_taken_and_none_is_needed(start: Start, file: str) -> None:
    start("acme", tables={"acme": {**GOOD, "ca_bundle": file}}, environment=SECRET)
    import portal_acme

    assert portal_acme.seen[0].settings.ca_bundle == file


def test_a_secret_may_stand_in_a_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    environment = {"PORTAL_ACME_APP_SECRET_FILE": str(tmp_path / "secret")}
    start("acme", tables={"acme": GOOD}, environment=environment)
    import portal_acme

    assert portal_acme.seen[0].settings.app_secret.get_secret_value() == "from a file"


@pytest.mark.parametrize(
    ("table", "environment", "line"),
    [
        ({**GOOD, "base_ur": "y"}, SECRET, "base_ur: unknown setting (did you mean base_url?)"),
        ({}, SECRET, "base_url: is missing; add it"),
        ({**GOOD, "rooms": "5"}, SECRET, "rooms: input should be a valid integer"),
        ({"base_url": "http://meet.example.gr"}, SECRET, "base_url: must begin with https://"),
        ({**GOOD, "ca_bundle": "/nowhere.pem"}, SECRET, NO_CERTIFICATES),
        ({**GOOD, "ca_bundle": __file__}, SECRET, NO_CERTIFICATES),
        ({**GOOD, "ca_bundle": str(Path(__file__).parent)}, SECRET, NO_CERTIFICATES),
        (GOOD, {}, "app_secret: is missing; set PORTAL_ACME_APP_SECRET"),
        (
            {**GOOD, "app_secret": "x"},
            {},
            "app_secret: is a secret; set PORTAL_ACME_APP_SECRET and delete it here",
        ),
        (
            {**GOOD, "second_secret": "x"},
            SECRET,
            "second_secret: is a secret; set PORTAL_ACME_SECOND_SECRET and delete it here",
        ),
        (
            GOOD,
            {"PORTAL_ACME_APP_SECRET_FILE": "/nowhere"},
            "app_secret: cannot read the file named by PORTAL_ACME_APP_SECRET_FILE",
        ),
    ],
)  # fmt: skip
def test_each_problem_is_one_line_with_its_mend(
    problems: Problems, table: dict[str, str], environment: dict[str, str], line: str
) -> None:
    assert problems("acme", tables={"acme": table}, environment=environment) == [
        f"plugin acme  [plugin.acme] {line}"
    ]


def test_no_problem_repeats_a_secret(problems: Problems) -> None:
    tables = {"acme": {"base_url": 5, "app_secret": "very secret"}}
    assert "very secret" not in "".join(problems("acme", tables=tables))


def test_a_plugin_without_settings_takes_none(install: Install, problems: Problems) -> None:
    install("plain", COMPLETE)
    assert problems("plain", tables={"plain": {"colour": "red"}}) == [
        "plugin plain  [plugin.plain] colour: unknown setting; this plugin has none"
    ]
