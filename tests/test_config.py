"""The configuration: every problem in one line that names file, key and mend; secrets stay secret."""

from __future__ import annotations

import stat

import pytest

from portal.config import ConfigProblems, load

PRODUCTION = """
[municipality]
name = { el = "Δήμος", en = "Municipality" }
[portal]
base_url = "https://counter.example.gr"
[plugins]
enabled = ["delivery_email"]
[providers]
identity = { citizens = "oidc", staff = "oidc" }
video = ["direct"]
delivery = ["email"]
"""
SECRETS = {
    "PORTAL_SECRET_KEY": "k" * 32 + " " + "o" * 40,
    "PORTAL_DATABASE_URL": "postgresql://portal:dbpassword@127.0.0.1/portal",
    "PORTAL_REDIS_URL": "redis://:storepassword@127.0.0.1:6379/0",
    "PORTAL_MAIL_PASSWORD": "mailpassword",
}


@pytest.fixture
def told(tmp_path):
    """``told(toml, **environment)`` loads a file with this content."""

    def told(content, **environment):
        file = tmp_path / "town.toml"
        file.write_text(content, encoding="utf-8")
        return load({"PORTAL_CONFIG": str(file), "PORTAL_INSTANCE": str(tmp_path / "data"), **environment})

    return told


def problems(call, *arguments, **more):
    with pytest.raises(ConfigProblems) as caught:
        call(*arguments, **more)
    return caught.value.problems


def test_a_complete_file_of_a_municipality_is_understood(told, tmp_path):
    config = told(PRODUCTION, **SECRETS)
    assert config.municipality.name.en == "Municipality"
    assert config.providers.video == ("direct",)
    assert (config.demo, config.source, config.operator_folder) == (False, "town.toml", tmp_path)
    assert config.secret_keys == ("k" * 32, "o" * 40)
    assert config.instance == tmp_path / "data"


def test_every_mistake_is_told_at_once_with_file_key_and_mend(told):
    wrong = (
        PRODUCTION.replace('video = ["direct"]', "video = []")
        .replace('en = "Municipality"', 'en = ""')
        .replace('[portal]\nbase_url = "https://counter.example.gr"', '[portal]\nbase_url = "counter"')
        .replace(
            "[plugins]", '[booking]\nhold_minuts = 5\nraster_minutes = 7\nreminder_minutes = "2h"\n[plugins]'
        )
        .replace(', staff = "oidc"', "")
        .replace("[municipality]", '[municipality]\ncolour = "red"\ntime_zone = "Athens"')
    )
    lines = problems(told, wrong)
    expected = {
        "municipality.name.en": "at least 1 character",
        "municipality.colour": "write a colour as # and six hexadecimal digits",
        "municipality.time_zone": "unknown time zone; write one like Europe/Athens",
        "portal.base_url": "write scheme and host",
        "booking.hold_minuts": "unknown setting (did you mean hold_minutes?)",
        "booking.raster_minutes": "5, 10, 15, 20 or 30",
        "booking.reminder_minutes": "valid integer",
        "providers.identity.staff": "is missing; add it",
        "providers.video": "at least 1 item",
    }
    for key, mend in expected.items():
        [line] = [line for line in lines if line.startswith(f"town.toml {key}: ")]
        assert mend in line
        assert "\n" not in line
    assert len(lines) == len(expected)


def test_the_whole_message_counts_the_problems_and_repeats_no_value(told):
    with pytest.raises(ConfigProblems) as caught:
        told(PRODUCTION.replace('"https://counter.example.gr"', '"hunter2"'))
    assert str(caught.value).startswith("portal cannot start: 1 problem\n  town.toml portal.base_url: ")
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_none_is_told_in_one_line(told, tmp_path):
    [line] = problems(told, "[municipality\n")
    assert line.startswith("town.toml: is not valid TOML: ")
    [line] = problems(load, {"PORTAL_CONFIG": str(tmp_path / "nowhere.toml")})
    assert line == "nowhere.toml: there is no such file; set PORTAL_CONFIG to yours"
    [line] = problems(load, {"PORTAL_CONFIG": str(tmp_path)})
    assert "cannot be read" in line
    (tmp_path / "latin.toml").write_bytes("# Δήμος".encode("iso-8859-7"))
    [line] = problems(load, {"PORTAL_CONFIG": str(tmp_path / "latin.toml")})
    assert line.startswith("latin.toml: is not valid TOML: ")


