"""What an administrator reads when he tries ELTA Courier: each trouble with its setting; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier
from pydantic import SecretStr

from portal.plugin_api import ConfigurationFailure
from portal.testing.elta import EltaSimulator, faults
from portal.testing.remote import RemoteServer

Courier = Callable[..., EltaCourier]


def troubles(provider: EltaCourier) -> list[str]:
    return [finding.trouble for finding in provider.try_out() if finding.trouble]


def test_all_is_well_and_nothing_was_sent(courier: EltaCourier, elta: EltaSimulator) -> None:
    assert [finding.trouble for finding in courier.try_out()] == ["", ""]
    assert elta.calls() == ["PELTT03", "GETPUDODETAILS"]
    assert elta.parcels == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"user_code": "0000001"}, "user_code"),
        ({"password": SecretStr("wrong")}, "PORTAL_DELIVERY_ELTA_PASSWORD"),
        ({"sender_code": "1"}, "sender_code and sender_sub_code"),
    ],
)
def test_what_is_wrong_is_named(courier_by: Courier, changed: dict[str, Any], named: str) -> None:
    provider = courier_by(**changed)
    assert [named in trouble for trouble in troubles(provider)] == [True, True]
    with pytest.raises(ConfigurationFailure, match=named):
        provider.check()


def test_an_address_that_does_not_answer_is_told(courier_by: Courier, remote: RemoteServer) -> None:
    provider = courier_by(base_url=remote.url)
    remote.refuse()
    assert [trouble.startswith("ELTA Courier does not answer") for trouble in troubles(provider)] == [
        True
    ] * 2


def test_a_reference_that_is_always_known_is_told(courier: EltaCourier, elta: EltaSimulator) -> None:
    """Then nobody could tell whether a parcel was sent already."""
    known = faults.body(
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        b'<READResponse xmlns="/PELTT03"><st_flag>0</st_flag><st_title/><pod_date>20261130</pod_date>'
        b"<pod_time>1200</pod_time><pod_name/><web_status_counter>0</web_status_counter>"
        b"</READResponse></e:Body></e:Envelope>"
    )
    elta.faults["PELTT03"] = known
    [trouble] = troubles(courier)
    assert "doubles cannot be told" in trouble


def test_no_secret_is_told(courier_by: Courier, logged: Callable[[], str]) -> None:
    for changed in ({}, {"password": SecretStr("secret-of-elta")}):
        told = str(courier_by(**changed).try_out()) + logged()
        assert "secret-of-elta" not in told
