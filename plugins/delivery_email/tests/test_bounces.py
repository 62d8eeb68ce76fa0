"""A mail that came back is learnt from the reports in a real mailbox, in which nothing is changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from flask_babel import force_locale
from portal_delivery_email.provider import EmailDelivery
from pydantic import SecretStr

from portal.plugin_api import ConfigurationFailure, DeliveryProvider, Receipt, TemporaryFailure
from portal.testing.contracts import DeliveryProviderContract
from portal.testing.contracts.delivery import a_parcel

Report = Callable[..., bytes]
By = Callable[..., EmailDelivery]


class TestContract(DeliveryProviderContract):
    """The same contract with a mailbox to look into."""

    @pytest.fixture
    def provider(self, delivery: EmailDelivery) -> DeliveryProvider:
        self.sent = delivery._mail.sent  # type: ignore[attr-defined]
        return delivery

    def effects(self, provider: DeliveryProvider) -> list[str]:
        return list({mail.key: mail.text for mail in self.sent}.values())


@pytest.fixture
def receipt(delivery: EmailDelivery) -> Receipt:
    return delivery.send(a_parcel())


@pytest.fixture
def message_id(receipt: Receipt) -> str:
    return receipt.data["message_id"]


@pytest.mark.parametrize("by", ["postfix", "exim", "exchange"])
def test_a_report_of_our_mail_means_it_failed(
    app: Any, mailbox: Any, delivery: EmailDelivery, receipt: Receipt, a_report: Report, by: str
) -> None:
    mailbox.deliver(b"Subject: something else\r\n\r\nhello", a_report(receipt.data["message_id"], by))
    with force_locale("en"):
        news = delivery.track(receipt)
        assert (news.state, news.text) == ("failed", "")
        assert "no such e-mail address" in str(news.reason)
        assert "does not exist" in news.for_citizen


def test_without_a_report_there_is_nothing_new(
    mailbox: Any, delivery: EmailDelivery, receipt: Receipt
) -> None:
    assert delivery.track(receipt).state is None


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"action": "delivered", "status": "2.0.0"},
        {"action": "relayed", "status": "2.0.0"},
        {"to": "somebody@else.example"},
    ],
)
def test_what_is_no_failure_of_this_recipient_changes_nothing(
    mailbox: Any, delivery: EmailDelivery, receipt: Receipt, a_report: Report, changed: dict[str, str]
) -> None:
    mailbox.deliver(a_report(receipt.data["message_id"], **changed))
    assert delivery.track(receipt).state is None


def test_a_report_that_quotes_our_id_and_is_about_another_mail_changes_nothing(
    mailbox: Any, delivery: EmailDelivery, receipt: Receipt, a_report: Report, message_id: str
) -> None:
    quoted = a_report("<other@dimos.example>", said=f"550 5.1.1 about {message_id}")
    mailbox.deliver(quoted, f"Subject: fwd\r\n\r\nMessage-ID: {message_id}".encode())
    assert delivery.track(receipt).state is None


def test_a_delay_and_then_the_failure_is_a_failure(
    app: Any, mailbox: Any, delivery: EmailDelivery, receipt: Receipt, a_report: Report, message_id: str
) -> None:
    mailbox.deliver(
        a_report(message_id), a_report(message_id, action="delayed", status="4.4.1"), b"\xff\xfe broken"
    )
    assert delivery.track(receipt).state == "failed"


def test_the_mailbox_is_left_as_it_was(
    mailbox: Any, app: Any, delivery: EmailDelivery, receipt: Receipt, a_report: Report, message_id: str
) -> None:
    mailbox.deliver(a_report(message_id), a_report("<other@dimos.example>"))
    before = mailbox.state()
    assert delivery.track(receipt).state == "failed"
    assert mailbox.state() == before
    assert b"Seen" not in str(before).encode()


def test_only_the_server_searches_and_little_is_fetched(
    app: Any,
    mailbox: Any,
    delivery: EmailDelivery,
    receipt: Receipt,
    a_report: Report,
    message_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One mail of three names ours, and it carries an attachment of a megabyte."""
    import imaplib

    asked: list[tuple[str, ...]] = []
    uid = imaplib.IMAP4.uid
    monkeypatch.setattr(imaplib.IMAP4, "uid", lambda line, *said: asked.append(said) or uid(line, *said))
    mailbox.deliver(
        a_report("<a@dimos.example>"),
        a_report(message_id, padding="x" * 70 + "\n" * 1_000_000),
        a_report("<b@dimos.example>"),
    )
    assert delivery.track(receipt).state == "failed"
    assert [said[0] for said in asked] == ["SEARCH", "FETCH"]
    assert "<0.262144>" in asked[1][2]


