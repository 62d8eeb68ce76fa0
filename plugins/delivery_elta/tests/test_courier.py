"""ELTA Courier keeps the contract: one parcel for one key, whatever becomes of the answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier, reference
from pydantic import SecretStr

from portal.plugin_api import (
    ConfigurationFailure,
    DeliveryProvider,
    NumberRefused,
    PermanentFailure,
    PostalAddress,
    Receipt,
    TemporaryFailure,
)
from portal.testing.contracts import DeliveryProviderContract, OutsideFailures
from portal.testing.contracts.delivery import RECIPIENT, a_parcel
from portal.testing.elta import EltaSimulator, faults
from portal.testing.elta.faults import Fault
from portal.testing.remote import RemoteServer

CREATE, TRACK, LABEL = "CREATEAWB02", "PELTT03", "PELB64VG"
PASSWORD = "PORTAL_DELIVERY_ELTA_PASSWORD"


class TestContract(DeliveryProviderContract):
    secrets = ("secret-of-elta",)

    @pytest.fixture
    def provider(self, courier_by: Callable[..., EltaCourier], elta: EltaSimulator) -> DeliveryProvider:
        self.elta = elta
        elta.services.customer.password = "secret-of-elta"
        return courier_by(password=SecretStr("secret-of-elta"))

    def effects(self, provider: DeliveryProvider) -> list[str]:
        assert self.elta.refused == []
        return [f"{one.voucher} {one.told['pel_paral_name']}" for one in self.elta.parcels]


class TestOutside(OutsideFailures):
    @pytest.fixture
    def provider(self, courier_by: Callable[..., EltaCourier], remote: RemoteServer) -> EltaCourier:
        return courier_by(base_url=remote.url)

    def exercise(self, provider: Any) -> None:
        provider.send(a_parcel())


# --- The voucher -----------------------------------------------------------------------------------------


def test_a_voucher_says_what_the_field_table_asks_for(courier: EltaCourier, elta: EltaSimulator) -> None:
    receipt = courier.send(a_parcel())
    [parcel] = elta.parcels
    assert receipt == Receipt(
        parcel.voucher,
        "prepared",
        tracking_url=f"https://www.elta-courier.gr/search?br={parcel.voucher}",
        data={"sender_reference": reference("parcel-1")},
    )
    said = {name: value for name, value in parcel.told.items() if value}
    assert said == {
        "pel_user_code": "9999999",
        "pel_user_pass": "9999999",
        "pel_apost_code": "999999999",
        "pel_paral_name": RECIPIENT.name,
        "pel_paral_address": "Γεωργίου Ζωγράφου 12Α",
        "pel_paral_area": "Ζωγράφου",
        "pel_paral_tk": "15772",
        "pel_paral_thl_2": "6900000005",
        "pel_service": "1",
        "pel_baros": "000000.100",
        "pel_temaxia": "001",
        "pel_sur_1": "0",
        "pel_sur_2": "0",
        "pel_sur_3": "0",
        "pel_ref_no": reference("parcel-1"),
        "sideta_eidos": "1",
    }


def test_it_is_looked_up_before_it_is_created(courier: EltaCourier, elta: EltaSimulator) -> None:
    courier.send(a_parcel())
    assert elta.calls() == [TRACK, CREATE]


def test_the_sub_code_goes_along_where_there_is_one(
    courier_by: Callable[..., EltaCourier], elta: EltaSimulator
) -> None:
    courier_by(sender_sub_code="0005").send(a_parcel())
    assert elta.parcels[0].told["pel_apost_sub_code"] == "0005"


def test_a_landline_stands_in_the_field_of_landlines(courier: EltaCourier, elta: EltaSimulator) -> None:
    courier.send(a_parcel(phone="+302100000000"))
    told = elta.parcels[0].told
    assert (told["pel_paral_thl_1"], told["pel_paral_thl_2"]) == ("2100000000", "")


def test_what_would_break_xml_or_the_line_is_carried(courier: EltaCourier, elta: EltaSimulator) -> None:
    courier.send(a_parcel(name="Ο'Κόνορ\n <&> \x0b Άννα"))
    assert elta.parcels[0].told["pel_paral_name"] == "Ο'Κόνορ <&> Άννα"


ADDRESS = RECIPIENT.address
assert ADDRESS is not None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"address": None}, "postal address"),
        ({"address": PostalAddress("Α", "1", "00123", "Ζωγράφου")}, "five digits"),
        ({"address": PostalAddress("Α", "1", "15772", "Α" * 41)}, "at most 40"),
        ({"address": PostalAddress("Α" * 150, "1", "15772", "Ζωγράφου")}, "at most 150"),
        ({"name": "Α" * 151}, "at most 150"),
        ({"phone": None}, "landline or mobile number"),
        ({"phone": "+4930000000000"}, "landline or mobile number"),
        ({"phone": "+30210000000"}, "landline or mobile number"),
        ({"phone": "+308000000000"}, "landline or mobile number"),
        ({"phone": "+307000000000"}, "landline or mobile number"),
    ],
)
def test_what_elta_cannot_deliver_is_told_before_it_is_asked(
    courier: EltaCourier, elta: EltaSimulator, changed: dict[str, Any], words: str
) -> None:
    parcel = a_parcel(**changed)
    assert words in courier.objection(parcel.recipient)
    with pytest.raises(PermanentFailure) as failure:
        courier.send(parcel)
    assert words in failure.value.for_citizen
    assert elta.parcels == []


def test_the_longest_that_is_allowed_is_not_objected_to(courier: EltaCourier, elta: EltaSimulator) -> None:
    longest = {"name": "Α" * 150, "address": PostalAddress("Β" * 148, "1", "15772", "Γ" * 40)}
    assert courier.objection(a_parcel(**longest).recipient) == ""
    courier.send(a_parcel(**longest))
    assert elta.refused == []


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (1, PermanentFailure),
        (2, ConfigurationFailure),
        (3, ConfigurationFailure),
        (5, PermanentFailure),
        (6, ConfigurationFailure),
        (7, PermanentFailure),
        (4, TemporaryFailure),
        (8, TemporaryFailure),
        (99, TemporaryFailure),
    ],
)
def test_each_error_of_the_list_means_something_else(
    courier: EltaCourier, elta: EltaSimulator, error: int, failure: type[Exception]
) -> None:
    elta.instead[CREATE] = faults.body(refusal(CREATE, error))
    with pytest.raises(failure) as raised:
        courier.send(a_parcel())
    assert "ΜΑΡΙΑ" not in str(raised.value)


def refusal(service: str, error: int) -> bytes:
    fields = {
        CREATE: "<vg_code/><return_vg/><epitagh_vg/><print_fields/>",
        TRACK: "<pod_date/><pod_time/><pod_name/><web_status_counter>0</web_status_counter>",
    }
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<READResponse xmlns="/{service}"><st_flag>{error}</st_flag><st_title>ΜΑΡΙΑ</st_title>'
        f"{fields[service]}</READResponse></e:Body></e:Envelope>"
    ).encode()


def test_the_citizen_is_told_which_part_to_mend(courier: EltaCourier, elta: EltaSimulator) -> None:
    for error, words in ((1, "postal code"), (7, "phone number")):
        elta.instead[CREATE] = faults.body(refusal(CREATE, error))
        with pytest.raises(PermanentFailure) as failure:
            courier.send(a_parcel())
        assert words in failure.value.for_citizen


# --- Never twice -----------------------------------------------------------------------------------------

UNCLEAR: dict[str, Fault] = {
    "no answer": faults.no_answer,
    "the answer twice": faults.twice,
    "half an answer": faults.truncated,
    "a page": faults.html,
    "a fault": faults.soap_fault,
    "an error of the proxy": faults.status(502),
    "an error that is not listed": faults.body(refusal(CREATE, 42)),
    "success without a number": faults.body(refusal(CREATE, 0)),
}


@pytest.mark.parametrize("fault", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_what_was_created_without_a_clear_answer_is_found_and_not_created_again(
    courier: EltaCourier, elta: EltaSimulator, fault: Fault, logged: Callable[[], str]
) -> None:
    elta.faults[CREATE] = faults.once(fault)
    with pytest.raises(TemporaryFailure) as failure:
        courier.send(a_parcel())
    assert "ΠΑΠΑΔΟΠΟΥΛΟΥ" not in str(failure.value) + logged()
    receipt = courier.send(a_parcel())
    assert len(elta.parcels) == 1
    assert (receipt.number_missing, receipt.state) == (True, "prepared")
    assert receipt.reference == elta.parcels[0].told["pel_ref_no"]


def test_a_late_answer_is_found_too(courier: EltaCourier, elta: EltaSimulator) -> None:
    released = threading.Event()
    elta.faults[CREATE] = faults.once(faults.late(released))
    courier.services.patience = 0.2
    with pytest.raises(TemporaryFailure):
        courier.send(a_parcel())
    released.set()
    assert courier.send(a_parcel()).number_missing
    assert len(elta.parcels) == 1


def test_the_test_would_see_a_second_parcel(
    courier: EltaCourier, elta: EltaSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the look-up there are two."""
    monkeypatch.setattr(EltaCourier, "find", lambda self, key: None)
    elta.faults[CREATE] = faults.once(faults.no_answer)
    with pytest.raises(TemporaryFailure):
        courier.send(a_parcel())
    courier.send(a_parcel())
    assert len(elta.parcels) == 2


