"""What each service does with a request that is in order, and what it answers.

Documented are the errors 1, 2, 3, 5, 6 and 7. For everything else the stand-in answers `UNLISTED`, since the
real numbers are not known.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pikepdf

from . import points
from .fields import MOVEMENT_FIELDS, POINT_FIELDS, PRINT_FIELDS
from .parcels import CREATED, SentParcel, voucher

Answer = dict[str, Any]
Request = Mapping[str, str]

UNLISTED = 99
PADDING = 5
"""So many empty records stand behind the real ones."""


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, flag: int, title: str) -> None:
        super().__init__(title)
        self.flag, self.title = flag, title


@dataclass
class Customer:
    """Who may call: what the documents on ELTA's side give for tests."""

    user_code: str = "9999999"
    password: str = field(default="9999999", repr=False)
    sender_code: str = "999999999"
    sub_codes: frozenset[str] = frozenset({"", "0005"})


class Services:
    """The four services over one set of parcels."""

    def __init__(self) -> None:
        self.customer = Customer()
        self.parcels: list[SentParcel] = []
        self.points: list[points.Record] = points.usual()
        """The records of the list, as a test wants them."""
        self.unknown_is_error = False
        """How an unknown parcel is told, which is not documented: with nothing, or with an error in words."""
        self._serial = 64077697

    def createawb02(self, asked: Request) -> Answer:
        self._expect_customer(asked["pel_user_code"], asked["pel_user_pass"], asked["pel_apost_code"])
        if asked["pel_apost_sub_code"] not in self.customer.sub_codes:
            raise Refused(6, "Λάθος Κωδικός Πελάτη")
        _expect_voucher(asked)
        if asked["pudo_station"] not in {"", *(record["pudo_codes"] for record in self.points)}:
            raise Refused(UNLISTED, "Λάθος Στοιχεία pudo_station")
        self._serial += 1
        made = SentParcel(voucher(self._serial), dict(asked))
        made.move(CREATED, "ΠΕΛΑΤΗΣ")
        self.parcels.append(made)
        printed = dict.fromkeys(PRINT_FIELDS, "") | {
            "rec_station_code": "123",
            "rec_station_title": "ΖΩΓΡΑΦΟΥ",
        }
        return {
            "vg_code": made.voucher,
            "return_vg": "",
            "epitagh_vg": "",
            "print_fields": [printed],
        }

    def peltt03(self, asked: Request) -> Answer:
        # The schema says that the user is a number: leading zeros do not count.
        self._expect_customer(asked["wpel_user"].zfill(7), asked["wpel_pass"], asked["wpel_code"])
        found = self._found(asked)
        if found is None:
            if self.unknown_is_error:
                raise Refused(UNLISTED, "Δεν βρέθηκε η αποστολή")
            return _history([], "", "", "")
        newest_first = sorted(reversed(found.movements), key=lambda one: one.at, reverse=True)
        records = [movement.record() | {"web_remarks": ""} for movement in newest_first]
        day, hour = _parts(found)
        return _history(records, day, hour, found.received_by)

    def pelb64vg(self, asked: Request) -> Answer:
        sender = asked["pel_apost_code"].split(" " * 6)[0]
        self._expect_customer(asked["pel_user_code"], asked["pel_user_pass"], sender)
        if asked["paper_size"] not in ("0", "1"):
            raise Refused(UNLISTED, "Λάθος Μέγεθος Χαρτιού")
        if asked["vg_code"] not in [parcel.voucher for parcel in self.parcels]:
            raise Refused(UNLISTED, "Λάθος Αριθμός Αποστολής")
        drawn = base64.encodebytes(_drawn(asked["vg_code"], asked["paper_size"])).decode()
        return {"b64_string": drawn}

    def getpudodetails(self, asked: Request) -> Answer:
        self._expect_customer(asked["pel_user_code"], asked["pel_user_pass"], asked["pel_apost_code"])
        padding = min(PADDING, points.MOST - len(self.points))
        return {"pudo_details": [*self.points, *[dict.fromkeys(POINT_FIELDS, "")] * padding]}

    def _expect_customer(self, user_code: str, password: str, sender_code: str) -> None:
        if user_code != self.customer.user_code:
            raise Refused(2, "Λάθος Κωδικός Χρήστη")
        if password != self.customer.password:
            raise Refused(3, "Λάθος Κωδικός Ασφαλείας")
        if sender_code != self.customer.sender_code:
            raise Refused(6, "Λάθος Κωδικός Πελάτη")

    def _found(self, asked: Request) -> SentParcel | None:
        """The parcel with this number, or the newest one with this reference."""
        if asked["wpel_flag"] not in ("", "1", "2"):
            raise Refused(UNLISTED, "Λάθος Τύπος Αναζήτησης")
        by_reference = asked["wpel_flag"] == "2"
        wanted = asked["wpel_ref"] if by_reference else asked["wpel_vg"]
        for parcel in reversed(self.parcels):
            if wanted and wanted == (parcel.told["pel_ref_no"] if by_reference else parcel.voucher):
                return parcel
        return None


