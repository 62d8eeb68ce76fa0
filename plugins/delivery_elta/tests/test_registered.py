"""Registered mail: the letter is ready, the clerk types its number, the citizen follows it."""

from __future__ import annotations

import pytest
from portal_delivery_elta.registered import RegisteredMail

from portal.plugin_api import DeliveryProvider, NumberRefused, Parcel, PermanentFailure, Receipt
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import a_parcel


class TestContract(DeliveryProviderContract):
    @pytest.fixture
    def provider(self, monkeypatch: pytest.MonkeyPatch) -> DeliveryProvider:
        """Beside it an office that writes one letter for each parcel which the portal shows."""
        letters: dict[str, str] = {}
        real = RegisteredMail.send

        def send(self: RegisteredMail, parcel: Parcel) -> Receipt:
            receipt = real(self, parcel)
            letters[receipt.reference] = parcel.recipient.name
            return receipt

        monkeypatch.setattr(RegisteredMail, "send", send)
        self.letters = letters
        return RegisteredMail()

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return list(self.letters.values())


def test_it_waits_for_the_number_of_the_slip() -> None:
    receipt = RegisteredMail().send(a_parcel())
    assert (receipt.state, receipt.number_missing, receipt.tracking_url) == ("prepared", True, None)


@pytest.mark.parametrize(("language", "part"), [("el", "el-GR"), ("en", "en-GB")])
def test_the_number_sends_it_and_leads_to_the_page_of_the_post(language: str, part: str) -> None:
    mail = RegisteredMail()
    sent = mail.accept_number(mail.send(a_parcel(language=language)), "ΡΕ 123456785 gr")
    assert (sent.state, sent.reference, sent.number_missing) == ("sent", "PE123456785GR", False)
    assert sent.tracking_url == f"https://itemsearch.elta.gr/{part}/Query/Direct/PE123456785GR"


def test_a_mistyped_number_changes_nothing() -> None:
    mail = RegisteredMail()
    with pytest.raises(NumberRefused):
        mail.accept_number(mail.send(a_parcel()), "RE123456784GR")


def test_without_an_address_there_is_nothing_to_post() -> None:
    with pytest.raises(PermanentFailure) as failure:
        RegisteredMail().send(a_parcel(address=None))
    assert "postal address" in failure.value.for_citizen
