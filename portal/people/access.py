"""Who may do what. Pure questions about a person and an object; pages ask, nobody else decides."""

from __future__ import annotations

from portal.appointments.models import Appointment
from portal.people.models import Membership, Person

AT_THE_COUNTER = frozenset({"clerk", "supervisor", "administrator"})
"""Roles of those who serve citizens; an interpreter takes part in a call and sees nothing of the counter."""


def active_memberships(person: Person) -> list[Membership]:
    """The posts a person holds today."""
    return [m for m in person.memberships if m.active and m.office.active]


def counter_posts(person: Person) -> list[Membership]:
    """The posts in which a person serves citizens today."""
    return [post for post in active_memberships(person) if post.role in AT_THE_COUNTER]


def may_see_own(person: Person, appointment: Appointment) -> bool:
    """A citizen sees his own appointments and nobody else's."""
    return appointment.citizen_id == person.id


def may_serve(person: Person, appointment: Appointment) -> bool:
    """The clerk or second clerk of the appointment, a supervisor of its office, or an administrator."""
    if person.id in (appointment.clerk_id, appointment.second_clerk_id):
        return bool(counter_posts(person))
    return may_supervise(person, appointment.office_id)


def may_see_office(person: Person, office_id: int) -> bool:
    """Staff handle the documents of the offices where they serve; an administrator those of all."""
    return any(m.role == "administrator" or m.office_id == office_id for m in counter_posts(person))


def may_supervise(person: Person, office_id: int) -> bool:
    """A supervisor plans the work of his own office, an administrator that of all."""
    return any(
        m.role == "administrator" or (m.role == "supervisor" and m.office_id == office_id)
        for m in active_memberships(person)
    )


def may_approve(person: Person, office_id: int, prepared_by: int) -> bool:
    """A second person of the office: its supervisor, or a clerk with that right; never who prepared it."""
    if person.id == prepared_by:
        return False
    right = any(post.approves and post.office_id == office_id for post in counter_posts(person))
    return right or may_supervise(person, office_id)


def may_settle(person: Person, office_id: int | None) -> bool:
    """Given-up work is settled by who supervises the office; without an office, by an administrator."""
    if office_id is not None:
        return may_supervise(person, office_id)
    return any(m.role == "administrator" for m in active_memberships(person))


def may_record_absence(person: Person, absent: Person) -> bool:
    """Everybody for himself; a supervisor for whoever holds a post in his office."""
    return person.id == absent.id or any(
        may_supervise(person, post.office_id) for post in active_memberships(absent)
    )
