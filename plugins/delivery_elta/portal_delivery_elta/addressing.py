"""From a recipient to the fields of a voucher, within the lengths that ELTA Courier allows."""

from __future__ import annotations

import re

from portal.plugin_api import PostalAddress, Recipient, translate

LONGEST = {"name": 150, "address": 150, "town": 40}


def objection(recipient: Recipient) -> str:
    """Why ELTA Courier cannot deliver to this recipient, in words for him; empty when it can."""
    address = recipient.address
    if address is None:
        return translate("Please give us a postal address.")
    return _wrong_length(recipient.name, address) or _wrong_digits(address, recipient.phone or "")


def fields(recipient: Recipient, address: PostalAddress) -> dict[str, str]:
    """What the voucher says about the recipient. He must not have been objected to."""
    number = national(recipient.phone or "")
    return {
        "pel_paral_name": _line(recipient.name),
        "pel_paral_address": _street(address),
        "pel_paral_area": _line(address.town),
        "pel_paral_tk": address.postal_code,
        "pel_paral_thl_1" if number.startswith("2") else "pel_paral_thl_2": number,
    }


def national(phone: str) -> str:
    """The ten digits of a Greek landline or mobile phone; empty for any other number."""
    digits = re.sub(r"^(\+|00)30", "", re.sub(r"[\s.\-()]", "", phone))
    return digits if re.fullmatch(r"([26]\d|94)\d{8}", digits) else ""


def _wrong_length(name: str, address: PostalAddress) -> str:
    if len(_line(name)) > LONGEST["name"]:
        return translate("ELTA Courier takes names of at most 150 letters. Please choose another way.")
    if len(_street(address)) > LONGEST["address"]:
        return translate("ELTA Courier takes addresses of at most 150 letters. Please shorten the street.")
    if len(_line(address.town)) > LONGEST["town"]:
        return translate("ELTA Courier takes names of towns of at most 40 letters. Please shorten the town.")
    return ""


def _wrong_digits(address: PostalAddress, phone: str) -> str:
    if not re.fullmatch(r"[1-8]\d{4}", address.postal_code):
        return translate("ELTA Courier delivers to Greek postal codes of five digits only.")
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