@pytest.mark.parametrize("fault", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_nothing_is_created_while_the_look_up_is_unclear(
    courier: EltaCourier, elta: EltaSimulator, fault: Fault
) -> None:
    elta.instead[TRACK] = fault
    with pytest.raises(TemporaryFailure):
        courier.send(a_parcel())
    assert CREATE not in elta.calls()


def test_an_unknown_reference_may_be_told_with_nothing_or_in_words(
    courier: EltaCourier, elta: EltaSimulator
) -> None:
    for unknown_is_error in (False, True):
        elta.services.unknown_is_error = unknown_is_error
        assert courier.find("never-sent") is None


def test_an_error_of_the_look_up_in_other_words_is_not_taken_for_unknown(
    courier: EltaCourier, elta: EltaSimulator
) -> None:
    elta.instead[TRACK] = faults.body(refusal(TRACK, 42))
    with pytest.raises(TemporaryFailure, match="error 42"):
        courier.find("never-sent")


def test_references_are_letters_and_digits_and_differ_with_the_key() -> None:
    keys = ["parcel-1", "parcel1", "PARCEL-1", "A" * 30]
    made = {reference(key) for key in keys}
    assert len(made) == len(keys)
    assert all(one.isalnum() and one.isascii() and len(one) <= 30 for one in made)


# --- Number, label, news ---------------------------------------------------------------------------------


def test_a_lost_number_is_typed_and_the_parcel_is_whole_again(
    courier: EltaCourier, elta: EltaSimulator
) -> None:
    sent = courier.send(a_parcel())
    found = courier.find("parcel-1")
    assert found is not None
    typed = f" {sent.reference[:2].lower()} {sent.reference[2:10]}-{sent.reference[10:]} ".replace("t", "τ")
    assert courier.accept_number(found, typed) == sent


def test_a_mistyped_number_is_refused_with_words(courier: EltaCourier) -> None:
    sent = courier.send(a_parcel())
    for typed in ("", sent.reference[:-1], "WT640776970GR", "RE123456785DE"):
        with pytest.raises(NumberRefused) as refused:
            courier.accept_number(sent, typed)
        assert str(refused.value)


def test_the_label_is_a_pdf_of_the_paper_in_the_settings(
    courier_by: Callable[..., EltaCourier], elta: EltaSimulator
) -> None:
    for paper, size in (("A4", "0"), ("A6", "1")):
        provider = courier_by(label_paper=paper)
        label = provider.label(provider.send(a_parcel(paper)))
        assert label is not None
        assert label.content.startswith(b"%PDF-")
        assert elta.called[-1].asked["paper_size"] == size


def test_the_sub_code_is_joined_for_printing_where_that_is_wanted(
    courier_by: Callable[..., EltaCourier], elta: EltaSimulator
) -> None:
    provider = courier_by(sender_sub_code="0005", label_with_sub_code=True)
    provider.label(provider.send(a_parcel()))
    assert elta.called[-1].asked["pel_apost_code"] == "999999999      0005"


def test_without_a_number_there_is_no_label(courier: EltaCourier) -> None:
    courier.send(a_parcel())
    found = courier.find("parcel-1")
    assert found is not None
    assert courier.label(found) is None


def test_a_number_that_elta_does_not_know_has_no_label(courier: EltaCourier) -> None:
    typed = courier.accept_number(courier.send(a_parcel()), "RE123456785GR")
    with pytest.raises(PermanentFailure, match="error 99"):
        courier.label(typed)


def test_a_label_that_is_no_pdf_is_not_kept(courier: EltaCourier, elta: EltaSimulator) -> None:
    receipt = courier.send(a_parcel())
    answer = refusal(TRACK, 0).replace(b"/PELTT03", b"/PELB64VG")
    body = (
        answer.split(b"<pod_date/>")[0]
        + b"<b64_string>bm8=</b64_string></READResponse></e:Body></e:Envelope>"
    )
    elta.faults[LABEL] = faults.body(body)
    with pytest.raises(TemporaryFailure, match="no PDF"):
        courier.label(receipt)


def test_the_news_come_by_the_number_or_by_the_reference(courier: EltaCourier, elta: EltaSimulator) -> None:
    sent = courier.send(a_parcel())
    elta.parcels[0].move("Άφιξη σε")
    found = courier.find("parcel-1")
    assert found is not None
    for receipt, flag in ((sent, "1"), (found, "2")):
        news = courier.track(receipt)
        assert (news.state, news.text) == ("sent", "Άφιξη σε, ΖΩΓΡΑΦΟΥ")
        assert elta.called[-1].asked["wpel_flag"] == flag


def test_it_cannot_be_called_back(courier: EltaCourier) -> None:
    """No service for that is known."""
    assert courier.cancel(courier.send(a_parcel())) is False
