"""Vouchers of ELTA Courier: looked up by our reference, created, printed, followed.

ELTA Courier knows no key that ends doubles. Our reference is the only handle: whatever was unclear is looked
up by it before anything is sent again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from portal.plugin_api import (
    DeliveryProvider,
    Finding,
    Label,
    LazyText,
    Parcel,
    PermanentFailure,
    PluginContext,
    ProviderFailure,
    Receipt,
    Recipient,
    RecipientField,
    TemporaryFailure,
    Tracking,
    lazy,
    translate,
)

from . import addressing, numbers, statuses
from .settings import Contract, EltaSettings
from .soap import EltaServices

TRACKING_PAGE = "https://www.elta-courier.gr/search?br={number}"
DOCUMENTS = {
    "pel_service": "1",
    "pel_baros": "000000.100",
    "pel_temaxia": "001",
    "pel_sur_1": "0",
    "pel_sur_2": "0",
    "pel_sur_3": "0",
    "sideta_eidos": "1",
}
"""One envelope with papers, a hundred grams, brought to the door without special handling."""
NOT_FOUND = ("ΔΕΝ ΒΡΕΘΗΚ", "ΔΕΝ ΥΠΑΡΧ", "ΑΓΝΩΣΤ", "ΑΝΥΠΑΡΚΤ")
"""Its manual does not tell how an unknown reference is answered: with nothing, or in such words."""


class EltaCourier(DeliveryProvider):
    """Brings the paper to the citizen's door."""

    name = "elta"
    title = lazy("By ELTA Courier to your address")
    timeout = 60
    needs = frozenset({RecipientField.POSTAL_ADDRESS, RecipientField.PHONE})
    has_labels = True
    settles_after = timedelta(minutes=10)
    news_every = timedelta(hours=2)
    overdue_after = timedelta(days=30)
    mend_place: LazyText = lazy("Please check the postal code.")
    """What the citizen can do when ELTA Courier does not know the place."""

    def __init__(self, context: PluginContext[EltaSettings], contract: Contract) -> None:
        self.services = EltaServices(context)
        self._contract = contract
        self._settings = context.settings

    def objection(self, recipient: Recipient) -> str:
        return addressing.objection(recipient)

    def send(self, parcel: Parcel) -> Receipt:
        return self.find(parcel.key) or self._create(parcel)

    def find(self, key: str) -> Receipt | None:
        own = reference(key)
        if not statuses.is_known(self._history("", own)):
            return None
        # The answer tells where the parcel is, and not what its number is.
        return Receipt(own, "prepared", data={"sender_reference": own}, number_missing=True)

    def accept_number(self, receipt: Receipt, typed: str) -> Receipt:
        return _with_number(receipt, numbers.accepted(typed))

    def label(self, receipt: Receipt) -> Label | None:
        if receipt.number_missing:
            return None
        asked = {**self._account(), "vg_code": receipt.reference, "pel_apost_code": self._printing_sender()}
        asked["paper_size"] = "0" if self._settings.label_paper == "A4" else "1"
        answer = self.services.ask("PELB64VG", asked)
        if answer.st_flag:
            raise PermanentFailure(f"ELTA Courier draws no label for this number (error {answer.st_flag})")
        return Label("application/pdf", _pdf(answer.b64_string))

    def track(self, receipt: Receipt) -> Tracking:
        number = "" if receipt.number_missing else receipt.reference
        return statuses.news(self._history(number, receipt.data.get("sender_reference", "")))

    def check(self) -> None:
        self._history("", _invented())

    def try_out(self) -> list[Finding]:
        return [self._tried_reference(), self._tried_account()]

    def _create(self, parcel: Parcel) -> Receipt:
        to = parcel.recipient
        refused = self.objection(to)
        if refused:
            raise PermanentFailure(lazy("ELTA Courier cannot deliver to this recipient"), refused)
        own = reference(parcel.key)
        asked = {**self._account(), **DOCUMENTS, **self._goes_to(to), "pel_ref_no": own}
        asked["pel_apost_sub_code"] = self._contract.sender_sub_code
        answer = self.services.ask("CREATEAWB02", asked)
        if answer.st_flag:
            raise _refusal(answer.st_flag, self.mend_place)
        number = numbers.written(answer.vg_code or "")
        if not numbers.has_form(number):
            raise TemporaryFailure("ELTA Courier made a voucher and told no number of it")
        return _with_number(Receipt(own, "prepared", data={"sender_reference": own}), number)

    def _goes_to(self, recipient: Recipient) -> dict[str, str]:
        """The fields that say where the parcel goes; the recipient is not objected to."""
        return addressing.fields(recipient)

    def _history(self, number: str, own: str) -> Any:
        """Where a parcel is, by its number or by our reference."""
        asked: dict[str, Any] = self._contract.named("wpel_user", "wpel_pass", "wpel_code")
        asked["wpel_user"] = int(self._contract.user_code)
        asked |= {"wpel_vg": number, "wpel_flag": "1"} if number else {"wpel_ref": own, "wpel_flag": "2"}
        answer = self.services.ask("PELTT03", asked)
        said = statuses.plain(answer.st_title or "")
        if answer.st_flag and not any(words in said for words in NOT_FOUND):
            raise TemporaryFailure(f"ELTA Courier answers a look-up with error {answer.st_flag}")
        return answer

    def _account(self) -> dict[str, str]:
        return self._contract.named("pel_user_code", "pel_user_pass", "pel_apost_code")

    def _printing_sender(self) -> str:
        """The master code; where ELTA Courier wants the sub-code too, six spaces stand between."""
        if not self._settings.label_with_sub_code:
            return self._contract.sender_code
        return f"{self._contract.sender_code}      {self._contract.sender_sub_code}"

    def _tried_reference(self) -> Finding:
        tried = "a reference that nobody used is answered as unknown"
        try:
            known = statuses.is_known(self._history("", _invented()))
        except ProviderFailure as failure:
            return Finding(tried, str(failure))
        return Finding(tried, "ELTA Courier knows it; doubles cannot be told, ask ELTA why" if known else "")

    def _tried_account(self) -> Finding:
        tried = "the account may list the points of ELTA Courier"
        try:
            answer = self.services.ask("GETPUDODETAILS", self._account())
        except ProviderFailure as failure:
            return Finding(tried, str(failure))
        return Finding(tried, f"it answers with error {answer.st_flag}" if answer.st_flag else "")


