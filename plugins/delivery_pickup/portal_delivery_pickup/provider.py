"""Makes the code for one parcel and tells the citizen where to collect it."""

from __future__ import annotations

from portal.plugin_api import DeliveryProvider, Parcel, PluginContext, Receipt, lazy

# Letters that look the same in Greek and in Latin, and digits that look like none of them: whoever reads
# the code aloud or types it in either alphabet means the same.
ALPHABET = "AEHKMNPTXY346789"
LENGTH = 6


class CounterPickup(DeliveryProvider):
    """Keeps a document ready at the office of the appointment."""

    name = "pickup"
    title = lazy("Collect it at the office")
    needs = frozenset()

    def __init__(self, context: PluginContext[None]) -> None:
        self._mail = context.mail
        self._derive = context.signer.derive

    def send(self, parcel: Parcel) -> Receipt:
        code = self._code(parcel.key)
        recipient = parcel.recipient
        if recipient.email:
            values = {"parcel": parcel, "code": code}
            self._mail(parcel.key, recipient.email, recipient.language, "ready", values)
        return Receipt(reference=parcel.key, state="prepared", code=code)

    def check(self) -> None:
        """Needs nothing from outside."""

    def _code(self, key: str) -> str:
        """Made from the key: a repeated order leads to the code which the citizen may already have."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._derive(key)[:LENGTH])
