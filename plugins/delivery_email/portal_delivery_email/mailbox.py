"""Reads the mailbox of the delivery reports over IMAP, and changes nothing in it.

Python's own imaplib does what is needed here, and nothing more has to be trusted or updated: one search and
a few partial fetches. The server searches; a mailbox with a million mails costs no more than one with ten.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from portal.plugin_api import ConfigurationFailure, ProviderFailure, TemporaryFailure

from .settings import VARIABLE, MailboxAccount

TIMEOUT = 10.0
"""Seconds for each answer of the server."""
MOST_REPORTS = 10
"""How many of the newest mails that name ours are looked at: reports of one mail are few."""
ENOUGH = 256 * 1024
"""Bytes of one report. What follows is the mail that came back, with its attachment."""
SEARCHED = str.maketrans("", "", '\\"\r\n')


def reports_that_name(account: MailboxAccount, message_id: str) -> list[bytes]:
    """The beginnings of the mails in which the message id stands somewhere, newest first.

    Raises a ProviderFailure when the mailbox cannot be read.
    """
    # Only the part before the @: it is unlike anything else, and servers that keep an index find it at once.
    words = message_id.strip("<>").split("@")[0].translate(SEARCHED)
    with _opened(account) as line:
        found = _answer(line.uid("SEARCH", f'UNDELETED TEXT "{words}"'))
        numbers = (found[0] or b"").split()[-MOST_REPORTS:]
        return [_beginning(line, number.decode("ascii")) for number in reversed(numbers)]


def look_in(account: MailboxAccount) -> None:
    """Log in and open the folder. Raises a ProviderFailure when that fails."""
    with _opened(account):
        pass


def _beginning(line: imaplib.IMAP4, number: str) -> bytes:
    # PEEK: a report stays unread for whoever reads the mailbox too.
    told = _answer(line.uid("FETCH", number, f"(BODY.PEEK[]<0.{ENOUGH}>)"))
    return next((part[1] for part in told if isinstance(part, tuple)), b"")


@contextmanager
def _opened(account: MailboxAccount) -> Iterator[imaplib.IMAP4]:
    """A connection with the folder open for reading only."""
    line: imaplib.IMAP4 | None = None
    try:
        with _failures_told():
            line = _connected(account)
            _log_in(line, account)
            _open_folder(line, account)
            yield line
    finally:
        if line is not None:
            # All is read; how the server says goodbye changes nothing.
            with suppress(OSError, imaplib.IMAP4.error):
                line.logout()


def _connected(account: MailboxAccount) -> imaplib.IMAP4:
    tls = ssl.create_default_context(cafile=account.ca_bundle or None)
    if account.security == "tls":
        return imaplib.IMAP4_SSL(account.host, account.port, ssl_context=tls, timeout=TIMEOUT)
    line = imaplib.IMAP4(account.host, account.port, timeout=TIMEOUT)
    try:
        if account.security == "starttls":
            line.starttls(tls)
    except BaseException:
        line.shutdown()
        raise
    return line


def _log_in(line: imaplib.IMAP4, account: MailboxAccount) -> None:
    # Not LOGIN, which takes no Greek letters in a password.
    login = f"\0{account.username}\0{account.password.get_secret_value()}".encode()
    try:
        line.authenticate("PLAIN", lambda _challenge: login)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as refusal:
        if "[UNAVAILABLE]" in str(refusal):
            raise TemporaryFailure("the IMAP server cannot check logins now") from None
        raise ConfigurationFailure(
            f"the IMAP server refuses our login; compare reports_username and {VARIABLE}"
        ) from None


def _open_folder(line: imaplib.IMAP4, account: MailboxAccount) -> None:
    name = account.folder.replace("\\", "\\\\").replace('"', '\\"')
    kind, _told = line.select(f'"{name}"', readonly=True)
    if kind != "OK":
        raise ConfigurationFailure("the mailbox has no such folder that we may read; compare reports_folder")


def _answer(answer: tuple[str, list[bytes | tuple[bytes, bytes]]]) -> list[bytes | tuple[bytes, bytes]]:
    kind, told = answer
    if kind != "OK":
        raise TemporaryFailure("the IMAP server did not do what it was asked for")
    return told


@contextmanager
def _failures_told() -> Iterator[None]:
    """What goes wrong on the line, as one of our failures. The server's words are not repeated."""
    try:
        yield
    except ProviderFailure:
        raise
    except ssl.SSLCertVerificationError:
        raise ConfigurationFailure(
            "the certificate of the IMAP server is not trusted; compare reports_host and reports_ca_bundle"
        ) from None
    except (OSError, imaplib.IMAP4.error) as error:
        name = type(error).__name__
        raise TemporaryFailure(
            f"no answer from the IMAP server ({name}); compare reports_host, reports_port, reports_security"
        ) from None
