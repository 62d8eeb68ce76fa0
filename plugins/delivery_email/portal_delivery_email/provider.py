"""Writes the mail for one parcel, and learns from delivery reports that it came back.

The mail's id is made from the parcel's key, so equal copies can be recognised; a report names it.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from portal.plugin_api import (
    Attachment,
    DeliveryProvider,
    Finding,
    Parcel,
    PermanentFailure,
    PluginContext,
    ProviderFailure,
    Receipt,
    RecipientField,
    Tracking,
    lazy,
    translate,
)

from . import mailbox, reports, words
from .settings import EmailSettings

MEGABYTE = 1024 * 1024
NEWS_EVERY = timedelta(minutes=30)
NEWS_FOR = timedelta(days=6)
"""Mail servers try for up to five days (RFC 5321) before they report."""


class EmailDelivery(DeliveryProvider):
    """Brings a document by mail."""

    name = "email"
    title = lazy("By e-mail")
    timeout = 60
    needs = frozenset({RecipientField.EMAIL, RecipientField.ATTACHMENT_WISH})
    news_for = NEWS_FOR

    def __init__(self, context: PluginContext[EmailSettings]) -> None:
        self._mail, self._check_mail = context.mail, context.check_mail
        self._signer, self._log = context.signer, context.log
        self._largest = context.settings.largest_attachment_megabytes * MEGABYTE
        self._reports = context.settings.mailbox()
        self.news_every = NEWS_EVERY if self._reports else None

    def send(self, parcel: Parcel) -> Receipt:
        recipient = parcel.recipient
        if not recipient.email:
            raise PermanentFailure(
                lazy("the recipient has no e-mail address"),
                translate("Please give us an e-mail address, or choose another way of delivery."),
            )
        attachments = self._attachments(parcel)
        values = {"parcel": parcel, "attached": bool(attachments)}
        try:
            message_id = self._mail(
                parcel.key, recipient.email, recipient.language, "document", values, attachments
            )
        except PermanentFailure as failure:
            raise PermanentFailure(str(failure), str(words.OTHER.for_citizen)) from None
        # The address itself would be one more copy of it; its fingerprint is enough to recognise it.
        known_by = {"message_id": message_id, "recipient": self._fingerprints(recipient.email)[0]}
        return Receipt(reference=parcel.key, state="sent", data=known_by)

    def track(self, receipt: Receipt) -> Tracking:
        """Look for a report that the mail came back. That none can be read must not keep mails from leaving,
        which a failure told to the portal would; it is logged, and asked again."""
        if self._reports is None or "message_id" not in receipt.data:
            return Tracking()
        message_id = receipt.data["message_id"]
        try:
            found = mailbox.reports_that_name(self._reports, message_id)
        except ProviderFailure as failure:
            self._log.error("delivery reports cannot be read", reason=str(failure))
            return Tracking()
        told = (
            reports.failure_told(raw, message_id, lambda address: self._is_recipient(address, receipt))
            for raw in found
        )
        return self._news(next(filter(None, told), ""))

    def check(self) -> None:
        self._check_mail()
        if self._reports is not None:
            mailbox.look_in(self._reports)

    def try_out(self) -> list[Finding]:
        return [self._mail_is_taken(), *self._mailbox_is_read()]

    def try_send(self, to: str) -> list[Finding]:
        tried = "a mail to the administrator is taken by the mail server; look whether it arrives"
        try:
            self._mail(f"try-{secrets.token_hex(10)}", to, "el", "trial", {})
        except ProviderFailure as failure:
            return [Finding(tried, f"{failure}; compare [mail]")]
        return [Finding(tried)]

    def _mail_is_taken(self) -> Finding:
        tried = "the mail server greets us and takes our login"
        try:
            self._check_mail()
        except ProviderFailure as failure:
            return Finding(tried, f"{failure}; compare [mail] and PORTAL_MAIL_PASSWORD")
        return Finding(tried)

    def _mailbox_is_read(self) -> list[Finding]:
        if self._reports is None:
            return []
        tried = "the mailbox of the delivery reports can be read"
        try:
            mailbox.look_in(self._reports)
        except ProviderFailure as failure:
            return [Finding(tried, str(failure))]
        return [Finding(tried)]

    def _news(self, status: str) -> Tracking:
        if not status:
            return Tracking()
        self._log.info("mail came back", status=status)
        meaning = words.meaning_of(status)
        return Tracking("failed", reason=meaning.reason, for_citizen=str(meaning.for_citizen))

    def _is_recipient(self, address: str, receipt: Receipt) -> bool:
        return receipt.data.get("recipient") in self._fingerprints(address)

    def _fingerprints(self, address: str) -> list[str]:
        """By each secret key, the newest first; mail servers may change the case of letters."""
        return [key.hex() for key in self._signer.derive_all(f"recipient {address.casefold()}")]

    def _attachments(self, parcel: Parcel) -> tuple[Attachment, ...]:
        document = parcel.document
        if not parcel.recipient.wants_attachment or document.size > self._largest:
            return ()
        with document.open() as file:
            return (Attachment(document.filename, document.media_type, file.read()),)
