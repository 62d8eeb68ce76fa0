"""Contract of a delivery provider: one parcel to one recipient, with a receipt that says how far it got."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Literal

from .errors import NumberRefused
from .texts import LazyText
from .trial import Finding

ReceiptState = Literal["prepared", "sent", "delivered"]
TrackingState = Literal["prepared", "sent", "delivered", "returned", "failed"]


class RecipientField(StrEnum):
    """What a way of delivery needs to know. The core draws, checks and translates the fields."""

    EMAIL = "email"
    PHONE = "phone"
    POSTAL_ADDRESS = "postal_address"
    PICKUP_POINT = "pickup_point"
    ATTACHMENT_WISH = "attachment_wish"


@dataclass(frozen=True)
class PostalAddress:
    """A Greek postal address; ``postal_code`` has five digits."""

    street: str
    number: str
    postal_code: str
    town: str


@dataclass(frozen=True)
class PickupPoint:
    """A place of the carrier where a recipient collects his parcel.

    ``code``, at most 20 characters, is the carrier's own; ``postal_code`` has five digits. The texts are
    the carrier's, in Greek; those in English may be empty, and so may phone and hours.
    """

    code: str
    title: str
    address: str
    town: str
    postal_code: str
    title_en: str = ""
    address_en: str = ""
    town_en: str = ""
    phone: str = ""
    weekdays: str = ""
    """When it is open, as the carrier writes it: ``09:00-17:00``."""
    saturday: str = ""
    sunday: str = ""


@dataclass(frozen=True)
class Recipient:
    """Snapshot of the recipient at the time of sending; fields that were not needed are None."""

    name: str
    language: str
    email: str | None = None
    phone: str | None = None
    address: PostalAddress | None = None
    pickup_point: PickupPoint | None = None
    wants_attachment: bool = False


@dataclass(frozen=True)
class Document:
    """The issued document: facts and a way to read it. Never a path, never a row."""

    filename: str
    media_type: str
    size: int
    sha256: str
    open: Callable[[], BinaryIO] = field(repr=False)


@dataclass(frozen=True)
class Counter:
    """The issuing office for whoever comes there, in the recipient's language.

    ``closed`` names the days from now on on which it is closed, as far as they matter to the recipient.
    """

    address: str
    opening: str
    phone: str
    closed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parcel:
    """One document to one recipient.

    ``key`` is unique for this attempt (at most 30 characters of ``A-Z a-z 0-9 -``): the same key sent
    twice must have one effect. ``page_url`` is the portal's own page where the document can be read
    after proof of identity, until ``expires_at`` (UTC). ``office`` is the issuing office's name.
    ``kept_until`` is the last day on which it lies ready there, for ways with `kept_for`.
    """

    key: str
    title: str
    office: str
    recipient: Recipient = field(repr=False)
    document: Document
    page_url: str = field(repr=False)
    expires_at: datetime
    counter: Counter | None = None
    kept_until: date | None = None


@dataclass(frozen=True)
class Receipt:
    """How far one ``send`` got. ``data`` is the provider's own, kept by the core as JSON."""

    reference: str
    state: ReceiptState
    code: str | None = None
    """A code which the recipient must show, if this way of delivery has one."""
    tracking_url: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    number_missing: bool = False
    """The carrier's number is not known here: staff read it from the parcel and type it."""


