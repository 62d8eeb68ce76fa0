"""The mailbox keeps the contract; its mails say that a document waits, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from portal_delivery_mailbox.provider import Mailbox
from portal_delivery_mailbox.settings import MailboxSettings
from pydantic import ValidationError

from portal.plugin_api import ConfigurationFailure, DeliveryProvider, PluginContext
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import a_parcel

MakeContext = Callable[..., PluginContext[Any]]


@pytest.fixture
def context(plugin_context: MakeContext) -> PluginContext[Any]:
    return plugin_context("delivery_mailbox", MailboxSettings())


class TestContract(DeliveryProviderContract):
    @pytest.fixture
    def provider(self, context: PluginContext[Any]) -> DeliveryProvider:
        self.sent = context.mail.sent
        return Mailbox(context)

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return list({mail.key: f"{mail.subject}\n{mail.text}\n{mail.html}" for mail in self.sent}.values())


@pytest.mark.parametrize(
    ("language", "subject", "reminder"),
    [
        ("el", "Σας περιμένει ένα έγγραφο", "Υπενθύμιση: σας περιμένει ένα έγγραφο"),
        ("en", "A document waits for you", "A document still waits for you"),
    ],
)
def test_notice_and_reminder_are_written_in_the_language_of_their_reader(
    context: PluginContext[Any], language: str, subject: str, reminder: str
) -> None:
    mailbox, parcel = Mailbox(context), a_parcel(language=language)
    mailbox.send(parcel)
    mailbox.remind(parcel)
    assert [mail.subject for mail in context.mail.sent] == [subject, reminder]
    assert all(parcel.page_url in mail.text and parcel.page_url in mail.html for mail in context.mail.sent)


def test_it_does_not_pass_for_the_mailbox_of_the_state(context: PluginContext[Any]) -> None:
    mailbox, parcel = Mailbox(context), a_parcel()
    mailbox.send(parcel)
    mailbox.remind(parcel)
    told = " ".join(f"{mail.subject} {mail.text} {mail.html}" for mail in context.mail.sent)
    assert [word for word in ("θυρίδα", "gov.gr") if word in told.lower()] == []


def test_nothing_is_attached(context: PluginContext[Any]) -> None:
    Mailbox(context).send(a_parcel(wants_attachment=True))
    assert [mail.attachments for mail in context.mail.sent] == [()]


def test_without_an_address_the_document_lies_there_all_the_same(context: PluginContext[Any]) -> None:
    mailbox, parcel = Mailbox(context), a_parcel(email=None)
    assert mailbox.send(parcel).state == "sent"
    mailbox.remind(parcel)
    assert context.mail.sent == []


def test_its_days_come_from_the_settings(plugin_context: MakeContext) -> None:
    settings = MailboxSettings(remind_after_days=5, overdue_after_days=9)
    mailbox = Mailbox(plugin_context("delivery_mailbox", settings))
    assert (mailbox.remind_after, mailbox.overdue_after) == (timedelta(days=5), timedelta(days=9))
    silent = Mailbox(plugin_context("delivery_mailbox", MailboxSettings(remind_after_days=0)))
    assert silent.remind_after is None


def test_a_reminder_that_comes_too_late_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="remind_after_days must be less than overdue_after_days"):
        MailboxSettings(remind_after_days=14)


@pytest.mark.parametrize("days", [{"remind_after_days": -1}, {"overdue_after_days": 0}, {"days": 3}])
def test_days_that_are_none_stop_the_start(days: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        MailboxSettings(**days)


def test_trying_it_asks_the_mail_server_and_sends_nothing(context: PluginContext[Any]) -> None:
    mailbox = Mailbox(context)
    assert [finding.trouble for finding in mailbox.try_out()] == [""]
    context.mail.trouble.append(ConfigurationFailure("the mail server refuses us (535)"))
    [found] = mailbox.try_out()
    assert found.trouble == "the mail server refuses us (535); compare [mail] and PORTAL_MAIL_PASSWORD"
    assert context.mail.sent == []