def _expect_voucher(asked: Request) -> None:
    """Everything that the field table says about a new voucher."""
    if not re.fullmatch(r"[1-8][0-9]{4}", asked["pel_paral_tk"]):
        raise Refused(1, "Λάθος Τ.Κ.")
    if not re.fullmatch(r"[0-9]{6}\.[0-9]{3}", asked["pel_baros"]) or float(asked["pel_baros"]) <= 0:
        raise Refused(5, "Δεν έχει Οριστεί Βάρος")
    if not re.fullmatch(r"[0-9]{3}", asked["pel_temaxia"]) or not 1 <= int(asked["pel_temaxia"]) <= 150:
        raise Refused(5, "Δεν έχουν Οριστεί Τεμάχια")
    _expect_phones(asked["pel_paral_thl_1"], asked["pel_paral_thl_2"])
    for name in ("pel_paral_name", "pel_paral_address"):
        if not asked[name].strip():
            raise Refused(UNLISTED, "Λείπουν Στοιχεία Παραλήπτη")
    _expect_choices(asked)


def _expect_phones(landline: str, mobile: str) -> None:
    if not landline and not mobile:
        raise Refused(7, "Πρέπει Να Υπάρχει Τουλάχιστον 1 Τηλέφωνο")
    if not re.fullmatch(r"(2[0-9]{9})?", landline) or not re.fullmatch(r"((6[0-9]|94)[0-9]{8})?", mobile):
        raise Refused(7, "Λάθος Τηλέφωνο")


def _expect_choices(asked: Request) -> None:
    allowed = {
        "pel_service": "|1|2|7|8",
        "pel_sur_1": "|0|1",
        "pel_sur_2": "|0|1",
        "pel_sur_3": "|0|1",
        "sideta_eidos": "1|2",
    }
    wrong = [name for name, values in allowed.items() if asked[name] not in values.split("|")]
    if not re.fullmatch(r"[A-Za-z0-9]*", asked["pel_ref_no"]):
        wrong.append("pel_ref_no")
    # A point with another service is not documented: refused, so that no client relies on it being ignored.
    if (asked["pel_service"] == "7") != bool(asked["pudo_station"]):
        wrong.append("pudo_station")
    if asked["pel_ant_poso"] and any(asked[f"pel_ant_poso{number}"] for number in range(1, 5)):
        wrong.append("pel_ant_poso")
    if wrong:
        raise Refused(UNLISTED, f"Λάθος Στοιχεία {' '.join(wrong)}")


def _history(records: Sequence[Mapping[str, str]], day: str, hour: str, name: str) -> Answer:
    empty = dict.fromkeys(MOVEMENT_FIELDS, "")
    return {
        "pod_date": day,
        "pod_time": hour,
        "pod_name": name,
        "web_status": [*records, *[empty] * PADDING],
        "web_status_counter": str(len(records)),
    }


def _parts(parcel: SentParcel) -> tuple[str, str]:
    if parcel.delivered_at is None:
        return "", ""
    record = parcel.movements[-1].record()
    return record["web_date"], record["web_time"]


def _drawn(number: str, paper_size: str) -> bytes:
    """A page with the voucher's number; the real one has the addresses too."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(595, 842) if paper_size == "0" else (298, 420))
        page.Contents = pdf.make_stream(f"BT /F1 12 Tf 20 200 Td ({number}) Tj ET".encode())
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        whole = BytesIO()
        pdf.save(whole, deterministic_id=True)
        return whole.getvalue()