def test_a_copy_sent_by_another_worker_has_the_same_receipt_and_the_same_reports(
    app: Any, mailbox: Any, delivery_by: By, a_report: Report
) -> None:
    first, again = delivery_by().send(a_parcel()), delivery_by().send(a_parcel())
    assert first == again
    mailbox.deliver(a_report(first.data["message_id"]))
    assert delivery_by().track(again).state == "failed"


def test_a_receipt_from_before_has_no_news(mailbox: Any, delivery: EmailDelivery) -> None:
    assert delivery.track(Receipt("parcel-1", "sent")).state is None


def test_another_folder_can_be_read(
    app: Any, mailbox: Any, delivery_by: By, receipt: Receipt, a_report: Report, message_id: str
) -> None:
    mailbox.deliver(a_report(message_id), folder='"Came back"')
    assert delivery_by(reports_folder="Came back").track(receipt).state == "failed"


def test_starttls_and_a_plain_line_on_this_machine_are_spoken(mailbox: Any, delivery_by: By) -> None:
    for security in ("starttls", "none"):
        delivery_by(reports_security=security, reports_port=mailbox.ports.plain).check()


def test_nobody_is_asked_without_a_mailbox(delivery_by: By) -> None:
    without = delivery_by(
        reports_host="", reports_username="", reports_password=None, reports_port=0, reports_ca_bundle=""
    )
    assert without.news_every is None
    assert without.track(without.send(a_parcel())).state is None


def test_news_are_asked_for_longer_than_mail_servers_try(delivery: EmailDelivery) -> None:
    assert delivery.news_every == timedelta(minutes=30)
    assert delivery.news_for is not None
    assert delivery.news_for > timedelta(days=5)


# --- A mailbox that cannot be read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"reports_password": SecretStr("wrong")}, "PORTAL_DELIVERY_EMAIL_REPORTS_PASSWORD"),
        ({"reports_username": "nobody"}, "reports_username"),
        ({"reports_folder": "Nowhere"}, "reports_folder"),
        ({"reports_ca_bundle": ""}, "reports_ca_bundle"),
    ],
)
def test_what_is_wrong_is_named(mailbox: Any, delivery_by: By, changed: dict[str, Any], named: str) -> None:
    delivery = delivery_by(**changed)
    with pytest.raises(ConfigurationFailure, match=named):
        delivery.check()
    [well, trouble] = [finding.trouble for finding in delivery.try_out()]
    assert (well, named in trouble) == ("", True)


def test_mails_still_leave_when_no_report_can_be_read(
    mailbox: Any, delivery_by: By, logged: Callable[[], str]
) -> None:
    delivery = delivery_by(reports_password=SecretStr("wrong-secret"))
    assert delivery.track(delivery.send(a_parcel())).state is None
    assert "delivery reports cannot be read" in logged()
    assert "wrong-secret" not in logged()


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that takes the call and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as ear:
        lines: list[socket.socket] = []
        taking = threading.Thread(target=lambda: lines.append(ear.accept()[0]))
        taking.start()
        yield ear.getsockname()[1]
        taking.join()
        for line in lines:
            line.close()


@pytest.mark.parametrize("security", ["tls", "none"])
def test_a_server_that_says_nothing_is_left_soon(
    silent: int, delivery_by: By, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setattr("portal_delivery_email.mailbox.TIMEOUT", 0.2)
    delivery = delivery_by(reports_port=silent, reports_security=security)
    with pytest.raises(TemporaryFailure, match="no answer from the IMAP server"):
        delivery.check()


def test_a_server_that_is_away_is_told(delivery_by: By) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        port = held.getsockname()[1]
    with pytest.raises(TemporaryFailure, match="reports_port"):
        delivery_by(reports_port=port).check()


def test_the_log_and_the_receipt_tell_no_address(
    app: Any,
    mailbox: Any,
    delivery: EmailDelivery,
    receipt: Receipt,
    a_report: Report,
    message_id: str,
    logged: Callable[[], str],
) -> None:
    mailbox.deliver(a_report(message_id))
    assert delivery.track(receipt).state == "failed"
    assert "citizens.example" not in f"{logged()} {receipt!r}"
    assert "5.1.1" in logged()


def test_a_trial_can_send_a_mail_to_the_administrator(delivery: EmailDelivery) -> None:
    [finding] = delivery.try_send("admin@dimos.example")
    assert finding.trouble == ""
    [mail] = delivery._mail.sent  # type: ignore[attr-defined]
    assert mail.to == "admin@dimos.example"
    delivery._mail.trouble.append(TemporaryFailure("no answer"))  # type: ignore[attr-defined]
    [finding] = delivery.try_send("admin@dimos.example")
    assert finding.trouble == "no answer; compare [mail]"
