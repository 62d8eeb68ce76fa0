"""Collection at the counter keeps the contract, and its codes can be read aloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal_delivery_pickup.provider import CounterPickup

from portal.plugin_api import DeliveryProvider, PluginContext
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import a_parcel

MakeContext = Callable[..., PluginContext[Any]]


@pytest.fixture
def context(plugin_context: MakeContext) -> PluginContext[Any]:
    return plugin_context("delivery_pickup")


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
