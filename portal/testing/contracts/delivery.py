"""The contract of delivery providers."""

from __future__ import annotations

import hashlib
import io
import json
import re
from abc import abstractmethod
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from portal import clock
from portal.plugin_api import (
    DeliveryProvider,
    Document,
    NumberRefused,
    Parcel,
    PickupPoint,
    PostalAddress,
    Receipt,
    Recipient,
    RecipientField,
    Tracking,
)

from .common import GREEK_NAME, LONGEST_KEY, PackageRules, ProviderBehaviour, module_state, no_network

CONTENT = b"%PDF-1.7 a document"
MOST_TRIED = 5
"""Points of a long list to which a parcel is sent."""
POINT = PickupPoint("00123", "Κατάστημα Ζωγράφου", "Γεωργίου Ζωγράφου 30", "Ζωγράφου", "15772")
"""A point that the outside of a provider under test must know, if that offers points."""
RECIPIENT = Recipient(
    name=GREEK_NAME,
    language="el",
    email="maria@citizens.example",
    phone="+306900000005",
    address=PostalAddress("Γεωργίου Ζωγράφου", "12Α", "15772", "Ζωγράφου"),
    pickup_point=POINT,
)


def a_parcel(key: str = "parcel-1", **changes: Any) -> Parcel:
    """What the core would hand over; ``changes`` are fields of the recipient."""
    document = Document(
        "βεβαίωση.pdf",
        "application/pdf",
        len(CONTENT),
        hashlib.sha256(CONTENT).hexdigest(),
        lambda: io.BytesIO(CONTENT),
    )
    return Parcel(
        key=key,
        title="Βεβαίωση μόνιμης κατοικίας",
        office="ΚΕΠ Ζωγράφου",
        recipient=replace(RECIPIENT, **changes),
        document=document,
        page_url="https://kep.example/documents/abc",
        expires_at=clock.now() + timedelta(days=30),
    )


def is_same(first: Receipt, again: Receipt) -> bool:
    """The same receipt; or one without the number, which many carriers tell only once."""
    if again.number_missing:
        return (again.state, again.data) == (first.state, first.data) and bool(again.data)
    return again == first


