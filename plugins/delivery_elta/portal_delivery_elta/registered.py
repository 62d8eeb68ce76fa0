"""Plain registered mail: the post office has no service to call, so staff type the number of its slip."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from portal.plugin_api import (
    DeliveryProvider,
    Parcel,
    PermanentFailure,
    Receipt,
    Recipient,
    RecipientField,
    lazy,
    translate,
)

from . import numbers

TRACKING_PAGE = "https://itemsearch.elta.gr/{language}/Query/Direct/{number}"
LANGUAGES = {"en": "en-GB"}


class RegisteredMail(DeliveryProvider):
    """The office posts the letter; this keeps what is known about it."""

    name = "elta_registered"
    title = lazy("By registered mail to your address")
    needs = frozenset({RecipientField.POSTAL_ADDRESS})
    overdue_after = timedelta(days=30)

    def objection(self, recipient: Recipient) -> str:
        return "" if recipient.address else translate("Please give us a postal address.")

    def send(self, parcel: Parcel) -> Receipt:
        refused = self.objection(parcel.recipient)
        if refused:
            raise PermanentFailure(lazy("there is no postal address"), refused)
        language = {"language": parcel.recipient.language}
        return Receipt(parcel.key, "prepared", data=language, number_missing=True)

    def accept_number(self, receipt: Receipt, typed: str) -> Receipt:
        number = numbers.accepted(typed)
        language = LANGUAGES.get(receipt.data.get("language", ""), "el-GR")
        address = TRACKING_PAGE.format(language=language, number=number)
        return replace(receipt, reference=number, state="sent", tracking_url=address, number_missing=False)

    def check(self) -> None:
        """Needs nothing from outside."""
