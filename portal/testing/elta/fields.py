"""The fields of the requests, in their order, with their longest values; and the answers' records.

Written from the field tables of ELTA Courier, apart from what any client has of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

Fields = Mapping[str, int]

CREDENTIALS: Fields = {"pel_user_code": 7, "pel_user_pass": 30, "pel_apost_code": 30}
REQUESTS: Mapping[str, Fields] = {
    "CREATEAWB02": {
        **CREDENTIALS,
        "pel_apost_sub_code": 30,
        "pel_paral_name": 150,
        "pel_paral_address": 150,
        "pel_paral_area": 40,
        "pel_user_lang": 0,
        "pel_paral_tk": 5,
        "pel_paral_thl_1": 10,
        "pel_paral_thl_2": 10,
        "pel_service": 1,
        "pel_baros": 10,
        "pel_temaxia": 3,
        "pel_paral_sxolia": 100,
        "pel_sur_1": 1,
        "pel_sur_2": 1,
        "pel_sur_3": 1,
        "pel_ant_poso": 10,
        **{f"pel_ant_poso{number}": 10 for number in range(1, 5)},
        **{f"pel_ant_date{number}": 10 for number in range(1, 5)},
        "pel_asf_poso": 10,
        "pel_ref_no": 30,
        "sideta_eidos": 1,
        "pudo_station": 5,
    },
    "PELTT03": {
        "wpel_code": 30,
        "wpel_user": 7,
        "wpel_pass": 30,
        "wpel_vg": 13,
        "wpel_ref": 30,
        "wpel_flag": 1,
    },
    "PELB64VG": {**CREDENTIALS, "vg_code": 13, "paper_size": 1},
    "GETPUDODETAILS": CREDENTIALS,
}
INTEGERS = frozenset({"wpel_user"})
PRINT_FIELDS = (
    "rec_station_code",
    "rec_station_title",
    "serv_code",
    "serv_title",
    "cod_code",
    "cod_title",
    "sur_code_1",
    "sur_title_1",
    "sur_code_2",
    "sur_title_2",
    "sur_code_3",
    "sur_title_3",
)
MOVEMENT_FIELDS = ("web_date", "web_time", "web_station", "web_status_title", "web_remarks")
POINT_FIELDS = (
    "pudo_codes",
    "pudo_postal_code",
    "pudo_titles_gr",
    "pudo_titles_en",
    "pudo_address_gr",
    "pudo_address_en",
    "pudo_city_gr",
    "pudo_city_en",
    "pudo_county_gr",
    "pudo_county_en",
    "pudo_region_gr",
    "pudo_region_en",
    "pudo_telefon",
    "pudo_daily_operation",
    "pudo_saturday_operation",
    "pudo_sanday_operation",
    "pudo_latitude",
    "pudo_longtitude",
)


class NotByTheSchema(Exception):
    """The request is not what the WSDL says; the text is for whoever reads a failed test."""


def read(name: str, element: etree._Element) -> dict[str, str]:
    """The values of a request of the service ``name``. Raises NotByTheSchema."""
    fields = REQUESTS[name]
    given = [child.tag for child in element]
    wanted = [f"{{/{name}}}{field}" for field in fields]
    if given != wanted:
        raise NotByTheSchema(f"{name} wants {wanted} in this order and namespace, got {given}")
    return {
        field: _value(field, longest, child)
        for (field, longest), child in zip(fields.items(), element, strict=True)
    }


def _value(field: str, longest: int, element: etree._Element) -> str:
    if len(element) or element.attrib:
        raise NotByTheSchema(f"{field} is text, without elements or attributes")
    value = element.text or ""
    if len(value) > longest:
        raise NotByTheSchema(f"{field} has {len(value)} signs, at most {longest} are allowed")
    if field in INTEGERS and not re.fullmatch(r"[+-]?[0-9]+", value):
        raise NotByTheSchema(f"{field} is a whole number")
    return value