class DeliveryProviderBehaviour(ProviderBehaviour):
    """What every delivery provider does. Define the fixture ``provider`` and `effects`."""

    base: ClassVar[type] = DeliveryProvider

    @abstractmethod
    def effects(self, provider: DeliveryProvider) -> list[str]:
        """What the outside has now, one text for each effect that a recipient can tell from another.

        Two mails with one message id are one effect; the text should contain the recipient's name, unless
        the document is kept in the portal.
        """

    def test_the_same_key_has_one_effect_and_one_receipt(self, provider: DeliveryProvider) -> None:
        assert is_same(provider.send(a_parcel()), provider.send(a_parcel()))
        assert len(self.effects(provider)) == 1

    def test_another_key_is_another_parcel(self, provider: DeliveryProvider) -> None:
        receipts = [provider.send(a_parcel(key)) for key in ("parcel-1", "parcel-2")]
        assert receipts[0].reference != receipts[1].reference
        assert len(self.effects(provider)) == 2

    def test_a_key_of_thirty_characters_survives(self, provider: DeliveryProvider) -> None:
        assert is_same(provider.send(a_parcel(LONGEST_KEY)), provider.send(a_parcel(LONGEST_KEY)))
        assert len(self.effects(provider)) == 1

    def test_a_greek_name_survives(self, provider: DeliveryProvider) -> None:
        provider.send(a_parcel())
        [told] = self.effects(provider)
        assert (GREEK_NAME in told) != provider.kept_in_portal

    def test_the_notice_of_what_is_kept_in_the_portal_gives_nothing_away(
        self, provider: DeliveryProvider
    ) -> None:
        if not provider.kept_in_portal:
            return
        receipt, notice = provider.send(a_parcel()), self.effects(provider)[0]
        personal = (GREEK_NAME, *GREEK_NAME.split(), "Βεβαίωση", "βεβαίωση.pdf", "ΚΕΠ Ζωγράφου")
        assert [word for word in personal if word in notice] == []
        assert "https://kep.example/documents/abc" in notice
        assert (receipt.state, receipt.code) == ("sent", None)

    def test_its_points_can_be_kept_and_chosen(self, provider: DeliveryProvider) -> None:
        points = provider.points()
        assert bool(points) == (RecipientField.PICKUP_POINT in provider.needs)
        codes = [point.code for point in points]
        assert len(codes) == len(set(codes))
        for point in points:
            assert re.fullmatch(r"\S{1,20}", point.code), point
            assert re.fullmatch(r"[1-8]\d{4}", point.postal_code), point
            assert point.title and point.address, point
            assert PickupPoint(**json.loads(json.dumps(asdict(point)))) == point
        assert self.effects(provider) == []

    def test_each_point_that_is_offered_can_be_sent_to(self, provider: DeliveryProvider) -> None:
        for number, point in enumerate(provider.points()[:MOST_TRIED]):
            parcel = a_parcel(f"parcel-{number}", pickup_point=point)
            assert provider.objection(parcel.recipient) == ""
            assert provider.send(parcel).reference

    def test_reminding_twice_has_one_effect_or_none(self, provider: DeliveryProvider) -> None:
        provider.send(a_parcel())
        for _again in range(2):
            provider.remind(a_parcel())
        reminds = provider.remind_after is not None and provider.kept_for is None
        assert len(self.effects(provider)) == 1 + reminds

    def test_the_receipt_can_be_kept(self, provider: DeliveryProvider) -> None:
        receipt = provider.send(a_parcel())
        assert receipt.state in ("prepared", "sent", "delivered")
        assert 0 < len(receipt.reference) <= 60
        assert len(receipt.code or "") <= 20
        assert json.loads(json.dumps(dict(receipt.data))) == dict(receipt.data)
        assert GREEK_NAME not in repr(receipt)

    def test_looking_up_finds_what_was_sent_or_nothing(self, provider: DeliveryProvider) -> None:
        receipt = provider.send(a_parcel())
        found = provider.find("parcel-1")
        assert found is None or is_same(receipt, found)
        assert provider.find("never-sent") is None

    def test_its_news_have_the_agreed_form(self, provider: DeliveryProvider) -> None:
        news = provider.track(provider.send(a_parcel()))
        assert isinstance(news, Tracking)
        assert news.at is None or news.at.tzinfo is not None

    def test_what_can_be_called_back_is_gone_and_stays_so(self, provider: DeliveryProvider) -> None:
        receipt = provider.send(a_parcel())
        answers = [provider.cancel(receipt), provider.cancel(receipt)]
        assert answers == [provider.can_call_back] * 2
        assert len(self.effects(provider)) == (0 if provider.can_call_back else 1)

    def test_calling_one_back_leaves_the_others_alone(self, provider: DeliveryProvider) -> None:
        receipts = [provider.send(a_parcel(key)) for key in ("parcel-1", "parcel-2")]
        provider.cancel(receipts[0])
        assert len(self.effects(provider)) == (1 if provider.can_call_back else 2)

    def test_a_label_can_be_printed_or_there_is_none(self, provider: DeliveryProvider) -> None:
        label = provider.label(provider.send(a_parcel()))
        assert label is None or (label.content and "/" in label.media_type)

    def test_a_recipient_in_order_is_not_objected_to(
        self, provider: DeliveryProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with no_network(monkeypatch):
            assert provider.objection(RECIPIENT) == ""

    def test_a_number_that_is_none_is_refused(
        self, provider: DeliveryProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receipt = provider.send(a_parcel())
        with no_network(monkeypatch), pytest.raises(NumberRefused):
            provider.accept_number(receipt, "<nonsense>")

    def test_trying_it_out_finds_nothing_wrong_and_sends_nothing(self, provider: DeliveryProvider) -> None:
        assert [finding.trouble for finding in provider.try_out() if finding.trouble] == []
        assert self.effects(provider) == []

    def test_forgetting_twice_is_no_error(self, provider: DeliveryProvider) -> None:
        receipt: Receipt = provider.send(a_parcel())
        provider.forget(receipt)
        provider.forget(receipt)

    def test_the_log_tells_nothing_personal(self, provider: DeliveryProvider, logged: Any) -> None:
        provider.send(a_parcel())
        personal = (GREEK_NAME, "maria@citizens.example", "6900000005", "Γεωργίου Ζωγράφου", "/documents/abc")
        assert [text for text in personal if text in logged()] == []

    def test_its_modules_remember_nothing(self, provider: DeliveryProvider) -> None:
        before = module_state(provider)
        provider.send(a_parcel())
        assert module_state(provider) == before


class DeliveryProviderContract(DeliveryProviderBehaviour, PackageRules):
    """Everything that a plugin with a delivery provider is tested for."""
