"""How a person becomes known at login, and what follows from what the identity provider says of him.

Called by `people.login`, and by the demonstration for its invented citizens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update

from portal import audit, clock
from portal.db import db, must_be_writing
from portal.encryption import lookup_hashes, read_text, sealed_text
from portal.offices.models import Office
from portal.people.models import Account, LoginSession, Membership, Person
from portal.plugin_api import Door, Identity, StaffPost

log = structlog.get_logger()

LONGEST_NAME, LONGEST_EMAIL, LONGEST_PHONE = 100, 254, 20
"""Letters that the tables hold. A longer name is cut, a longer address or number is none."""

RANK = ("interpreter", "clerk", "supervisor", "administrator")
"""Of several roles in one office the highest holds."""


@dataclass(frozen=True)
class Recognised:
    """Who has come, and under which name he was known so far, if that has changed."""

    person: Person
    former_name: str = ""
    joined: tuple[Person, ...] = ()
    """Other rows that were this person too, and have just become part of this one."""


def recognise(door: Door, provider: str, identity: Identity, language: str) -> Recognised:
    """The person behind ``identity``, made known on the first visit.

    A citizen is found by his tax number whatever provider he comes through; a member of staff by his login
    in the catalogue, once, and from then on by what does not change at his provider. Names follow the
    registry at each login; contact data that the person typed himself stays.
    """
    must_be_writing()
    account = _account_of(door, provider, identity)
    twins = _with_tax_number(identity.tax_number)[1:] if door == "citizens" else []
    person = _person_of(account, door, provider, identity) or Person(language=language)
    if account is None:
        account = Account(door=door, provider=provider, subject=identity.subject)
        db.session.add(account)
    account.person, account.last_login_at = person, clock.now()
    former_name = person.name if person.id else ""
    for twin in twins:
        _join(person, twin)
    _take_over(person, identity, door)
    db.session.flush()
    return Recognised(person, former_name if former_name not in ("", person.name) else "", tuple(twins))


def tax_number_of(person: Person) -> str:
    """The number in the clear; empty when none is known, or none of today's keys opens it."""
    return read_text(person.tax_number_encrypted)


def follow_posts(person: Person, posts: tuple[StaffPost, ...]) -> None:
    """Let the person hold exactly the posts that the identity provider grants; the others rest."""
    must_be_writing()
    wanted = _roles_by_office(posts)
    held = {post.office_id: post for post in person.memberships}
    for office_id, role in wanted.items():
        post = held.get(office_id) or Membership(person=person, office_id=office_id)
        if not post.active or post.role != role:
            post.active, post.role = True, role
            audit.record(person.id, "post granted", f"person:{person.id}", office=office_id, role=role)
        db.session.add(post)
    for office_id, post in held.items():
        if post.active and office_id not in wanted:
            post.active = False
            audit.record(person.id, "post withdrawn", f"person:{person.id}", office=office_id, role=post.role)
    db.session.flush()


def keep_contact(person: Person, email: str, phone: str, address: Mapping[str, str]) -> None:
    """Keep what the person typed for his next visit; he has agreed to that just now."""
    must_be_writing()
    person.email, person.phone, person.address = email, phone, dict(address)
    person.contact_kept_at = clock.now()


def forget_contact(person: Person) -> None:
    """Keep nothing that the person typed. His appointments have their own copy, which they need."""
    must_be_writing()
    person.email, person.phone, person.address, person.contact_kept_at = "", "", {}, None


def _person_of(account: Account | None, door: Door, provider: str, identity: Identity) -> Person | None:
    if door == "staff":
        if account and account.person.login:
            return account.person
        # He may have come before the catalogue listed him.
        return _listed(provider, identity) or (account.person if account else None)
    same = _with_tax_number(identity.tax_number)
    if same or account is None:
        return same[0] if same else None
    # The number leads: an account that now belongs to another number belongs to another person.
    known = tax_number_of(account.person)
    return None if known and identity.tax_number not in ("", known) else account.person


def _account_of(door: Door, provider: str, identity: Identity) -> Account | None:
    """The account with this subject, which may still bear the name that it had under a former secret key."""
    names = (identity.subject, *identity.former_subjects)
    known = select(Account).filter_by(door=door, provider=provider).where(Account.subject.in_(names))
    found = {account.subject: account for account in db.session.scalars(known)}
    account = next((found[name] for name in names if name in found), None)
    if account:
        account.subject = identity.subject
    return account


def _with_tax_number(number: str) -> list[Person]:
    """The rows of this number, oldest first. It is one, unless a secret key was away for a while."""
    if not number:
        return []
    same = select(Person).where(Person.tax_number_hash.in_(lookup_hashes(number)))
    return list(db.session.scalars(same.order_by(Person.id)))


def _join(person: Person, twin: Person) -> None:
    """Two rows turn out to be one person: the older one stays, and gets accounts and logins of the other."""
    for table in (Account, LoginSession):
        theirs = update(table).where(table.person_id == twin.id)
        db.session.execute(theirs.values(person_id=person.id))
    twin.tax_number_encrypted, twin.tax_number_hash = "", None
    forget_contact(twin)
    # Before the older row gets the hash that the other one has had.
    db.session.flush()
    audit.record(person.id, "rows joined", f"person:{person.id}", other=twin.id)
    log.warning("two rows of one tax number joined", person=person.id, other=twin.id)


def _listed(provider: str, identity: Identity) -> Person | None:
    """Whom the catalogue lists under this login, unless somebody else has logged in as him already.

    A directory may give the name of somebody who has left to a newcomer. And one that knows posts but grants
    none says that this is no member of staff, whatever he calls himself.
    """
    if not identity.username or identity.posts == ():
        return None
    person = db.session.scalar(select(Person).filter_by(login=identity.username))
    if person is None:
        return None
    if any(other.door == "staff" and other.provider == provider for other in person.accounts):
        log.warning("login of the catalogue belongs to another account", person=person.id, provider=provider)
        return None
    return person


def _take_over(person: Person, identity: Identity, door: Door) -> None:
    person.first_name = identity.first_name[:LONGEST_NAME] or person.first_name or ""
    person.last_name = identity.last_name[:LONGEST_NAME] or person.last_name or ""
    person.fathers_name = identity.fathers_name[:LONGEST_NAME] or person.fathers_name or ""
    person.birth_year = identity.birth_year or person.birth_year
    if person.contact_kept_at is None:
        email = identity.email if len(identity.email) <= LONGEST_EMAIL else ""
        phone = identity.phone if len(identity.phone) <= LONGEST_PHONE else ""
        person.email, person.phone = email or person.email or "", phone or person.phone or ""
    if identity.tax_number and door == "citizens":
        person.tax_number_encrypted = sealed_text(identity.tax_number)
        person.tax_number_hash = lookup_hashes(identity.tax_number)[0]


def _roles_by_office(posts: tuple[StaffPost, ...]) -> dict[int, str]:
    """Office and role of each post; an administrator of the whole municipality sits in its first office."""
    offices = {office.key: office.id for office in db.session.scalars(select(Office).filter_by(active=True))}
    first = min(offices.values(), default=None)
    wanted: dict[int, str] = {}
    for post in posts:
        office_id = offices.get(post.office) if post.office else first
        if office_id is None or (post.role != "administrator" and not post.office):
            log.warning("post without an office of the catalogue", role=post.role, office=post.office)
        elif RANK.index(post.role) >= RANK.index(wanted.get(office_id, RANK[0])):
            wanted[office_id] = post.role
    return wanted
