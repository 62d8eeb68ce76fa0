"""The points of the stand-in: invented, and as untidy as lists are that many hands have written."""

from __future__ import annotations

from portal.testing.elta.fields import POINT_FIELDS

MOST = 2500
"""So many records an answer can hold."""
Record = dict[str, str]


def point(code: str, postal_code: str, town: str, **told: str) -> Record:
    """One record by the names of the service, which are misspelt there; a few fields have usual values."""
    record = dict.fromkeys(POINT_FIELDS, "") | {
        "pudo_codes": code,
        "pudo_postal_code": postal_code,
        "pudo_titles_gr": f"ΚΑΤΑΣΤΗΜΑ {town}",
        "pudo_address_gr": "ΟΔΟΣ ΔΟΚΙΜΗΣ 1",
        "pudo_city_gr": town,
        "pudo_telefon": "2100000000",
        "pudo_daily_operation": "08:00-20:00",
        "pudo_saturday_operation": "09:00-14:00",
    }
    return record | told


def usual() -> list[Record]:
    """A short list with what makes trouble in long ones."""
    return [
        point(
            "00123",
            "15772",
            "ΖΩΓΡΑΦΟΥ",
            pudo_titles_en="ZOGRAFOU STORE",
            pudo_address_en="1 DOKIMIS STR",
            pudo_city_en="ZOGRAFOU",
        ),
        point("00124", "546 24", "ΘΕΣΣΑΛΟΝΙΚΗ", pudo_city_en="THESSALONIKI"),
        point("A7", "15773", "ΖΩΓΡΑΦΟΥ", pudo_titles_gr="", pudo_titles_en="KIOSK"),
        point("00125", "11527", "ΑΘΗΝΑ", pudo_titles_gr="", pudo_saturday_operation="", pudo_telefon=""),
        point("00123", "15772", "ΖΩΓΡΑΦΟΥ", pudo_titles_gr="ΔΙΠΛΗ ΕΓΓΡΑΦΗ"),
        point("", "15772", "ΖΩΓΡΑΦΟΥ", pudo_titles_gr="ΧΩΡΙΣ ΚΩΔΙΚΟ"),
        point("00126", "", "ΖΩΓΡΑΦΟΥ", pudo_titles_gr="ΧΩΡΙΣ Τ.Κ."),
        point("00127", "15772", "ΖΩΓΡΑΦΟΥ", pudo_address_gr=""),
    ]


def many(count: int = MOST) -> list[Record]:
    """A list of the longest size, over all of the country."""
    towns = ("ΑΘΗΝΑ", "ΘΕΣΣΑΛΟΝΙΚΗ", "ΠΑΤΡΑ", "ΝΕΑ ΙΩΝΙΑ", "ΗΡΑΚΛΕΙΟ", "ΒΟΛΟΣ", "ΛΑΡΙΣΑ")
    return [
        point(f"{number:05d}", f"{10000 + (number * 29) % 76000}", f"{towns[number % len(towns)]}")
        for number in range(count)
    ]
