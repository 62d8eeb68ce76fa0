"""A parcel to a point of ELTA Courier: the list as it is kept, the voucher, and what is tried out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier, reference
from portal_delivery_elta.points import EltaPoint
from pydantic import SecretStr

from portal.plugin_api import ConfigurationFailure, DeliveryProvider, PermanentFailure, TemporaryFailure
from portal.testing.contracts import DeliveryProviderContract, OutsideFailures
from portal.testing.contracts.delivery import POINT, RECIPIENT, a_parcel
from portal.testing.elta import EltaSimulator, faults, points
from portal.testing.remote import RemoteServer

CREATE, TRACK, POINTS = "CREATEAWB02", "PELTT03", "GETPUDODETAILS"
LONGEST_READING = 10.0
"""Seconds for the longest list on a busy machine; a worker's provider may take 60."""


class TestContract(DeliveryProviderContract):
    secrets = ("secret-of-elta",)

    @pytest.fixture
    def provider(self, point_by: Callable[..., EltaPoint], elta: EltaSimulator) -> DeliveryProvider:
        self.elta = elta
        elta.services.customer.password = "secret-of-elta"
        return point_by(password=SecretStr("secret-of-elta"))

    def effects(self, provider: DeliveryProvider) -> list[str]:
        assert self.elta.refused == []
        return [f"{one.voucher} {one.told['pel_paral_name']}" for one in self.elta.parcels]


class TestOutside(OutsideFailures):
    @pytest.fixture
    def provider(self, point_by: Callable[..., EltaPoint], remote: RemoteServer) -> EltaPoint:
        return point_by(base_url=remote.url)

    def exercise(self, provider: Any) -> None:
        provider.points()


# --- The list --------------------------------------------------------------------------------------------


def test_what_can_be_sent_to_is_listed_once_and_the_rest_left_out(at_point: EltaPoint) -> None:
    listed = at_point.points()
    assert [point.code for point in listed] == ["00123", "00124", "A7", "00125"]
    first, second, third, fourth = listed
    assert (first.title, first.title_en, first.town_en) == (
        "ΚΑΤΑΣΤΗΜΑ ΖΩΓΡΑΦΟΥ",
        "ZOGRAFOU STORE",
        "ZOGRAFOU",
    )
    assert (first.weekdays, first.saturday, first.sunday) == ("08:00-20:00", "09:00-14:00", "")
    assert second.postal_code == "54624", "written with a space"
    assert third.title == "KIOSK", "there is no Greek name"
    assert fourth.title == fourth.address == "ΟΔΟΣ ΔΟΚΙΜΗΣ 1", "there is no name at all"


def test_the_longest_list_is_read_whole(at_point: EltaPoint, elta: EltaSimulator) -> None:
    elta.services.points = points.many()
    begun = time.monotonic()
    assert len(at_point.points()) == points.MOST
    assert time.monotonic() - begun < LONGEST_READING


@pytest.mark.parametrize(
    "wrong",
    [
        {"pudo_codes": "123456"},
        {"pudo_codes": "1 2"},
        {"pudo_postal_code": "00123"},
        {"pudo_postal_code": "1577"},
        {"pudo_address_gr": " ", "pudo_address_en": ""},
    ],
)
def test_a_record_to_which_nothing_can_be_sent_is_no_point(
    at_point: EltaPoint, elta: EltaSimulator, wrong: dict[str, str]
) -> None:
    good = points.point("00200", "15772", "ΖΩΓΡΑΦΟΥ")
    elta.services.points = [good | wrong, good]
    assert [point.code for point in at_point.points()] == ["00200"]
    elta.services.points = [good | wrong]
    assert at_point.points() == []


def test_texts_are_cut_to_what_a_voucher_takes(at_point: EltaPoint, elta: EltaSimulator) -> None:
    long = points.point("00123", "15772", "Α" * 60, pudo_address_gr="Ο" * 200, pudo_titles_gr="Τ" * 300)
    elta.services.points = [long]
    [point] = at_point.points()
    assert at_point.send(a_parcel(pickup_point=point)).state == "prepared"
    assert elta.refused == []


