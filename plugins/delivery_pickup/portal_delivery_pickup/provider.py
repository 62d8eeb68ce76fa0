"""Makes the code for one parcel and tells the citizen where to collect it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import segno

from portal.plugin_api import Attachment, DeliveryProvider, Parcel, PluginContext, Receipt, lazy

from .settings import PickupSettings

# Letters that look the same in Greek and in Latin, and digits that look like none of them: whoever reads
# the code aloud or types it in either alphabet means the same.
ALPHABET = "AEHKMNPTXY346789"
LENGTH = 6


class CounterPickup(DeliveryProvider):
    """Keeps a document ready at the office of the appointment."""

    name = "pickup"
    title = lazy("Collect it at the office")
    needs = frozenset()

    def __init__(self, context: PluginContext[PickupSettings]) -> None:
        settings = context.settings
        self.kept_for = timedelta(days=settings.days)
        self.remind_after = timedelta(days=settings.remind_after_days) or None
        self._mail = context.mail
        self._derive = context.signer.derive

    def send(self, parcel: Parcel) -> Receipt:
        code = self._code(parcel.key)
        recipient = parcel.recipient
        if recipient.email:
            values = {"parcel": parcel, "code": code}
            picture = Attachment("code.png", "image/png", _qr(code))
            self._mail(parcel.key, recipient.email, recipient.language, "ready", values, (picture,))
        return Receipt(reference=parcel.key, state="prepared", code=code)

    def check(self) -> None:
        """Needs nothing from outside."""

    def _code(self, key: str) -> str:
        """Made from the key: a repeated order leads to the code which the citizen may already have."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._derive(key)[:LENGTH])


def _qr(code: str) -> bytes:
    """The code alone: no name and no address stand in it, and it is worth nothing without staff's login."""
    drawn = BytesIO()
    segno.make(code, error="m", micro=False).save(drawn, kind="png", border=4, scale=8)
    return drawn.getvalue()
