"""Who is at the counter: the person of this session, and through which door he came."""

from __future__ import annotations

from typing import Literal

from flask import Flask, abort, session
from flask_login import LoginManager, UserMixin, current_user

from portal.db import db
from portal.people import access
from portal.people.models import Person

Door = Literal["citizens", "staff"]


class Visitor(UserMixin):
    """Flask-Login's view of a person."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def get_id(self) -> str:
        return str(self.person.id)


def init_app(app: Flask) -> None:
    """Let Flask-Login find people by the number in the session."""
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(load)
    manager.init_app(app)
    app.context_processor(
        lambda: {
            "current_person": current_person,
            "is_interpreter": is_interpreter,
            "is_staff": is_staff,
            "may_supervise": may_supervise,
        }
    )


def load(number: str) -> Visitor | None:
    """The visitor with this number of a person, or None."""
    person = db.session.get(Person, int(number))
    return Visitor(person) if person else None


def current_person() -> Person | None:
    """Whoever has logged in, or None."""
    return current_user.person if current_user and current_user.is_authenticated else None


def the_person() -> Person:
    """Whoever has logged in, in a view whose access mark guarantees somebody."""
    return current_person() or abort(401)


def current_citizen() -> Person | None:
    """Whoever came through the citizens' door. A colleague's own appointments stay out of his work."""
    return current_person() if came_through() == "citizens" else None


def came_through() -> Door | None:
    """The door of the present login. The citizens' door never grants a staff role."""
    return session.get("door")


def active_roles() -> set[str]:
    """Staff roles of whoever came through the staff's door."""
    person = current_person()
    if person is None or came_through() != "staff":
        return set()
    return {membership.role for membership in access.active_memberships(person)}


def is_staff() -> bool:
    """True for whoever came through the staff's door and serves citizens."""
    return bool(active_roles() & access.AT_THE_COUNTER)


def is_interpreter() -> bool:
    """True for an interpreter of the roster who came through the staff's door."""
    return "interpreter" in active_roles()


def home() -> str:
    """The endpoint of the page at which the work, or the visit, of this visitor begins."""
    if came_through() == "citizens":
        return "citizen.mine"
    return "interpreting.mine" if is_interpreter() and not is_staff() else "staff.day"


def may_supervise() -> bool:
    """True for supervisors and administrators who came through the staff's door."""
    return bool(active_roles() & {"supervisor", "administrator"})
