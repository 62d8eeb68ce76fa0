"""Reads a delivery report (RFC 3464 in RFC 6522): does it say that our mail did not reach this recipient?

Whoever can send mail can send a report, so it must name the message id, which only the recipient's side has
seen, and the recipient. Only failures count: a delayed mail may still arrive, and that one was delivered does
not say that anybody opened it. What is broken says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import Message

Recognises = Callable[[str], bool]
"""True for the address of the recipient."""

STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
RETURNED_PARTS = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
UNSPECIFIC = ("", "5.0.0", "4.0.0")


def failure_told(raw: bytes, message_id: str, is_recipient: Recognises) -> str:
    """The enhanced status (RFC 3463) of the failure, like ``5.1.1``; empty when it tells of none."""
    try:
        report = message_from_bytes(raw)
        if report.get_content_type() != "multipart/report" or not _is_about(report, message_id):
            return ""
        told = (_status(group) for group in _groups(report) if _failed(group, is_recipient))
        return next(told, "")
    except (MessageError, LookupError, ValueError, AttributeError, TypeError):
        return ""  # so broken that even the tolerant parser gives up


def _is_about(report: Message, message_id: str) -> bool:
    """The mail that came back, or its header, is in the report and carries our id."""
    return any(_header(mail, "Message-ID") == message_id for mail in _returned(report))


def _returned(report: Message) -> Iterator[Message]:
    for part in _parts(report):
        if part.get_content_type() not in RETURNED_PARTS:
            continue
        content = part.get_payload()
        if isinstance(content, list):
            yield content[0]
        else:
            decoded = part.get_payload(decode=True)
            yield message_from_bytes(decoded.lstrip() if isinstance(decoded, bytes) else b"")


def _groups(report: Message) -> Iterator[Message]:
    """The fields about each recipient, and those about the whole mail, which name no recipient."""
    for part in _parts(report):
        if part.get_content_type() not in STATUS_PARTS:
            continue
        for group in part.get_payload():
            assert isinstance(group, Message)
            yield group
            # The parser knows the groups of the older type only; of the newer one it reads the first.
            rest = group.get_payload()
            if isinstance(rest, str):
                yield from (
                    message_from_string(text) for text in re.split(r"\r?\n\r?\n", rest) if text.strip()
                )


def _parts(report: Message) -> list[Message]:
    """The parts of the report itself, not those of the mail that came back in it."""
    content = report.get_payload()
    return [part for part in content if isinstance(part, Message)] if isinstance(content, list) else []


def _failed(group: Message, is_recipient: Recognises) -> bool:
    named = (_address(_header(group, name)) for name in ("Original-Recipient", "Final-Recipient"))
    return _header(group, "Action").lower() == "failed" and any(map(is_recipient, filter(None, named)))


def _status(group: Message) -> str:
    """The status; where it only says “5.0.0”, what the refusing server said is more exact."""
    status = _enhanced(_header(group, "Status"))
    if status in UNSPECIFIC:
        status = _enhanced(_header(group, "Diagnostic-Code")) or status
    return status or "5.0.0"


def _enhanced(text: str) -> str:
    found = ENHANCED.search(text)
    return found.group() if found else ""


def _address(field: str) -> str:
    """The address of ``rfc822; maria@example.gr``."""
    kind, _, address = field.partition(";")
    return address.strip().strip("<>") if kind.strip().lower() in ("rfc822", "utf-8") else ""


def _header(message: Message, name: str) -> str:
    """The value on one line."""
    return " ".join(str(message.get(name, "")).split())
