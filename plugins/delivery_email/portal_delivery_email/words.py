"""What a failure means, by its enhanced status (RFC 3463): for the staff, and for the citizen."""

from __future__ import annotations

from dataclasses import dataclass

from portal.plugin_api import LazyText, lazy


@dataclass(frozen=True)
class Meaning:
    """One kind of failure."""

    reason: LazyText
    for_citizen: LazyText


UNKNOWN_ADDRESS = Meaning(
    lazy("The mail came back: there is no such e-mail address."),
    lazy(
        "The message came back: this e-mail address does not exist. Check each letter of it, and correct it."
    ),
)
UNKNOWN_DOMAIN = Meaning(
    lazy("The mail came back: what stands after the @ in the e-mail address does not exist."),
    lazy(
        "The message came back: what you wrote after the @ does not exist. Check it, and correct the address."
    ),
)
FULL = Meaning(
    lazy("The mail came back: the citizen’s mailbox is full."),
    lazy(
        "The message came back: your mailbox is full. Make room in it and give the address once more, or "
        "give another one."
    ),
)
REFUSED = Meaning(
    lazy("The mail came back: the citizen’s mail system does not accept our mails."),
    lazy(
        "The message came back: your e-mail provider did not accept it. Give another address, or choose "
        "another way."
    ),
)
OTHER = Meaning(
    lazy("The mail came back: the citizen’s mail system could not take it."),
    lazy("The message came back: it could not be delivered. Check the address, or choose another way."),
)

MEANINGS = {
    "1.1": UNKNOWN_ADDRESS,
    "1.3": UNKNOWN_ADDRESS,
    "1.6": UNKNOWN_ADDRESS,
    "1.10": UNKNOWN_DOMAIN,
    "1.2": UNKNOWN_DOMAIN,
    "4.4": UNKNOWN_DOMAIN,
    "2.1": UNKNOWN_ADDRESS,
    "2.2": FULL,
}
"""By subject and detail; the first digit says only whether it was final at once."""


def meaning_of(status: str) -> Meaning:
    """What people read about the failure."""
    _class, _, detail = status.partition(".")
    if detail.startswith("7."):
        return REFUSED
    return MEANINGS.get(detail, OTHER)