def reference(key: str) -> str:
    """Our reference for a key: letters and digits only, which is all that ELTA Courier takes."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest()).decode()[:26]


def _invented() -> str:
    return reference(f"try-{secrets.token_hex(10)}")


def _with_number(receipt: Receipt, number: str) -> Receipt:
    return replace(
        receipt, reference=number, number_missing=False, tracking_url=TRACKING_PAGE.format(number=number)
    )


def _refusal(flag: int, mend_place: LazyText) -> ProviderFailure:
    """What the error of a new voucher means; one that is not listed may have come after creating it."""
    if flag == 1:
        unknown = lazy("ELTA Courier does not know the postal code (error 1)")
        return PermanentFailure(unknown, str(mend_place))
    if flag == 7:
        return PermanentFailure(
            lazy("ELTA Courier does not accept the phone number (error 7)"),
            translate("Please give us another Greek phone number."),
        )
    if flag == 5:
        return PermanentFailure(lazy("ELTA Courier does not accept weight or number of pieces (error 5)"))
    return TemporaryFailure(f"ELTA Courier answers with error {flag}, which its manual does not list")


def _pdf(told: str | None) -> bytes:
    try:
        content = base64.b64decode("".join((told or "").split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(b"%PDF-"):
        raise TemporaryFailure("ELTA Courier answers with a label that is no PDF")
    return content
