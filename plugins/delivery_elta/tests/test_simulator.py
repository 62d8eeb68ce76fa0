"""The stand-in is as strict as ELTA Courier is known to be: what passes here is by the field tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from lxml import etree

from portal.testing.elta import EltaSimulator, parcels, points
from portal.testing.elta.fields import REQUESTS

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
WHO = {"pel_user_code": "9999999", "pel_user_pass": "9999999", "pel_apost_code": "999999999"}
GOOD: dict[str, dict[str, str]] = {
    "CREATEAWB02": {
        **WHO,
        "pel_paral_name": "ΔΟΚΙΜΗ",
        "pel_paral_address": "ΔΟΚΙΜΗΣ 1",
        "pel_paral_tk": "15772",
        "pel_paral_thl_2": "6900000000",
        "pel_service": "1",
        "pel_baros": "000000.100",
        "pel_temaxia": "001",
        "pel_ref_no": "REF1",
        "sideta_eidos": "1",
    },
    "PELTT03": {"wpel_code": "999999999", "wpel_user": "9999999", "wpel_pass": "9999999", "wpel_flag": "2"},
    "PELB64VG": {**WHO, "paper_size": "1"},
    "GETPUDODETAILS": WHO,
}


def body_of(name: str, values: Mapping[str, str], namespace: str = "") -> str:
    fields = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in values.items())
    return f'<READ xmlns="{namespace or "/" + name}">{fields}</READ>'


def complete(name: str, **changed: str) -> dict[str, str]:
    return {field: "" for field in REQUESTS[name]} | GOOD[name] | changed


def post(elta: EltaSimulator, body: str, path: str = "/", **headers: str) -> httpx.Response:
    content = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'
    return httpx.post(elta.url + path, content=content.encode(), headers={**HEADERS, **headers})


def call(elta: EltaSimulator, name: str, **changed: str) -> dict[str, Any]:
    """The fields of the answer, as text; those that repeat as a list of records."""
    answer = post(elta, body_of(name, complete(name, **changed)))
    assert answer.status_code == 200, answer.text
    [response] = etree.fromstring(answer.content)[0]
    assert response.tag == f"{{/{name}}}READResponse"
    told: dict[str, Any] = {}
    for element in response:
        field = etree.QName(element).localname
        if len(element):
            record = {etree.QName(part).localname: part.text or "" for part in element}
            told.setdefault(field, []).append(record)
        else:
            told[field] = element.text or ""
    return told


def is_fault(elta: EltaSimulator, answer: httpx.Response) -> bool:
    return answer.status_code == 500 and "faultcode" in answer.text and elta.called == []


# --- The envelope ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REQUESTS)
def test_each_service_answers_at_the_root_by_its_namespace(elta: EltaSimulator, name: str) -> None:
    assert call(elta, name)["st_flag"] in ("0", "99")
    assert post(elta, body_of(name, complete(name)), f"/{name}").status_code == 404


@pytest.mark.parametrize("namespace", ["PELTT03", "/PELTT01", "urn:PELTT03", "/"])
def test_another_namespace_is_no_service(elta: EltaSimulator, namespace: str) -> None:
    assert is_fault(elta, post(elta, body_of("PELTT03", complete("PELTT03"), namespace)))


def test_only_a_post_of_soap_1_1_is_read(elta: EltaSimulator) -> None:
    body = body_of("PELTT03", complete("PELTT03"))
    assert httpx.get(elta.url + "/").status_code == 405
    assert is_fault(elta, post(elta, body, **{"Content-Type": "application/soap+xml"}))
    assert is_fault(elta, post(elta, body, SOAPAction='"READ"'))
    assert is_fault(elta, post(elta, body + body))
    assert is_fault(elta, post(elta, ""))
    bare = httpx.post(elta.url + "/", content=body.encode(), headers=HEADERS)
    assert is_fault(elta, bare)
    half = httpx.post(elta.url + "/", content=b"<s:Envelope", headers=HEADERS)
    assert is_fault(elta, half)


def test_a_call_without_the_header_of_soap_is_refused(elta: EltaSimulator) -> None:
    content = (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{body_of("GETPUDODETAILS", WHO)}</s:Body></s:Envelope>'
    )
    answer = httpx.post(elta.url + "/", content=content, headers={"Content-Type": "text/xml"})
    assert is_fault(elta, answer)


# --- The schema ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REQUESTS)
def test_every_field_must_be_there_once_and_in_its_order(elta: EltaSimulator, name: str) -> None:
    values = complete(name)
    fields = list(values)
    first, second = fields[0], fields[1]
    swapped = {second: values[second], first: values[first]} | values
    assert is_fault(elta, post(elta, body_of(name, swapped)))
    for field in fields:
        without = {key: value for key, value in values.items() if key != field}
        assert is_fault(elta, post(elta, body_of(name, without))), field
    assert is_fault(elta, post(elta, body_of(name, values | {"more": ""})))
    twice = body_of(name, values).replace("</READ>", f"<{first}>x</{first}></READ>")
    assert is_fault(elta, post(elta, twice))


@pytest.mark.parametrize(
    ("name", "field", "longest"),
    [(name, field, longest) for name, fields in REQUESTS.items() for field, longest in fields.items()],
)
def test_nothing_may_be_longer_than_its_field(
    elta: EltaSimulator, name: str, field: str, longest: int
) -> None:
    assert is_fault(elta, post(elta, body_of(name, complete(name, **{field: "1" * (longest + 1)}))))


def test_fields_are_text_of_the_right_type(elta: EltaSimulator) -> None:
    assert is_fault(elta, post(elta, body_of("PELTT03", complete("PELTT03", wpel_user="99a"))))
    assert is_fault(elta, post(elta, body_of("PELTT03", complete("PELTT03", wpel_user=""))))
    nested = body_of("PELTT03", complete("PELTT03")).replace("9999999</wpel_pass>", "<b/></wpel_pass>")
    assert is_fault(elta, post(elta, nested))
    unqualified = body_of("PELTT03", complete("PELTT03")).replace("<wpel_ref>", '<wpel_ref xmlns="">')
    assert is_fault(elta, post(elta, unqualified))


# --- The list of errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error", "title"),
    [
        ({"pel_paral_tk": ""}, "1", "Λάθος Τ.Κ."),
        ({"pel_paral_tk": "1577"}, "1", "Λάθος Τ.Κ."),
        ({"pel_paral_tk": "00123"}, "1", "Λάθος Τ.Κ."),
        ({"pel_user_code": "9999998"}, "2", "Λάθος Κωδικός Χρήστη"),
        ({"pel_user_code": "999999"}, "2", "Λάθος Κωδικός Χρήστη"),
        ({"pel_user_pass": "x"}, "3", "Λάθος Κωδικός Ασφαλείας"),
        ({"pel_baros": ""}, "5", "Δεν έχει Οριστεί Βάρος"),
        ({"pel_baros": "0.1"}, "5", "Δεν έχει Οριστεί Βάρος"),
        ({"pel_baros": "000000.000"}, "5", "Δεν έχει Οριστεί Βάρος"),
        ({"pel_temaxia": "1"}, "5", "Δεν έχουν Οριστεί Τεμάχια"),
        ({"pel_temaxia": "151"}, "5", "Δεν έχουν Οριστεί Τεμάχια"),
        ({"pel_apost_code": "1"}, "6", "Λάθος Κωδικός Πελάτη"),
        ({"pel_apost_sub_code": "0007"}, "6", "Λάθος Κωδικός Πελάτη"),
        ({"pel_paral_thl_2": ""}, "7", "Πρέπει Να Υπάρχει Τουλάχιστον 1 Τηλέφωνο"),
        ({"pel_paral_thl_2": "690000000"}, "7", "Λάθος Τηλέφωνο"),
        ({"pel_paral_thl_2": "2100000000"}, "7", "Λάθος Τηλέφωνο"),
        ({"pel_paral_thl_1": "6900000000"}, "7", "Λάθος Τηλέφωνο"),
        ({"pel_paral_name": " "}, "99", "Λείπουν Στοιχεία Παραλήπτη"),
        ({"pel_paral_address": ""}, "99", "Λείπουν Στοιχεία Παραλήπτη"),
        ({"pel_ref_no": "REF-1"}, "99", "Λάθος Στοιχεία pel_ref_no"),
        ({"sideta_eidos": ""}, "99", "Λάθος Στοιχεία sideta_eidos"),
        ({"pel_service": "3"}, "99", "Λάθος Στοιχεία pel_service"),
        ({"pel_service": "7"}, "99", "Λάθος Στοιχεία pudo_station"),
        ({"pel_service": "7", "pudo_station": "99999"}, "99", "Λάθος Στοιχεία pudo_station"),
        ({"pel_service": "1", "pudo_station": "00123"}, "99", "Λάθος Στοιχεία pudo_station"),
        ({"pel_sur_1": "2"}, "99", "Λάθος Στοιχεία pel_sur_1"),
        (
            {"pel_ant_poso": "0000010.00", "pel_ant_poso1": "0000010.00"},
            "99",
            "Λάθος Στοιχεία pel_ant_poso",
        ),
    ],
)
def test_a_voucher_that_cannot_be_is_refused_by_the_list(
    elta: EltaSimulator, changed: dict[str, str], error: str, title: str
) -> None:
    told = call(elta, "CREATEAWB02", **changed)
    assert (told["st_flag"], told["st_title"], told["vg_code"]) == (error, title, "")
    assert elta.parcels == []


@pytest.mark.parametrize("name", ["PELTT03", "PELB64VG", "GETPUDODETAILS"])
def test_every_service_asks_who_calls(elta: EltaSimulator, name: str) -> None:
    user, password, sender = (
        ("wpel_user", "wpel_pass", "wpel_code")
        if name == "PELTT03"
        else ("pel_user_code", "pel_user_pass", "pel_apost_code")
    )
    assert call(elta, name, **{user: "1"})["st_flag"] == "2"
    assert call(elta, name, **{password: "1"})["st_flag"] == "3"
    assert call(elta, name, **{sender: "1"})["st_flag"] == "6"


# --- What it does ----------------------------------------------------------------------------------------


def test_the_same_reference_twice_makes_two_parcels(elta: EltaSimulator) -> None:
    """There is no key that would end doubles; that is why a client has to look first."""
    first, second = (call(elta, "CREATEAWB02")["vg_code"] for _ in range(2))
    assert first != second
    assert len(elta.parcels) == 2


def test_the_history_is_newest_first_and_padded(elta: EltaSimulator, clock: Any) -> None:
    number = call(elta, "CREATEAWB02")["vg_code"]
    clock.shift(3600)
    elta.parcels[0].move(parcels.ARRIVED)
    by_number = call(elta, "PELTT03", wpel_flag="1", wpel_vg=number)
    titles = [record["web_status_title"] for record in by_number["web_status"]]
    assert titles[:2] == [parcels.ARRIVED, parcels.CREATED]
    assert set(titles[2:]) == {""}
    assert len(titles) > 2
    assert by_number["web_status_counter"] == "2"
    assert by_number["web_status"][0]["web_date"] == "20261130"
    assert by_number["web_status"][0]["web_time"] == "0900"
    assert call(elta, "PELTT03", wpel_flag="2", wpel_ref="REF1") == by_number
    assert number not in str(by_number), "the real one does not tell it either"


def test_a_delivered_parcel_has_its_day(elta: EltaSimulator) -> None:
    call(elta, "CREATEAWB02")
    assert call(elta, "PELTT03", wpel_ref="REF1")["pod_date"] == ""
    elta.parcels[0].move(parcels.DELIVERED, by="ΔΟΚΙΜΗ")
    told = call(elta, "PELTT03", wpel_ref="REF1")
    assert (told["pod_date"], told["pod_time"], told["pod_name"]) == ("20261130", "0800", "ΔΟΚΙΜΗ")


def test_what_is_unknown_is_told_as_the_test_wants_it(elta: EltaSimulator) -> None:
    assert call(elta, "PELTT03", wpel_ref="OTHER")["web_status_counter"] == "0"
    elta.services.unknown_is_error = True
    assert call(elta, "PELTT03", wpel_ref="OTHER")["st_flag"] == "99"


def test_a_label_is_drawn_for_known_numbers_only(elta: EltaSimulator) -> None:
    number = call(elta, "CREATEAWB02")["vg_code"]
    assert call(elta, "PELB64VG", vg_code=number)["b64_string"]
    for wrong in ({"vg_code": "WT000000000GR"}, {"vg_code": number, "paper_size": "2"}):
        told = call(elta, "PELB64VG", **wrong)
        assert (told["st_flag"], told["b64_string"]) == ("99", "")


def test_the_points_are_listed_with_their_doubles_and_gaps_and_padded(elta: EltaSimulator) -> None:
    listed = call(elta, "GETPUDODETAILS")["pudo_details"]
    assert [record["pudo_codes"] for record in listed].count("00123") == 2
    assert "" in [record["pudo_titles_gr"] for record in listed if record["pudo_codes"]]
    assert set(listed[-1].values()) == {""}


def test_the_longest_list_has_no_room_for_padding(elta: EltaSimulator) -> None:
    elta.services.points = points.many()
    listed = call(elta, "GETPUDODETAILS")["pudo_details"]
    assert len(listed) == points.MOST == len({record["pudo_codes"] for record in listed} - {""})
