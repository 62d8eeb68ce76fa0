"""Mail against real SMTP servers: taken once, refused, silent, gone, or not to be trusted."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader

from portal import config as portal_config_module
from portal import db, i18n, mail, mailbox
from portal.config import MailSettings
from portal.plugin_api import Attachment, ConfigurationFailure, PermanentFailure, TemporaryFailure

TO = "maria@example.gr"
TEMPLATES = {
    "notices/test.subject.txt": "Το ραντεβού σας\n",
    "notices/test.txt": '{% extends "mail/layout.txt" %}{% block content %}Καλημέρα {{ name }}{% endblock %}',
    "notices/test.html": '{% extends "mail/layout.html" %}{% from "mail/parts.html" import button, facts %}'
    '{% block content %}{{ facts([("Name", name)]) }}'
    '{{ button("Go", "https://e.gr/a?b=1&c=2") }}{% endblock %}',
}


class Relay:
    """A mail server that answers as it is told."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.senders: list[str] = []
        """To whom each mail would be reported as undeliverable."""
        self.answers: dict[str, str] = {}
        self.lines: set[object] = set()
        """Where those who sent something came from; each connection has another port."""

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.lines.add(session.peer)
        self.senders.append(address)
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server, session, envelope):
        answer = self.answers.get("DATA", "250 OK")
        if answer[0] == "2":
            self.taken.append(envelope.content)
        if answer == "2 drop":
            server.transport.abort()
        return answer

    async def handle_NOOP(self, server, session, envelope, argument):
        return self.answers.get("NOOP", "250 OK")

    async def handle_QUIT(self, server, session, envelope):
        if self.answers.get("QUIT") == "drop":
            server.transport.abort()
        return "221 Bye"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def relay_server(**options):
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own log, not ours
    relay = Relay()
    controller = Controller(relay, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        relay.port = controller.port
        yield relay
    finally:
        controller.stop()


@pytest.fixture
def relay():
    with relay_server() as server:
        yield server


@pytest.fixture
def make_app(tmp_path):
    """``make_app(port=…)``: an application that sends, in Greek, by this server; its context is open."""
    with ExitStack() as stack:

        def make(demo: bool = False, **settings) -> Flask:
            config = portal_config_module.load({"PORTAL_INSTANCE": str(tmp_path / "instance")})
            config = replace(
                config,
                portal=config.portal.model_copy(update={"demo": demo}),
                mail=MailSettings(sender="portal@dimos.gr", host="127.0.0.1", **settings),
            )
            app = Flask("portal")
            app.config |= {"PORTAL": config, "SQLALCHEMY_DATABASE_URI": config.database_url}
            app.jinja_loader = ChoiceLoader([DictLoader(TEMPLATES), app.jinja_loader])
            db.init_app(app)
            i18n.init_app(app, config, [])
            mail.init_app(app, config)
            stack.enter_context(app.app_context())
            stack.callback(_let_go)
            return app

        yield make


def _let_go() -> None:
    db.db.session.remove()
    db.db.engine.dispose()


def send(key: str = "booked-17", *attachments: Attachment) -> None:
    mail.send(key, TO, "el", "notices/test", {"name": "Μαρία <b>"}, attachments)


def read(content: bytes):
    return message_from_bytes(content, policy=policy.default)


def test_a_message_arrives_in_greek_as_text_and_html(make_app, relay):
    make_app(port=relay.port)
    send("booked-17", Attachment("ραντεβού.ics", "text/calendar", b"BEGIN:VCALENDAR"))
    [content] = relay.taken
    message = read(content)
    assert message["Subject"] == "Το ραντεβού σας"
    assert message["To"] == TO
    assert "portal@dimos.gr" in message["From"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "el"
    assert "Καλημέρα Μαρία <b>" in message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert '<html lang="el">' in html
    assert "Μαρία &lt;b&gt;" in html
    [file] = message.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("ραντεβού.ics", "BEGIN:VCALENDAR")


def test_reports_go_to_the_return_path_and_else_to_the_sender(make_app, relay):
    make_app(port=relay.port)
    send("a")
    make_app(port=relay.port, return_path="bounces@dimos.gr")
    send("b")
    assert relay.senders == ["portal@dimos.gr", "bounces@dimos.gr"]
    assert [read(content)["From"].addresses[0].addr_spec for content in relay.taken] == [
        "portal@dimos.gr"
    ] * 2


@pytest.mark.parametrize("letters", range(1, 60, 3))
def test_a_subject_keeps_its_spaces_wherever_it_is_folded(make_app, relay, letters):
    subject = f"Το ραντεβού σας {'α' * letters} στις 10:00, Πέμπτη 26 Νοεμβρίου 2026 στο ΚΕΠ"
    app = make_app(port=relay.port)
    app.jinja_loader = ChoiceLoader([DictLoader({"notices/test.subject.txt": subject}), app.jinja_loader])
    send()
    message = read(relay.taken[0])
    assert message["Subject"] == subject
    assert message["From"].addresses[0].addr_spec == "portal@dimos.gr"
    assert max(len(line) for line in relay.taken[0].split(b"\r\n\r\n")[0].splitlines()) <= 78


def test_no_line_is_longer_than_a_relay_allows(make_app, relay):
    make_app(port=relay.port)
    send()
    assert max(len(line) for line in relay.taken[0].splitlines()) < 998
    assert relay.taken[0].isascii()


def test_the_same_key_gives_the_same_message_id_and_another_key_another(make_app, relay):
    make_app(port=relay.port)
    for key in ("a", "a", "b"):
        send(key)
    first, again, other = (read(content)["Message-ID"] for content in relay.taken)
    assert first == again != other


def test_whoever_sends_learns_the_message_id(make_app, relay):
    make_app(port=relay.port)
    told = mail.send("a", TO, "el", "notices/test", {"name": "Μαρία"})
    assert read(relay.taken[0])["Message-ID"] == told


@pytest.mark.parametrize(
    ("step", "answer", "failure"),
    [
        ("RCPT", "451 greylisted", TemporaryFailure),
        ("RCPT", f"550 no such user {TO}", PermanentFailure),
        ("DATA", "452 disk full", TemporaryFailure),
        ("DATA", "554 spam", PermanentFailure),
        ("MAIL", "451 later", TemporaryFailure),
        ("MAIL", "553 not your address", ConfigurationFailure),
        ("MAIL", "421 shutting down", TemporaryFailure),
    ],
)
def test_a_refusal_is_told_apart_by_its_code(make_app, relay, logged, step, answer, failure):
    make_app(port=relay.port)
    relay.answers[step] = answer
    with pytest.raises(failure) as caught:
        send()
    assert answer[:3] in str(caught.value)
    assert TO not in f"{caught.value}{logged()}"
    assert relay.taken == []


def test_a_server_that_is_rude_at_the_end_has_still_taken_the_message(make_app, relay):
    make_app(port=relay.port)
    relay.answers["QUIT"] = "drop"
    send()
    assert len(relay.taken) == 1


def test_a_line_that_breaks_after_the_message_is_repeated_as_a_recognisable_copy(make_app, relay):
    """SMTP has no way to ask whether it was taken; the copy carries the same message id."""
    make_app(port=relay.port)
    relay.answers["DATA"] = "2 drop"
    with pytest.raises(TemporaryFailure):
        send()
    del relay.answers["DATA"]
    send()
    first, again = (read(content)["Message-ID"] for content in relay.taken)
    assert first == again


def test_many_messages_go_over_one_line(make_app, relay):
    make_app(port=relay.port)
    with mail.on_one_line():
        for key in "abc":
            send(key)
    assert (len(relay.taken), len(relay.lines)) == (3, 1)
    send("d")
    assert (len(relay.taken), len(relay.lines)) == (4, 2)


def test_a_line_that_the_server_has_closed_is_made_anew(make_app, relay):
    make_app(port=relay.port)
    with mail.on_one_line():
        relay.answers["DATA"] = "2 drop"
        with pytest.raises(TemporaryFailure):
            send("a")
        del relay.answers["DATA"]
        send("a")
        relay.answers["NOOP"] = "421 enough"
        send("b")
    assert len({read(taken)["Message-ID"] for taken in relay.taken}) == 2
    assert (len(relay.taken), len(relay.lines)) == (3, 3)


def test_nobody_answers_at_the_port(make_app):
    make_app(port=free_port())
    with pytest.raises(TemporaryFailure, match="ConnectionRefusedError"):
        send()


def test_a_silent_server_is_not_waited_for_without_end(make_app, monkeypatch):
    monkeypatch.setattr(mail, "TIMEOUT", 1)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        make_app(port=silent.getsockname()[1])
        begun = time.monotonic()
        with pytest.raises(TemporaryFailure):
            send()
        assert time.monotonic() - begun < 5


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS with a certificate which it signed itself, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "relay.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    trust = folder / "trust.pem"
    trust.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, trust


@pytest.fixture(params=["starttls", "tls"])
def guarded_relay(request, tmp_path):
    context, trust = certificate(tmp_path)
    option = "tls_context" if request.param == "starttls" else "ssl_context"
    with relay_server(**{option: context}) as server:
        server.security, server.trust = request.param, trust
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused(make_app, guarded_relay):
    make_app(port=guarded_relay.port, security=guarded_relay.security)
    with pytest.raises(ConfigurationFailure, match="SSLCertVerificationError"):
        send()
    assert guarded_relay.taken == []


def test_a_certificate_that_is_trusted_serves(make_app, guarded_relay, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(guarded_relay.trust))
    make_app(port=guarded_relay.port, security=guarded_relay.security)
    send()
    assert len(guarded_relay.taken) == 1


def test_a_server_without_encryption_is_refused_when_encryption_is_set(make_app, relay):
    make_app(port=relay.port, security="starttls")
    with pytest.raises(ConfigurationFailure):
        send()
    assert relay.taken == []


def test_mail_inside_a_transaction_is_refused(make_app, relay):
    make_app(port=relay.port)
    with pytest.raises(RuntimeError, match="transaction"), db.transaction():
        send()


def test_the_demo_keeps_one_copy_and_sends_nothing(make_app, relay):
    app = make_app(demo=True, port=relay.port)
    for key in ("a", "a", "b"):
        send(key, Attachment("a.ics", "text/calendar", b"x"))
    letters = mailbox.letters(app.config["PORTAL"].instance / "mailbox")
    assert len(letters) == 2
    assert relay.taken == []
    assert letters[0].subject == "Το ραντεβού σας"
    assert letters[0].links == [("https://e.gr/a?b=1&c=2", "Go")]
    assert "Καλημέρα" in letters[0].text
    assert [file.get_filename() for file in letters[0].attachments] == ["a.ics"]


def test_the_server_is_checked_without_a_message(make_app, relay):
    make_app(port=relay.port)
    mail.check()
    assert relay.taken == []
    make_app(port=free_port())
    with pytest.raises(TemporaryFailure):
        mail.check()


def test_a_login_that_the_server_does_not_take_is_told(make_app, relay):
    make_app(port=relay.port, username="portal")
    mail.current_app.extensions["mail"].password = "wrong"
    with pytest.raises(ConfigurationFailure):
        mail.check()
