"""What a provider may raise. The class says what the core does next; the words go to a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from flask_babel import force_locale

from .texts import LazyText

Refusal = Literal["declined", "invalid", "expired", "incomplete", "organisation"]
"""Why nobody was logged in, which decides what the page says:

``declined``: the person went back or did not agree. ``invalid``: the answer is forged, used twice or
meant for somebody else. ``expired``: the person took too long. ``incomplete``: the identity server did
not tell what is needed, such as the tax number. ``organisation``: the account belongs to a business.
"""


class ProviderFailure(Exception):
    """Common parent. Never raised itself."""


class TemporaryFailure(ProviderFailure):
    """The outside system did not answer properly now; the core asks again with the same key.

    ``retry_after`` is the earliest sensible moment to do so, when the other side named one.
    """

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PermanentFailure(ProviderFailure):
    """Asking again would not help; the work is put on the staff's list "Needs attention".

    ``reason`` is for staff and logs (no personal data). It is kept in English; pages show it in the reader's
    language when it was marked with `lazy` and says the same each time. ``for_citizen`` is a translated
    sentence which says what the citizen can do, or empty.
    """

    def __init__(self, reason: LazyText, for_citizen: str = "") -> None:
        with force_locale("en"):
            super().__init__(str(reason))
        self.for_citizen = for_citizen


class ConfigurationFailure(ProviderFailure):
    """The address, the account or a right is wrong: the provider is paused until somebody mends it."""


class NumberRefused(ProviderFailure):
    """Staff typed a number that no parcel of this carrier has; the words, translated, say what to do."""


class LoginRefused(ProviderFailure):
    """The person declined, or the identity server did not accept the person. Not a fault of ours.

    ``reason`` is for the log (no personal data); ``why`` chooses the words for the person.
    """

    def __init__(self, reason: str, why: Refusal = "invalid") -> None:
        super().__init__(reason)
        self.why: Refusal = why
