"""Which office a page of the staff is about: their own ones, or one that an administrator searches.

Asked by the pages of the day, of booking, of absences and of planning. However many offices there are,
a page reads and shows a few.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask import abort
from sqlalchemy import select

from portal.db import db
from portal.offices import search
from portal.offices.models import Office, Service
from portal.people import access
from portal.people.access import AT_THE_COUNTER
from portal.people.models import Membership, Person, Skill

FEW = 20
"""So many offices stand in a list; among more one has to search."""
OVERSEEING = frozenset({"supervisor", "administrator"})


@dataclass(frozen=True)
class OfficeChoice:
    """The offices to choose from, and the one that is chosen."""

    offices: Sequence[Office]
    chosen: Office | None
    query: str = ""
    """What was typed to find an office."""
    searchable: bool = False
    """There are more offices than are shown."""

    @property
    def found_nothing(self) -> bool:
        return bool(self.query) and not self.offices


def choice(
    person: Person,
    key: str,
    query: str = "",
    roles: Collection[str] = OVERSEEING,
    service: Service | None = None,
) -> OfficeChoice:
    """The offices where the person has one of ``roles``: an administrator in all, the others in their own.

    ``key`` names the chosen one, if any; one that is not his is not found (404). With ``service`` a search
    finds only offices that give it.
    """
    own = [post.office for post in access.active_memberships(person) if post.role in roles]
    if not is_administrator(person):
        return OfficeChoice(own, _among(own, key))
    found = search.find(query, service, FEW + 1)
    many = len(found) > FEW
    shown = [] if many and not query else found[:FEW]
    return OfficeChoice(shown, _any_office(key), query, many or bool(query))


def is_administrator(person: Person) -> bool:
    """Whether all offices are the person's."""
    return any(post.role == "administrator" for post in access.active_memberships(person))


def own_office(person: Person, roles: Collection[str] = AT_THE_COUNTER) -> Office | None:
    """The first office in which the person has one of ``roles``."""
    return next((post.office for post in access.active_memberships(person) if post.role in roles), None)


def clerks_of(service: Service, office: Office) -> Sequence[Person]:
    """Who gives the service at the office."""
    query = (
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .join(Skill, Skill.membership_id == Membership.id)
        .where(
            Membership.office_id == office.id,
            Membership.active,
            Membership.role.in_(AT_THE_COUNTER),
            Skill.service_id == service.id,
        )
    )
    return db.session.scalars(query).all()


def _among(own: Sequence[Office], key: str) -> Office | None:
    if not key:
        return None
    return next((office for office in own if office.key == key), None) or abort(404)


def _any_office(key: str) -> Office | None:
    if not key:
        return None
    return db.session.scalar(select(Office).filter_by(key=key, active=True)) or abort(404)
