"""Collection at the counter keeps the contract, and its codes can be read aloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from portal_delivery_pickup.provider import CounterPickup
from portal_delivery_pickup.settings import PickupSettings
from pydantic import ValidationError

from portal.plugin_api import Counter, DeliveryProvider, PluginContext
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import a_parcel

MakeContext = Callable[..., PluginContext[Any]]


@pytest.fixture
def context(plugin_context: MakeContext) -> PluginContext[Any]:
    return plugin_context("delivery_pickup", PickupSettings())


class TestContract(DeliveryProviderContract):
    @pytest.fixture
    def provider(self, context: PluginContext[Any]) -> DeliveryProvider:
        self.sent = context.mail.sent
        return CounterPickup(context)

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return list({mail.key: mail.text for mail in self.sent}.values())


def test_the_code_is_on_the_receipt_and_in_the_mail(context: PluginContext[Any]) -> None:
    receipt = CounterPickup(context).send(a_parcel())
    assert receipt.state == "prepared"
    assert receipt.code and len(receipt.code) == 6
    (mail,) = context.mail.sent
    assert receipt.code in mail.text
    assert receipt.code in mail.html
    assert "ΚΕΠ Ζωγράφου" in mail.text


def test_nobody_can_confuse_the_characters_of_a_code(context: PluginContext[Any]) -> None:
    pickup = CounterPickup(context)
    codes = {pickup.send(a_parcel(f"parcel-{number}")).code or "" for number in range(200)}
    assert len(codes) == 200
    assert set("".join(codes)) & set("OQ0I1LBSZ25") == set()


def test_without_an_address_the_code_is_made_all_the_same(context: PluginContext[Any]) -> None:
    assert CounterPickup(context).send(a_parcel(email=None)).code
    assert context.mail.sent == []


def test_the_mail_tells_where_until_when_and_which_days_are_closed(context: PluginContext[Any]) -> None:
    counter = Counter("Πλατεία 1", "Δευτέρα–Παρασκευή 8–20", "210 0000001", ("Τρί 8 Δεκ (Απεργία)",))
    CounterPickup(context).send(replace(a_parcel(), counter=counter, kept_until=date(2026, 12, 21)))
    (mail,) = context.mail.sent
    for told in ("Πλατεία 1", "8–20", "210 0000001", "Τρί 8 Δεκ", "21 Δεκεμβρίου 2026"):
        assert told in mail.text
        assert told in mail.html


def test_the_qr_of_the_mail_holds_the_code_alone(context: PluginContext[Any]) -> None:
    receipt = CounterPickup(context).send(a_parcel())
    (picture,) = context.mail.sent[0].attachments
    (read,) = zxingcpp.read_barcodes(Image.open(BytesIO(picture.content)))
    assert read.text == receipt.code


def test_the_settings_say_how_long_it_is_kept(plugin_context: MakeContext) -> None:
    settings = PickupSettings(days=10, remind_after_days=0)
    pickup = CounterPickup(plugin_context("delivery_pickup", settings))
    assert (pickup.kept_for, pickup.remind_after) == (timedelta(days=10), None)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"days": 0}, "greater than or equal to 1"),
        ({"days": 5}, "must be less than days (5)"),
        ({"days": 10, "remind_after_days": 10}, "must be less than days (10)"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(values: dict[str, int], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("(", r"\(").replace(")", r"\)")):
        PickupSettings(**values)
