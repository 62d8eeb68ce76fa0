"""The heaps of the delivery desk: what waits where, by way and by age, oldest first, a page at a time.

A document stands where its newest attempt to deliver stands; before it is issued, where its case stands.
One question counts everything, and one fetches the rows of each heap that is not empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.appointments.models import Appointment
from portal.db import db
from portal.documents.models import Delivery, DocumentRequest
from portal.documents.papers.lifecycle import OPEN
from portal.offices.models import Office
from portal.people import access
from portal.people.models import Person

AT_FIRST = 10
"""So many entries of a heap stand on the desk; the rest are on pages of the heap alone."""
ON_A_PAGE = 50
LATELY = timedelta(days=7)

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True)
class Tray:
    """One heap of the desk, and the states that lie on it."""

    name: str
    title: LazyString
    states: tuple[str, ...]


TRAYS = (
    Tray("problem", _l("Needs attention"), ("uncollected", "failed", "returned", "cancelled")),
    Tray("review", _l("Papers to be looked at"), ("in_review",)),
    Tray("owed", _l("To be issued"), ("to_issue",)),
    Tray("approval", _l("Waiting for approval or the seal"), ("to_approve", "to_seal")),
    Tray("ready", _l("Ready to be handed over"), ("prepared",)),
    Tray("papers", _l("Waiting for citizens’ papers"), ("needs_papers",)),
    Tray("away", _l("On their way"), ("waiting", "sent")),
    Tray("arrived", _l("Recently received"), ("delivered",)),
)
"""What the office must do comes first, then what others must do."""


@dataclass(frozen=True)
class Sieve:
    """What the clerk wants to see. It stands in the address."""

    way: str = ""
    office: int | None = None
    tray: str = ""
    page: int = 1

    def with_only(self, **changes: Any) -> dict[str, Any]:
        """The same in an address, with some of it changed; what is empty is left out."""
        values = {"way": self.way, "office": self.office, "tray": self.tray, **changes}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class Heap:
    """The part of a tray that is shown."""

    tray: Tray
    rows: list[DocumentRequest]
    count: int
    by_way: Mapping[str, tuple[int, datetime]]
    """For each way how many wait, and since when the oldest does."""
    pages: int = 1


def sieve_of(given: Mapping[str, str]) -> Sieve:
    """The sieve in an address; what cannot be meant counts as not said."""
    office, page = given.get("office", ""), given.get("page", "")
    return Sieve(
        way=given.get("way", "")[:30],
        office=int(office) if office.isdecimal() and len(office) < 9 else None,
        tray=given.get("tray", "") if given.get("tray") in {tray.name for tray in TRAYS} else "",
        page=max(1, int(page)) if page.isdecimal() and len(page) < 6 else 1,
    )


def heaps(person: Person, sieve: Sieve) -> tuple[list[Heap], list[Tray]]:
    """The trays in which something lies, and those in which nothing does."""
    counted = _counted(person, sieve)
    wanted = [tray for tray in TRAYS if sieve.tray in ("", tray.name)]
    full = [_heap(person, sieve, tray, counted[tray.name]) for tray in wanted if counted[tray.name]]
    return full, [tray for tray in wanted if not counted[tray.name]]


def offices_of(person: Person) -> list[Office]:
    """The offices between which the person may choose."""
    posts = access.counter_posts(person)
    offices = select(Office).where(Office.active).order_by(Office.id)
    if not any(post.role == "administrator" for post in posts):
        offices = offices.where(Office.id.in_([post.office_id for post in posts]))
    return list(db.session.scalars(offices))


def within_reach(query: S, person: Person) -> S:
    """Narrow to the offices in which the person serves; an administrator sees all."""
    posts = access.counter_posts(person)
    if any(post.role == "administrator" for post in posts):
        return query
    return query.where(Appointment.office_id.in_([post.office_id for post in posts]))


def with_all_of_it(query: S) -> S:
    """Fetch with the documents what the desk shows of each, a question for each kind and not for each row."""
    return query.options(
        joinedload(DocumentRequest.appointment).options(
            joinedload(Appointment.service),
            joinedload(Appointment.office),
            joinedload(Appointment.clerk),
            joinedload(Appointment.served),
        ),
        selectinload(DocumentRequest.deliveries),
        selectinload(DocumentRequest.document),
        selectinload(DocumentRequest.prepared),
    )


def age_in_words(since: datetime, zone: str) -> str:
    """How long ago something came where it stands, in days of the office's calendar."""
    days = (_day(clock.now(), zone) - _day(since, zone)).days
    if days <= 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    return ngettext("%(num)s day ago", "%(num)s days ago", days)


