"""Who may do what. Pure questions about a person and an object; pages ask, nobody else decides."""

from __future__ import annotations

from portal.appointments.models import Appointment
from portal.people.models import Membership, Person


def active_memberships(person: Person) -> list[Membership]:
    """The posts a person holds today."""
    return [m for m in person.memberships if m.active and m.office.active]


def may_see_own(person: Person, appointment: Appointment) -> bool:
    """A citizen sees his own appointments and nobody else's."""
    return appointment.citizen_id == person.id


def may_serve(person: Person, appointment: Appointment) -> bool:
    """The clerk of the appointment, a supervisor of its office, or an administrator."""
    if appointment.clerk_id == person.id:
        return bool(active_memberships(person))
    return any(
        m.role == "administrator" or (m.role == "supervisor" and m.office_id == appointment.office_id)
        for m in active_memberships(person)
    )


def may_see_office(person: Person, office_id: int) -> bool:
    """Staff see the day of the offices where they hold a post; an administrator sees all."""
    return any(m.role == "administrator" or m.office_id == office_id for m in active_memberships(person))


def may_supervise(person: Person, office_id: int) -> bool:
    """A supervisor plans the work of his own office, an administrator that of all."""
    return any(
        m.role == "administrator" or (m.role == "supervisor" and m.office_id == office_id)
        for m in active_memberships(person)
    )


def may_record_absence(person: Person, absent: Person) -> bool:
    """Everybody for himself; a supervisor for whoever holds a post in his office."""
    return person.id == absent.id or any(
        may_supervise(person, post.office_id) for post in active_memberships(absent)
    )
