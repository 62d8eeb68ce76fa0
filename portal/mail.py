"""Mail: renders a message in the recipient's language and hands it to the mail server.

Called by jobs only, since a mail server may be slow. In a demo the message goes into the demo's own
letter box (`portal.mailbox`). The same key always gives the same message id, so copies can be recognised.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from email import policy
from email.charset import BASE64, Charset
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.text import MIMEText
from email.utils import formataddr
from types import TracebackType
from urllib.parse import urlsplit

import flask_mail
import structlog
from flask import Flask, current_app, render_template
from flask_babel import force_locale

from portal import clock, mailbox
from portal.config import Config, MailSettings
from portal.db import db
from portal.plugin_api import Attachment, ConfigurationFailure, PermanentFailure, TemporaryFailure

log = structlog.get_logger()

TIMEOUT = 10
"""Seconds for each answer of the mail server."""


def init_app(app: Flask, config: Config) -> None:
    """Tell Flask-Mail where the mail server is."""
    app.config.update(
        MAIL_SERVER=config.mail.host,
        MAIL_PORT=config.mail.port,
        MAIL_USE_TLS=config.mail.security == "starttls",
        MAIL_USE_SSL=config.mail.security == "tls",
        MAIL_USERNAME=config.mail.username,
        MAIL_PASSWORD=config.mail_password,
        MAIL_DEFAULT_SENDER=config.mail.sender,
        MAIL_DEBUG=False,
        MAIL_SUPPRESS_SEND=False,
    )
    flask_mail.Mail().init_app(app)


def send(
    key: str,
    to: str,
    language: str,
    template: str,
    values: Mapping[str, object],
    attachments: tuple[Attachment, ...] = (),
) -> str:
    """Send one message and return its message id when the mail server took it.

    Raises TemporaryFailure, PermanentFailure (this recipient or message) or ConfigurationFailure.
    """
    if db.session().info.get("writing"):
        raise RuntimeError("mail inside transaction(): a mail server may be slow")
    message = _message(key, to, language, template, values, attachments)
    # Reading opened a connection to the database; the mail server must not keep it from others.
    db.session.rollback()
    config = current_app.config["PORTAL"]
    if config.demo:
        mailbox.put(config.instance / "mailbox", _digest(key), message.as_bytes())
    else:
        _hand_over(message)
    log.info("mail sent", message=key, template=template, language=language)
    return message.msgId


def check() -> None:
    """Greet the mail server and log in, sending nothing. Raises as `send` does."""
    if current_app.config["PORTAL"].demo:
        return
    with _failures_told(), _Connection(current_app.extensions["mail"]):
        pass


@contextmanager
def on_one_line() -> Iterator[None]:
    """What is sent inside goes over one connection, made anew only when the mail server has closed it."""
    line = _Line()
    before = _line.set(line)
    try:
        yield
    finally:
        _line.reset(before)
        line.close()


class _Message(flask_mail.Message):
    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        # Flask-Mail sends Greek as raw bytes in lines of any length, which a relay may refuse or break.
        charset = Charset("utf-8")
        charset.body_encoding = BASE64
        return MIMEText(text or "", subtype, charset)  # type: ignore[arg-type]

    def _message(self) -> MIMEBase:
        message = super()._message()
        # Flask-Mail forgets the header's name when it folds, and lines too long are folded again by Python,
        # which loses spaces between Greek and numbers.
        sending, message.policy = message.policy, policy.compat32
        message.replace_header("Subject", Header(self.subject, header_name="Subject").encode())
        message.policy = sending
        return message


class _Connection(flask_mail.Connection):
    """Flask-Mail's connection with checked certificates and time limits."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        tls = ssl.create_default_context()
        where = (self.mail.server, self.mail.port or 0, _host())
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(*where, timeout=TIMEOUT, context=tls)
        else:
            host = smtplib.SMTP(*where, timeout=TIMEOUT)
        try:
            if self.mail.use_tls:
                host.starttls(context=tls)
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def answers(self) -> bool:
        """Is the mail server still there?"""
        try:
            return self.host is not None and self.host.noop()[0] == 250
        except OSError:
            return False

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.host is None:
            return
        # The message was taken or refused before; how the server says goodbye changes nothing.
        with suppress(OSError):
            self.host.quit()
        self.host.close()


class _Line:
    """A connection that is kept for the next message."""

    def __init__(self) -> None:
        self._open: _Connection | None = None

    @contextmanager
    def connection(self) -> Iterator[_Connection]:
        """The connection, which answers; after an error it is not used again."""
        if self._open is not None and not self._open.answers():
            self.close()
        if self._open is None:
            self._open = _Connection(current_app.extensions["mail"])
            self._open.__enter__()
        try:
            yield self._open
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Say goodbye, if there is anybody."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.__exit__(None, None, None)


_line: ContextVar[_Line | None] = ContextVar("line to the mail server", default=None)


def _message(
    key: str,
    to: str,
    language: str,
    template: str,
    values: Mapping[str, object],
    attachments: tuple[Attachment, ...],
) -> _Message:
    config: Config = current_app.config["PORTAL"]
    known = {"municipality": config.municipality, "language": language, **values}
    with force_locale(language):
        subject, text, html = (
            render_template(f"{template}.{part}", **known) for part in ("subject.txt", "txt", "html")
        )
    message = _Message(
        subject=" ".join(subject.split()),
        recipients=[to],
        body=text,
        html=html,
        sender=formataddr((config.municipality.name.in_language(language), config.mail.sender)),
        date=clock.now().timestamp(),
        attachments=[
            flask_mail.Attachment(file.filename, file.media_type, file.content) for file in attachments
        ],
        extra_headers={"Auto-Submitted": "auto-generated", "Content-Language": language},
    )
    message.msgId = f"<{_digest(key)}@{_host()}>"
    return message


def _digest(key: str) -> str:
    """A name for the message which tells strangers nothing about what it is about."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _host() -> str:
    return urlsplit(current_app.config["PORTAL"].portal.base_url).hostname or "localhost"


def _hand_over(message: _Message) -> None:
    """Give the message to the mail server."""
    settings: MailSettings = current_app.config["PORTAL"].mail
    line = _line.get()
    new = _Connection(current_app.extensions["mail"])
    with _failures_told(), line.connection() if line else new as connection:
        connection.send(message, settings.return_path or settings.sender)


@contextmanager
def _failures_told() -> Iterator[None]:
    """What the mail server refuses, as one of our failures. Its words are not repeated: they may quote
    the address."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        raise _refusal("the recipient", code) from None
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
        raise _misconfigured(f"the mail server refuses us ({error.smtp_code})", error.smtp_code) from None
    except smtplib.SMTPDataError as error:
        raise _refusal("the message", error.smtp_code) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
        reason = "no trustworthy connection to the mail server is possible"
        raise ConfigurationFailure(f"{reason} ({type(error).__name__})") from None
    except OSError as error:
        raise TemporaryFailure(f"no answer from the mail server ({type(error).__name__})") from None
    except (UnicodeError, flask_mail.BadHeaderError) as error:
        raise PermanentFailure(f"no mail can go to this address ({type(error).__name__})") from None


def _refusal(what: str, code: int) -> TemporaryFailure | PermanentFailure:
    failure = PermanentFailure if code >= 500 else TemporaryFailure
    return failure(f"the mail server refuses {what} ({code})")


def _misconfigured(reason: str, code: int) -> TemporaryFailure | ConfigurationFailure:
    return ConfigurationFailure(reason) if code >= 500 else TemporaryFailure(reason)