def waiting_since(wanted: DocumentRequest) -> datetime:
    """Since when a document stands where it stands."""
    if wanted.state in ("issued", "completed") and wanted.deliveries:
        return wanted.deliveries[-1].changed_at
    return wanted.created_at


def _day(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


_NEWEST = (
    select(func.max(Delivery.id))
    .where(Delivery.request_id == DocumentRequest.id)
    .correlate(DocumentRequest)
    .scalar_subquery()
)
_STANDS = case(
    (DocumentRequest.state == "completed", "delivered"),
    (DocumentRequest.state == "issued", Delivery.state),
    else_=DocumentRequest.state,
)
_WAY: ColumnElement[str] = case(
    (DocumentRequest.state.in_(OPEN), Appointment.delivery), else_=Delivery.provider
)
_SINCE = case((DocumentRequest.state.in_(OPEN), DocumentRequest.created_at), else_=Delivery.changed_at)


def _sifted(query: S, person: Person, sieve: Sieve) -> S:
    """The documents that the person may see and wants to see."""
    query = within_reach(
        query.select_from(DocumentRequest)
        .join(DocumentRequest.appointment)
        .outerjoin(Delivery, Delivery.id == _NEWEST)
        .where(or_(DocumentRequest.state.in_([*OPEN, "issued"]), _arrived_lately())),
        person,
    )
    if sieve.office is not None:
        query = query.where(Appointment.office_id == sieve.office)
    return query.where(_WAY.in_([sieve.way])) if sieve.way else query


def _arrived_lately() -> ColumnElement[bool]:
    """Found from the attempts, so that the years before need not be looked at."""
    lately = select(Delivery.request_id).where(
        Delivery.state == "delivered", Delivery.changed_at > clock.now() - LATELY
    )
    return and_(DocumentRequest.state == "completed", DocumentRequest.id.in_(lately))


def _counted(person: Person, sieve: Sieve) -> dict[str, dict[str, tuple[int, datetime]]]:
    """How much lies on each tray, by way."""
    trays = {state: tray.name for tray in TRAYS for state in tray.states}
    found: dict[str, dict[str, tuple[int, datetime]]] = {tray.name: {} for tray in TRAYS}
    counting = select(_STANDS, _WAY, func.count(), func.min(_SINCE)).group_by(_STANDS, _WAY)
    for state, way, count, oldest in db.session.execute(_sifted(counting, person, sieve)):
        ways = found[trays[state]]
        before, since = ways.get(way, (0, oldest))
        ways[way] = (before + count, min(since, oldest))
    return found


def _heap(person: Person, sieve: Sieve, tray: Tray, by_way: dict[str, tuple[int, datetime]]) -> Heap:
    count = sum(number for number, _oldest in by_way.values())
    shown = ON_A_PAGE if sieve.tray else AT_FIRST
    pages = -(-count // ON_A_PAGE)
    skipped = (min(sieve.page, pages) - 1) * ON_A_PAGE if sieve.tray else 0
    # What has arrived is looked at to see what was done last; everything else in the order of its age.
    order = _SINCE.desc() if tray.name == "arrived" else _SINCE
    rows = _sifted(with_all_of_it(select(DocumentRequest)), person, sieve).where(_STANDS.in_(tray.states))
    fetched = db.session.scalars(rows.order_by(order, DocumentRequest.id).offset(skipped).limit(shown))
    return Heap(tray, list(fetched), count, by_way, pages)
