"""What the tests share: a real IMAP server with the mailbox of the reports, and reports as mail servers write
them: in the forms of Postfix, Exim and Exchange, in words of our own."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from portal_delivery_email.provider import EmailDelivery
from portal_delivery_email.settings import EmailSettings
from pydantic import SecretStr

from portal.plugin_api import PluginContext
from portal.testing.servers import ImapPorts, imap_server

PASSWORD = "κωδικός-reports"
POSTFIX = """\
From: MAILER-DAEMON@relay.dimos.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounces@dimos.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="6A1C.1764/relay"

This is a MIME-encapsulated message.

--6A1C.1764/relay
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Ο διακομιστής δεν μπόρεσε να παραδώσει το μήνυμα. <{to}>: {said}

--6A1C.1764/relay
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.dimos.example
X-Postfix-Queue-ID: 6A1C
Arrival-Date: Mon, 30 Nov 2026 08:01:00 +0200 (EET)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.citizens.example
Diagnostic-Code: smtp; {said}

--6A1C.1764/relay
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Subject: =?utf-8?b?zqTOvyDOrc6zzrPPgc6xz4bPjA==?=
From: =?utf-8?b?zpTOrs68zr/Pgg==?= <portal@dimos.example>
To: {to}
Message-ID: {message_id}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Το έγγραφό σας είναι έτοιμο.
{padding}
--6A1C.1764/relay--
"""
EXIM = """\
From: Mail Delivery System <Mailer-Daemon@exim.example>
To: bounces@dimos.example
Subject: Mail delivery failed: returning message to sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=1764-eximdsn-99

--1764-eximdsn-99
Content-type: text/plain; charset=us-ascii

A message that you sent could not be delivered: {to}: {said}

--1764-eximdsn-99
Content-type: message/delivery-status

Reporting-MTA: dns; exim.example

Action: {action}
Final-Recipient: rfc822;{to}
Status: 5.0.0
Remote-MTA: dns; mx.citizens.example
Diagnostic-Code: smtp; {said}

--1764-eximdsn-99
Content-type: text/rfc822-headers

Return-path: <bounces@dimos.example>
Received: from portal.dimos.example
\tby exim.example
Message-ID: {message_id}
To: {to}

--1764-eximdsn-99--
"""
EXCHANGE = """\
From: <postmaster@exchange.example>
To: <bounces@dimos.example>
Subject: =?utf-8?b?zpHOtM+Nzr3Osc+Ezrcgz4DOsc+BzqzOtM6/z4POtw==?=
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="ex-1"
Content-Language: el-GR

--ex-1
Content-Type: multipart/alternative; boundary="ex-2"

--ex-2
Content-Type: text/plain; charset="iso-8859-7"
Content-Transfer-Encoding: quoted-printable

=C4=E5=ED =E2=F1=DD=E8=E7=EA=E5

--ex-2--

--ex-1
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.exchange.example
Received-From-MTA: dns;relay.dimos.example

Original-Recipient: rfc822;{to}
Final-Recipient: RFC822;{to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;{said}
X-Display-Name: Μαρία

--ex-1
Content-Type: message/rfc822

Message-ID: {message_id}
To: <{to}>
Subject: test

--ex-1--
"""
FORMATS = {"postfix": POSTFIX, "exim": EXIM, "exchange": EXCHANGE}


def a_report(
    message_id: str,
    by: str = "postfix",
    to: str = "maria@citizens.example",
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "",
    padding: str = "",
) -> bytes:
    """A delivery report as this mail server writes it."""
    said = said or f"550 {status} no mail for this one"
    text = FORMATS[by].format(
        message_id=message_id, to=to, status=status, action=action, said=said, padding=padding
    )
    return text.replace("\n", "\r\n").encode()


@pytest.fixture(name="a_report")
def a_report_() -> Callable[..., bytes]:
    """``a_report(message_id, by="exim", status="5.2.2")``: one report."""
    return a_report


@dataclass
class ReportsMailbox:
    """The mailbox as another program sees it that may write there."""

    ports: ImapPorts
    certificate: Path

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Mails arrive."""
        with self.opened() as line:
            line.create(folder)
            for mail in mails:
                assert line.append(folder, "", None, mail)[0] == "OK"

    def opened(self) -> imaplib.IMAP4:
        line = imaplib.IMAP4("127.0.0.1", self.ports.plain, timeout=10)
        line.authenticate("PLAIN", lambda _challenge: f"\0reports\0{PASSWORD}".encode())
        return line

    def state(self) -> tuple[bytes, list[Any]]:
        """How many mails there are, and how each is marked."""
        with self.opened() as line:
            count = line.select("INBOX", readonly=True)[1][0] or b"0"
            return count, line.fetch("1:*", "(UID FLAGS)")[1]

    def empty(self) -> None:
        with self.opened() as line:
            if line.select("INBOX")[1] != [b"0"]:
                line.store("1:*", "+FLAGS", "\\Deleted")
                line.expunge()


@pytest.fixture(scope="session")
def imap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportsMailbox]:
    """A real IMAP server; its certificate is made by nobody whom the machine knows."""
    folder = tmp_path_factory.mktemp("imap")
    certificate, key = self_signed()
    (folder / "ca.pem").write_text(certificate)
    with imap_server(folder, {"reports": PASSWORD}, certificate, key) as ports:
        yield ReportsMailbox(ports, folder / "ca.pem")


@pytest.fixture
def mailbox(imap: ReportsMailbox) -> ReportsMailbox:
    """The same, with nothing in it."""
    imap.empty()
    return imap


@pytest.fixture
def delivery_by(
    plugin_context: Callable[..., PluginContext[Any]], imap: ReportsMailbox
) -> Callable[..., EmailDelivery]:
    """``delivery_by(reports_folder="Bounces")``: our provider with other settings than usual."""

    def make(**changed: Any) -> EmailDelivery:
        values = {
            "reports_host": "127.0.0.1",
            "reports_port": imap.ports.tls,
            "reports_username": "reports",
            "reports_password": SecretStr(PASSWORD),
            "reports_ca_bundle": str(imap.certificate),
            **changed,
        }
        return EmailDelivery(plugin_context("delivery_email", EmailSettings(**values)))

    return make


@pytest.fixture
def delivery(delivery_by: Callable[..., EmailDelivery]) -> EmailDelivery:
    """Our provider with the usual settings."""
    return delivery_by()


def self_signed() -> tuple[str, str]:
    """A certificate for 127.0.0.1 and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imap.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()
