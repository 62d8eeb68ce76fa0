"""Settings that cannot be right stop the start, each with a line that names the key and the mend."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import portal_delivery_elta
import pytest
from portal_delivery_elta.settings import EltaSettings
from portal_delivery_elta.soap import OWN_FILES, EltaServices

from portal import plugin_settings
from portal.config import Config
from portal.plugin_api import ConfigurationFailure, PluginContext

Read = Callable[..., tuple[Any, list[str]]]
ENOUGH = {"user_code": "9999999", "sender_code": "999999999"}
PREFIX = "plugin delivery_elta  [plugin.delivery_elta]"


@pytest.fixture
def read(portal_config: Config) -> Read:
    """``read({"user_code": …}, PASSWORD="…")``: the settings as a start reads them."""

    def read(table: dict[str, Any], **secrets: str) -> tuple[Any, list[str]]:
        environment = {f"PORTAL_DELIVERY_ELTA_{name}": value for name, value in secrets.items()}
        config = dataclasses.replace(
            portal_config, plugin_tables={"delivery_elta": table}, environment=environment
        )
        return plugin_settings.read(config, "delivery_elta", EltaSettings)

    return read


def names(context: PluginContext[Any]) -> list[str]:
    return [provider.name for provider in portal_delivery_elta.portal_delivery_provider(context)]


def test_codes_and_password_are_enough_for_the_courier(
    read: Read, plugin_context: Callable[..., PluginContext[Any]]
) -> None:
    settings, problems = read(ENOUGH, PASSWORD="p")
    assert problems == []
    assert settings.base_url == "https://wsprod.elta-courier.gr"
    assert names(plugin_context("delivery_elta", settings)) == ["elta", "elta_point", "elta_registered"]
    assert "password=p" not in repr(settings.contract()).replace("'", "")


def test_without_a_contract_there_is_registered_mail_alone(
    read: Read, plugin_context: Callable[..., PluginContext[Any]]
) -> None:
    settings, problems = read({})
    assert problems == []
    assert names(plugin_context("delivery_elta", settings)) == ["elta_registered"]


@pytest.mark.parametrize(
    ("table", "secrets", "told"),
    [
        ({"user_code": "123"}, {"PASSWORD": "p"}, "user_code: has exactly seven digits; write zeros"),
        ({"user_code": "12345ab"}, {"PASSWORD": "p"}, "user_code: has exactly seven digits"),
        ({}, {}, "password: is missing although user_code is set; set PORTAL_DELIVERY_ELTA_PASSWORD"),
        ({"sender_code": ""}, {"PASSWORD": "p"}, "sender_code: is missing although user_code is set"),
        ({"sender_code": "010101 0005"}, {"PASSWORD": "p"}, "sender_code: write digits without a space"),
        ({"password": "p"}, {"PASSWORD": "p"}, "password: is a secret; set PORTAL_DELIVERY_ELTA_PASSWORD"),
        ({"base_url": "http://212.205.47.226"}, {"PASSWORD": "p"}, "base_url: must begin with https://"),
        ({"label_paper": "A5"}, {"PASSWORD": "p"}, "label_paper: input should be 'A4' or 'A6'"),
        ({"label_with_sub_code": True}, {"PASSWORD": "p"}, "label_with_sub_code: is true without sender_sub"),
        ({"wsdl_dir": "/nowhere"}, {"PASSWORD": "p"}, "wsdl_dir: is no folder; write the folder with"),
        ({"ca_bundle": "/nowhere.pem"}, {"PASSWORD": "p"}, "ca_bundle: is no file with certificates"),
        ({"ca_bundle": __file__}, {"PASSWORD": "p"}, "ca_bundle: is no file with certificates"),
    ],
)
def test_what_cannot_be_right_is_told_in_one_line(
    read: Read, table: dict[str, Any], secrets: dict[str, str], told: str
) -> None:
    _settings, problems = read({**ENOUGH, **table}, **secrets)
    [line] = problems
    assert line.startswith(f"{PREFIX} {told}")


@pytest.mark.parametrize(
    ("table", "secrets", "told"),
    [
        ({}, {"PASSWORD": "p"}, "password: is set without user_code; set user_code, or remove PORTAL_"),
        ({"sender_code": "9"}, {}, "sender_code: is set without user_code; set user_code, or delete it"),
        ({"sender_sub_code": "9"}, {}, "sender_sub_code: is set without user_code; set user_code"),
    ],
)
def test_half_a_contract_is_none(
    read: Read, table: dict[str, Any], secrets: dict[str, str], told: str
) -> None:
    _settings, problems = read(table, **secrets)
    [line] = problems
    assert line.startswith(f"{PREFIX} {told.replace(' delete it', ' delete sender_code')}")


# --- The folder with the files of ELTA -------------------------------------------------------------------


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A folder with files as ELTA hands them out; here they are copies of ours."""
    return Path(shutil.copytree(OWN_FILES, tmp_path / "wsdl"))


@pytest.fixture
def services_by(
    read: Read, plugin_context: Callable[..., PluginContext[Any]]
) -> Callable[[Path], EltaServices]:
    def make(folder: Path) -> EltaServices:
        settings, problems = read({**ENOUGH, "wsdl_dir": str(folder)}, PASSWORD="p")
        assert problems == []
        return EltaServices(plugin_context("delivery_elta", settings))

    return make


def test_the_files_of_elta_can_stand_in_a_folder(
    official: Path, services_by: Callable[[Path], EltaServices]
) -> None:
    services_by(official)


def test_a_missing_file_is_named(official: Path, services_by: Callable[[Path], EltaServices]) -> None:
    (official / "PELTT03.wsdl").unlink()
    with pytest.raises(ConfigurationFailure, match=r"wsdl_dir: has no PELTT03.wsdl; copy it there"):
        services_by(official)


@pytest.mark.parametrize("content", ["", "<x/>", "no xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"])
def test_a_file_that_is_another_one_is_named(
    official: Path, services_by: Callable[[Path], EltaServices], content: str
) -> None:
    (official / "PELTT03.wsdl").write_text(content)
    with pytest.raises(ConfigurationFailure, match=r"wsdl_dir: PELTT03.wsdl is not the file"):
        services_by(official)


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/other.xsd", "../other.xsd", "/etc/hostname"])
def test_a_file_brings_in_no_other_place(
    official: Path, services_by: Callable[[Path], EltaServices], place: str
) -> None:
    file = official / "PELTT03.wsdl"
    (official.parent / "other.xsd").write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>')
    foreign = f'<xs:import namespace="urn:other" schemaLocation="{place}"/><xs:element name="READ">'
    file.write_text(file.read_text().replace('<xs:element name="READ">', foreign))
    with pytest.raises(ConfigurationFailure, match=r"PELTT03.wsdl is not the file"):
        services_by(official)