def test_production_does_not_start_without_its_secrets(told, tmp_path):
    lines = problems(told, PRODUCTION)
    names = [line.split(":")[0] for line in lines]
    assert names == [
        "environment PORTAL_SECRET_KEY",
        "environment PORTAL_DATABASE_URL",
        "environment PORTAL_REDIS_URL",
    ]
    assert "secrets.token_urlsafe" in lines[0]
    assert not (tmp_path / "data").exists()


def test_a_short_key_is_refused_and_not_repeated(told):
    [line] = problems(told, PRODUCTION, **{**SECRETS, "PORTAL_SECRET_KEY": "k" * 32 + " tooshort"})
    assert line == "environment PORTAL_SECRET_KEY: is too short; use at least 32 characters"


def test_an_address_from_the_environment_is_checked_as_well(told):
    config = told(PRODUCTION, **SECRETS, PORTAL_BASE_URL="https://other.example.gr/")
    assert config.portal.base_url == "https://other.example.gr"
    [line] = problems(told, PRODUCTION, **SECRETS, PORTAL_BASE_URL="other.example.gr")
    assert line == "environment PORTAL_BASE_URL: write it like https://counter.example.gr"


def test_the_demonstration_makes_its_own_key_once(tmp_path):
    environment = {"PORTAL_INSTANCE": str(tmp_path / "one")}
    first, second = load(environment), load(environment)
    other = load({"PORTAL_INSTANCE": str(tmp_path / "two")})
    assert first.secret_keys == second.secret_keys != other.secret_keys
    assert len(first.secret_keys[0]) >= 32
    assert stat.S_IMODE((tmp_path / "one" / "secret_key").stat().st_mode) == 0o600
    assert first.database_url.startswith("sqlite:///")


def test_no_secret_shows_when_the_configuration_is_printed(told):
    shown = repr(told(PRODUCTION, **SECRETS))
    for secret in ("kkkk", "oooo", "dbpassword", "storepassword", "mailpassword"):
        assert secret not in shown


BUCKET = '[documents]\nstore = "s3"\nendpoint = "https://s3.example.gr"\nbucket = "documents"\n'
BUCKET_KEYS = {"PORTAL_S3_ACCESS_KEY": "access", "PORTAL_S3_SECRET_KEY": "bucketsecret"}


def test_a_bucket_is_understood_and_its_secret_does_not_show(told):
    config = told(PRODUCTION + BUCKET, **SECRETS, **BUCKET_KEYS)
    assert (config.documents.store, config.documents.bucket) == ("s3", "documents")
    assert config.bucket_keys == ("access", "bucketsecret")
    assert "bucketsecret" not in repr(config)


def test_what_a_bucket_needs_and_does_not_get_is_told_at_once(told):
    lines = problems(told, PRODUCTION + '[documents]\nstore = "s3"\n', **SECRETS)
    for key in (
        "town.toml documents.endpoint",
        "town.toml documents.bucket",
        *map("environment {}".format, BUCKET_KEYS),
    ):
        assert any(line.startswith(f"{key}: is missing") for line in lines), key


@pytest.mark.parametrize(
    ("setting", "mend"),
    [
        ('endpoint = "http://s3.example.gr"', "documents.endpoint: must begin with https://"),
        ('endpoint = "s3.example.gr"', "documents.endpoint: write scheme and host"),
        ('bucket = "https://x/y"', "documents.bucket: write the name alone"),
        ('prefix = "portal"', "documents.prefix: write letters, digits and hyphens, and end with a slash"),
        ('store = "s4"', "documents.store: input should be 'disk' or 's3'"),
        ('secret_key = "x"', "documents.secret_key: unknown setting"),
    ],
)
def test_a_wrong_setting_of_the_documents_is_told_with_its_mend(told, setting, mend):
    (line,) = problems(told, f"{PRODUCTION}[documents]\n{setting}\n", **SECRETS)
    assert line.startswith(f"town.toml {mend}")


def test_plain_http_is_for_a_bucket_on_this_machine(told):
    local = BUCKET.replace("https://s3.example.gr", "http://127.0.0.1:8333")
    assert told(PRODUCTION + local, **SECRETS, **BUCKET_KEYS).documents.endpoint == "http://127.0.0.1:8333"
