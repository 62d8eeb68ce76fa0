"""One delivery report: which status it tells, and what does not count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from portal_delivery_email.reports import failure_told
from portal_delivery_email.words import FULL, OTHER, REFUSED, UNKNOWN_ADDRESS, UNKNOWN_DOMAIN, meaning_of

Report = Callable[..., bytes]
ID = "<0123456789abcdef@portal.dimos.example>"
MARIA = "maria@citizens.example"


def told(raw: bytes) -> str:
    return failure_told(raw, ID, lambda address: address.casefold() == MARIA)


@pytest.mark.parametrize("by", ["postfix", "exchange"])
def test_the_status_is_told(a_report: Report, by: str) -> None:
    assert told(a_report(ID, by, status="5.2.2")) == "5.2.2"


def test_where_the_status_says_little_the_refusing_server_says_more(a_report: Report) -> None:
    assert told(a_report(ID, "exim", said="550-5.7.26 not authenticated")) == "5.7.26"
    assert told(a_report(ID, "exim", said="550 no such user")) == "5.0.0"


def test_a_mail_given_up_after_days_failed_whatever_its_status(a_report: Report) -> None:
    assert told(a_report(ID, status="4.4.1")) == "4.4.1"


def test_upper_case_and_brackets_are_the_same_address(a_report: Report) -> None:
    assert told(a_report(ID, to="Maria@Citizens.EXAMPLE")) == "5.1.1"
    assert told(a_report(ID).replace(b"rfc822; maria@citizens.example", b"RFC822; <maria@citizens.example>"))


def test_one_report_about_two_recipients_is_read_for_each(a_report: Report) -> None:
    other = b"Final-Recipient: rfc822; other@else.example\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
    raw = a_report(ID).replace(b"Final-Recipient", other + b"Final-Recipient", 1)
    assert told(raw) == "5.1.1"


def test_the_original_recipient_counts_where_the_mail_was_passed_on(a_report: Report) -> None:
    raw = a_report(ID).replace(
        b"Final-Recipient: rfc822; maria@citizens", b"Final-Recipient: rfc822; m@other"
    )
    assert told(raw) == "5.1.1"


def test_the_newer_type_for_addresses_beyond_ascii_is_read(a_report: Report) -> None:
    raw = a_report(ID).replace(b"message/delivery-status", b"message/global-delivery-status")
    assert told(raw.replace(b"rfc822; maria", b"utf-8; maria")) == "5.1.1"


def test_headers_in_base64_are_read(a_report: Report) -> None:
    from base64 import b64encode

    header = f"Message-ID: {ID}\r\n".encode()
    before, _, _rest = a_report(ID, "exim").partition(b"Content-type: text/rfc822-headers")
    coded = b"Content-type: text/rfc822-headers\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert told(before + coded + b64encode(header) + b"\r\n--1764-eximdsn-99--\r\n") == "5.1.1"


def test_a_long_report_cut_off_in_the_mail_that_came_back_is_read(a_report: Report) -> None:
    assert told(a_report(ID, padding="x" * 1000)[:-600]) == "5.1.1"


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b"Action: failed", b"Action: delivered"),
        (b"Action: failed", b"Action: delayed"),
        (b"Action: failed", b""),
        (b"Message-ID: " + ID.encode(), b"Message-ID: <another@portal.dimos.example>"),
        (b"Message-ID: " + ID.encode(), b""),
        (b"multipart/report;", b"multipart/mixed;"),
        (b"message/delivery-status", b"text/plain"),
        (b"rfc822; maria", b"x400; maria"),
        (b"maria@citizens.example", b"other@citizens.example"),
    ],
)
def test_what_says_something_else_is_no_failure(a_report: Report, part: bytes, instead: bytes) -> None:
    raw = a_report(ID)
    if b"x400" in instead:
        raw = raw.replace(b"Original-Recipient: rfc822", b"Original-Recipient: x400")
    assert told(raw) if b"x400" not in instead else True
    changed = raw.replace(part, instead)
    assert changed != raw
    assert told(changed) == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        "Ελληνικά χωρίς τίποτε".encode("iso-8859-7"),
        b"Content-Type: multipart/report; boundary=x\r\n\r\nno part",
        b"Content-Type: multipart/report\r\n\r\n--x\r\n",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n",
    ],
)
def test_what_is_broken_says_nothing(raw: bytes) -> None:
    assert told(raw) == ""


def test_a_report_cut_off_anywhere_breaks_nothing(a_report: Report) -> None:
    whole = a_report(ID, "exchange")
    assert {told(whole[:length]) for length in range(0, len(whole), 7)} == {"", "5.1.1"}


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("5.1.1", UNKNOWN_ADDRESS),
        ("5.1.2", UNKNOWN_DOMAIN),
        ("5.4.4", UNKNOWN_DOMAIN),
        ("5.1.10", UNKNOWN_DOMAIN),
        ("5.2.2", FULL),
        ("4.2.2", FULL),
        ("5.7.1", REFUSED),
        ("5.7.26", REFUSED),
        ("5.0.0", OTHER),
        ("4.4.1", OTHER),
    ],
)
def test_a_status_has_its_words(status: str, meaning: object) -> None:
    assert meaning_of(status) is meaning
