"""Delivery by e-mail keeps the contract, and attaches only what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal_delivery_email.provider import EmailDelivery
from portal_delivery_email.settings import EmailSettings

from portal.plugin_api import ConfigurationFailure, DeliveryProvider, PermanentFailure, PluginContext
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import CONTENT, a_parcel

MakeContext = Callable[..., PluginContext[Any]]


@pytest.fixture
def context(plugin_context: MakeContext) -> PluginContext[Any]:
    return plugin_context("delivery_email", EmailSettings())


class TestContract(DeliveryProviderContract):
    @pytest.fixture
    def provider(self, context: PluginContext[Any]) -> DeliveryProvider:
        self.sent = context.mail.sent
        return EmailDelivery(context)

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return list({mail.key: mail.text for mail in self.sent}.values())


def test_the_mail_carries_the_link_and_nothing_attached(context: PluginContext[Any]) -> None:
    EmailDelivery(context).send(a_parcel())
    (mail,) = context.mail.sent
    assert "https://kep.example/documents/abc" in mail.text
    assert "https://kep.example/documents/abc" in mail.html
    assert mail.attachments == ()


def test_the_document_is_attached_for_whoever_asked(context: PluginContext[Any]) -> None:
    EmailDelivery(context).send(a_parcel(wants_attachment=True))
    (mail,) = context.mail.sent
    assert [(one.filename, one.content) for one in mail.attachments] == [("βεβαίωση.pdf", CONTENT)]


def test_a_document_too_large_for_mail_comes_by_the_link(plugin_context: MakeContext) -> None:
    context = plugin_context("delivery_email", EmailSettings(largest_attachment_megabytes=0))
    EmailDelivery(context).send(a_parcel(wants_attachment=True))
    assert context.mail.sent[0].attachments == ()
    assert "attached" not in context.mail.sent[0].text


def test_the_mail_is_written_in_the_language_of_its_reader(context: PluginContext[Any]) -> None:
    delivery = EmailDelivery(context)
    delivery.send(a_parcel("greek", language="el"))
    delivery.send(a_parcel("english", language="en"))
    greek, english = context.mail.sent
    assert greek.subject == "Το έγγραφό σας είναι έτοιμο: Βεβαίωση μόνιμης κατοικίας"
    assert english.subject == "Your document is ready: Βεβαίωση μόνιμης κατοικίας"


def test_without_an_address_it_says_what_the_citizen_can_do(context: PluginContext[Any]) -> None:
    with pytest.raises(PermanentFailure) as failure:
        EmailDelivery(context).send(a_parcel(email=None))
    assert "e-mail address" in failure.value.for_citizen


def test_trying_it_asks_the_mail_server_and_sends_nothing(context: PluginContext[Any]) -> None:
    delivery = EmailDelivery(context)
    assert [finding.trouble for finding in delivery.try_out()] == [""]
    context.mail.trouble.append(ConfigurationFailure("the mail server refuses us (535)"))
    [found] = delivery.try_out()
    assert found.trouble == "the mail server refuses us (535); compare [mail] and PORTAL_MAIL_PASSWORD"
    assert context.mail.sent == []


def test_an_address_refused_at_once_has_words_for_the_citizen(context: PluginContext[Any]) -> None:
    context.mail.trouble.append(PermanentFailure("the mail server refuses the recipient (550)"))
    with pytest.raises(PermanentFailure, match="550") as failure:
        EmailDelivery(context).send(a_parcel())
    assert "Check the address" in failure.value.for_citizen