def test_an_error_instead_of_the_list_is_no_list(at_point: EltaPoint, elta: EltaSimulator) -> None:
    elta.faults[POINTS] = faults.body(
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        b'<READResponse xmlns="/GETPUDODETAILS"><st_flag>99</st_flag><st_title/></READResponse>'
        b"</e:Body></e:Envelope>"
    )
    with pytest.raises(TemporaryFailure, match="error 99"):
        at_point.points()
    elta.faults.clear()
    elta.services.customer.password = "another"
    with pytest.raises(ConfigurationFailure, match="PASSWORD"):
        at_point.points()


# --- The voucher -----------------------------------------------------------------------------------------


def test_a_voucher_names_the_point_and_its_address(at_point: EltaPoint, elta: EltaSimulator) -> None:
    at_point.send(a_parcel())
    [parcel] = elta.parcels
    said = {name: value for name, value in parcel.told.items() if value}
    assert said == {
        "pel_user_code": "9999999",
        "pel_user_pass": "9999999",
        "pel_apost_code": "999999999",
        "pel_paral_name": RECIPIENT.name,
        "pel_paral_address": POINT.address,
        "pel_paral_area": POINT.town,
        "pel_paral_tk": POINT.postal_code,
        "pel_paral_thl_2": "6900000005",
        "pel_service": "7",
        "pudo_station": POINT.code,
        "pel_baros": "000000.100",
        "pel_temaxia": "001",
        "pel_sur_1": "0",
        "pel_sur_2": "0",
        "pel_sur_3": "0",
        "pel_ref_no": reference("parcel-1"),
        "sideta_eidos": "1",
    }


def test_it_is_looked_up_before_it_is_created(at_point: EltaPoint, elta: EltaSimulator) -> None:
    at_point.send(a_parcel())
    assert elta.calls() == [TRACK, CREATE]


def test_after_a_lost_answer_the_parcel_is_found_and_not_ordered_again(
    at_point: EltaPoint, elta: EltaSimulator
) -> None:
    elta.faults[CREATE] = faults.once(faults.no_answer)
    with pytest.raises(TemporaryFailure):
        at_point.send(a_parcel())
    assert at_point.send(a_parcel()).number_missing
    assert len(elta.parcels) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pickup_point": None}, "choose a point"),
        ({"name": "Α" * 151}, "at most 150"),
        ({"phone": "+4930000000000"}, "landline or mobile number"),
    ],
)
def test_what_elta_cannot_take_is_told_before_it_is_asked(
    at_point: EltaPoint, elta: EltaSimulator, changed: dict[str, Any], words: str
) -> None:
    parcel = a_parcel(**changed)
    assert words in at_point.objection(parcel.recipient)
    with pytest.raises(PermanentFailure) as failure:
        at_point.send(parcel)
    assert words in failure.value.for_citizen
    assert elta.parcels == []


def test_a_postal_code_that_elta_does_not_know_is_mended_with_another_point(
    at_point: EltaPoint, elta: EltaSimulator
) -> None:
    elsewhere = replace(POINT, postal_code="99999")
    with pytest.raises(PermanentFailure) as failure:
        at_point.send(a_parcel(pickup_point=elsewhere))
    assert failure.value.for_citizen == "Please choose another point of ELTA Courier."


def test_a_point_that_elta_does_not_know_makes_no_parcel(at_point: EltaPoint, elta: EltaSimulator) -> None:
    """Its error is not documented: looked up again before anything else is tried."""
    elta.services.points = []
    with pytest.raises(TemporaryFailure, match="error 99"):
        at_point.send(a_parcel())
    assert elta.parcels == []


# --- What can be tried ----------------------------------------------------------------------------------


def test_the_trial_counts_the_points_and_sends_nothing(at_point: EltaPoint, elta: EltaSimulator) -> None:
    findings = at_point.try_out()
    assert [finding.trouble for finding in findings] == ["", ""]
    assert "4, and 3 that cannot be used" in findings[1].tried
    elta.services.points = []
    assert "there is none" in at_point.try_out()[1].trouble
    assert elta.parcels == []


def test_the_trial_tells_that_the_account_may_not_list_them(at_point: EltaPoint, elta: EltaSimulator) -> None:
    elta.services.customer.user_code = "0000001"
    assert "user_code" in at_point.try_out()[1].trouble


def test_bringing_to_the_door_has_no_points(courier: EltaCourier) -> None:
    assert list(courier.points()) == []