@dataclass(frozen=True)
class Label:
    """A paper to print and stick on the parcel."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class Tracking:
    """News about a parcel. ``state`` None means nothing new; ``at`` is UTC.

    ``text`` is what the carrier itself says, in its own words; staff and citizen read it.
    ``reason`` and ``for_citizen`` are our own words for a failure, and may be empty: ``reason`` is for staff
    and tells nothing personal, ``for_citizen`` is a translated sentence which says what the citizen can do.
    """

    state: TrackingState | None = None
    at: datetime | None = None
    text: str = ""
    reason: LazyText = ""
    for_citizen: str = ""


class DeliveryProvider(ABC):
    """Brings an issued document to its recipient by one way. All methods run in a worker."""

    name: str
    title: LazyText
    timeout: int = 30
    needs: frozenset[RecipientField] = frozenset()
    has_labels: bool = False
    """`label` has a paper for each parcel; the core prints them together, with a list for the carrier."""
    can_call_back: bool = False
    """`cancel` can work; the core offers it to staff, and asks for what was called off here."""
    settles_after: timedelta = timedelta()
    """After a call of `send` that ended unclearly the outside may still take the parcel for so long; until
    then it is neither looked up nor sent again."""
    news_every: timedelta | None = None
    """How often `track` is asked while the parcel is under way. None: never."""
    news_for: timedelta | None = None
    """How long after the beginning news are asked for. None: twice ``overdue_after``, or for ever."""
    overdue_after: timedelta | None = None
    """A parcel that has not arrived so long after its last step needs somebody's attention. None: never."""
    kept_in_portal: bool = False
    """The document lies in the portal behind its owner's login; `send` only tells him that one waits.

    Its receipt says ``sent``; when he opens it, the core makes ``delivered`` of that.
    """
    kept_for: timedelta | None = None
    """So many days a parcel lies ready to be collected; then staff and recipient are told. None: no limit."""
    remind_after: timedelta | None = None
    """The recipient is reminded, once, of what has not reached him so long after `send`. None: never.

    With `kept_for` the portal itself mails the reminder of what lies ready; else `remind` is asked for it.
    """

    def points(self) -> Sequence[PickupPoint]:
        """All points at which a parcel can be collected now, each code once.

        Demanded of a way that needs `RecipientField.PICKUP_POINT`, and asked once a day; the core keeps the
        list and lets people choose. Raises a ``ProviderFailure`` when the list cannot be had. Default: none.
        """
        return ()

    def objection(self, recipient: Recipient) -> str:
        """Pure: why this way cannot reach the recipient, in words for him; empty when it can.

        Asked in pages before anything is sent.
        """
        return ""

    @abstractmethod
    def send(self, parcel: Parcel) -> Receipt:
        """Hand the parcel over. Same key, one effect, and the same receipt or one without the number."""

    def find(self, key: str) -> Receipt | None:
        """Look a parcel up by our key; asked before every repeat. Default: cannot be looked up."""
        return None

    def accept_number(self, receipt: Receipt, typed: str) -> Receipt:
        """Pure: the receipt with the carrier's number that staff typed, and how far the parcel is then.

        Raises NumberRefused. Default: this way has no numbers.
        """
        raise NumberRefused("")

    def label(self, receipt: Receipt) -> Label | None:
        """A paper to print. Default: none."""
        return None

    def remind(self, parcel: Parcel) -> None:  # noqa: B027 - most providers have nobody to remind
        """Tell the recipient once more. Same key, one effect. Default: nobody is reminded."""

    def track(self, receipt: Receipt) -> Tracking:
        """Ask for news. Default: nothing to track."""
        return Tracking()

    def cancel(self, receipt: Receipt) -> bool:
        """Call the parcel back; True when nothing of it is delivered any more, also because it was called
        back before. Asked only with `can_call_back`. Default: cannot be called back.
        """
        return False

    @abstractmethod
    def check(self) -> None:
        """Raise a ``ProviderFailure`` when the outside system cannot be used."""

    def try_out(self) -> list[Finding]:
        """Try as much as can be tried without sending anything to a citizen. Default: what `check` says."""
        self.check()
        return [Finding("the way of delivery can be used")]

    def try_send(self, to: str) -> list[Finding]:
        """Send something to the administrator's own address ``to``. Default: nothing can be sent so."""
        return []

    def forget(self, receipt: Receipt) -> None:  # noqa: B027 - most providers keep nothing
        """Erase personal data kept outside about this parcel. Default: nothing is kept."""
