"""Writes the mail for one parcel. The mail's id is the parcel's key, so equal copies can be recognised."""

from __future__ import annotations

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
    lazy,
    translate,
)

from .settings import EmailSettings

MEGABYTE = 1024 * 1024


class EmailDelivery(DeliveryProvider):
    """Brings a document by mail."""

    name = "email"
    title = lazy("By e-mail")
    needs = frozenset({RecipientField.EMAIL, RecipientField.ATTACHMENT_WISH})

    def __init__(self, context: PluginContext[EmailSettings]) -> None:
        self._mail, self._check_mail = context.mail, context.check_mail
        self._largest = context.settings.largest_attachment_megabytes * MEGABYTE

    def send(self, parcel: Parcel) -> Receipt:
        recipient = parcel.recipient
        if not recipient.email:
            raise PermanentFailure(
                "the recipient has no e-mail address",
                translate("Please give us an e-mail address, or choose another way of delivery."),
            )
        attachments = self._attachments(parcel)
        values = {"parcel": parcel, "attached": bool(attachments)}
        self._mail(parcel.key, recipient.email, recipient.language, "document", values, attachments)
        return Receipt(reference=parcel.key, state="sent")

    def check(self) -> None:
        self._check_mail()

    def try_out(self) -> list[Finding]:
        tried = "the mail server greets us and takes our login"
        try:
            self.check()
        except ProviderFailure as failure:
            return [Finding(tried, f"{failure}; compare [mail] and PORTAL_MAIL_PASSWORD")]
        return [Finding(tried)]

    def _attachments(self, parcel: Parcel) -> tuple[Attachment, ...]:
        document = parcel.document
        if not parcel.recipient.wants_attachment or document.size > self._largest:
            return ()
        with document.open() as file:
            return (Attachment(document.filename, document.media_type, file.read()),)
