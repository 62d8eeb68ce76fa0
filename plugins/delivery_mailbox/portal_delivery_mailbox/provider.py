"""Tells the citizen that a document waits, and reminds him once. The portal itself keeps and shows it.

The mails name neither the citizen nor the document: whoever reads over his shoulder learns nothing.
"""

from __future__ import annotations

from datetime import timedelta

from portal.plugin_api import DeliveryProvider, Finding, Parcel, PluginContext, ProviderFailure, Receipt, lazy

from .settings import MailboxSettings


class Mailbox(DeliveryProvider):
    """Leaves a document under “My documents”."""

    name = "mailbox"
    title = lazy("In the portal, under “My documents”")
    needs = frozenset()
    kept_in_portal = True

    def __init__(self, context: PluginContext[MailboxSettings]) -> None:
        self._mail, self._check_mail = context.mail, context.check_mail
        self.remind_after = timedelta(days=context.settings.remind_after_days) or None
        self.overdue_after = timedelta(days=context.settings.overdue_after_days)

    def send(self, parcel: Parcel) -> Receipt:
        self._tell(parcel, parcel.key, "waits")
        return Receipt(reference=parcel.key, state="sent")

    def remind(self, parcel: Parcel) -> None:
        self._tell(parcel, f"{parcel.key}-again", "still_waits")

    def check(self) -> None:
        self._check_mail()

    def try_out(self) -> list[Finding]:
        tried = "the mail server greets us and takes our login"
        try:
            self.check()
        except ProviderFailure as failure:
            return [Finding(tried, f"{failure}; compare [mail] and PORTAL_MAIL_PASSWORD")]
        return [Finding(tried)]

    def _tell(self, parcel: Parcel, key: str, template: str) -> None:
        """Without an address nobody is told; the document lies there all the same."""
        recipient = parcel.recipient
        if recipient.email:
            self._mail(key, recipient.email, recipient.language, template, {"parcel": parcel})
