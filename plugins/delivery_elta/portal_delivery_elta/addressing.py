"""From a recipient to the fields of a voucher, within the lengths that ELTA Courier allows."""

from __future__ import annotations

import re

from portal.plugin_api import PostalAddress, Recipient, translate

LONGEST = {"name": 150, "address": 150, "town": 40}
AT_POINT = "7"
"""The service of a voucher whose parcel is collected at a point."""


def objection(recipient: Recipient) -> str:
    """Why ELTA Courier cannot deliver to this recipient's address, in words for him; empty when it can."""
    address = recipient.address
    if address is None:
        return translate("Please give us a postal address.")
    return (
        _wrong_name(recipient.name)
        or _wrong_length(address)
        or _wrong_code(address)
        or _wrong_phone(recipient.phone or "")
    )


def objection_at_point(recipient: Recipient) -> str:
    """The same for a recipient who collects at a point."""
    if recipient.pickup_point is None:
        return translate("Please choose a point of ELTA Courier.")
    return _wrong_name(recipient.name) or _wrong_phone(recipient.phone or "")


def fields(recipient: Recipient) -> dict[str, str]:
    """What the voucher says about the recipient and his address. He must not have been objected to."""
    address = recipient.address
    assert address is not None
    return {
        **_person(recipient),
        "pel_paral_address": _street(address),
        "pel_paral_area": _line(address.town),
        "pel_paral_tk": address.postal_code,
    }


def fields_at_point(recipient: Recipient) -> dict[str, str]:
    """The same for a recipient who collects at a point. That the address is the point's is an assumption."""
    point = recipient.pickup_point
    assert point is not None
    return {
        **_person(recipient),
        "pel_paral_address": _line(point.address),
        "pel_paral_area": _line(point.town),
        "pel_paral_tk": point.postal_code,
        "pel_service": AT_POINT,
        "pudo_station": point.code,
    }


def national(phone: str) -> str:
    """The ten digits of a Greek landline or mobile phone; empty for any other number."""
    digits = re.sub(r"^(\+|00)30", "", re.sub(r"[\s.\-()]", "", phone))
    return digits if re.fullmatch(r"([26]\d|94)\d{8}", digits) else ""


def _person(recipient: Recipient) -> dict[str, str]:
    number = national(recipient.phone or "")
    return {
        "pel_paral_name": _line(recipient.name),
        "pel_paral_thl_1" if number.startswith("2") else "pel_paral_thl_2": number,
    }


def _wrong_name(name: str) -> str:
    if len(_line(name)) > LONGEST["name"]:
        return translate("ELTA Courier takes names of at most 150 letters. Please choose another way.")
    return ""


def _wrong_length(address: PostalAddress) -> str:
    if len(_street(address)) > LONGEST["address"]:
        return translate("ELTA Courier takes addresses of at most 150 letters. Please shorten the street.")
    if len(_line(address.town)) > LONGEST["town"]:
        return translate("ELTA Courier takes names of towns of at most 40 letters. Please shorten the town.")
    return ""


def _wrong_code(address: PostalAddress) -> str:
    if not re.fullmatch(r"[1-8]\d{4}", address.postal_code):
        return translate("ELTA Courier delivers to Greek postal codes of five digits only.")
    return ""


def _wrong_phone(phone: str) -> str:
    if not national(phone):
        return translate(
            "ELTA Courier calls Greek phones only. Give a landline or mobile number of ten digits, or "
            "choose another way."
        )
    return ""


def _street(address: PostalAddress) -> str:
    return _line(f"{address.street} {address.number}")


def _line(text: str) -> str:
    """One line: no breaks and no control characters, which XML could not carry."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
