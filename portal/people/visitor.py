"""Who is at the counter: the login of this browser, the person behind it, and the door he came through."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from flask import Flask, abort, current_app, request, session
from flask_login import LoginManager, UserMixin, current_user

from portal import clock
from portal.config import SessionRules
from portal.db import db, transaction
from portal.people import access, sessions
from portal.people.models import LoginSession, Person
from portal.plugin_api import Door

QUIET = "X-Quiet"
"""Header of requests that a page makes by itself; they do not count as somebody being there."""
NOTED_EVERY = 30
"""Seconds: the cookie is not written anew for each request."""


class Visitor(UserMixin):
    """Flask-Login's view of a running login."""

    def __init__(self, row: LoginSession) -> None:
        self.row = row
        self.person = row.person

    def get_id(self) -> str:
        return self.row.key


def init_app(app: Flask) -> None:
    """Let Flask-Login find the login by its key in the cookie; end it when nobody is there any more."""
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(load)
    manager.init_app(app)
    app.before_request(_note_presence)
    app.context_processor(
        lambda: {
            "came_through": came_through,
            "current_person": current_person,
            "is_interpreter": is_interpreter,
            "is_staff": is_staff,
            "may_supervise": may_supervise,
            "can_stay": can_stay,
            "seconds_left": seconds_left,
            "session_rules": app.config["PORTAL"].sessions,
        }
    )


def load(key: str) -> Visitor | None:
    """The visitor whose login has this key, or None when it has ended."""
    row = sessions.running(key)
    if row is None or _idle_left(row) <= timedelta():
        return None
    return Visitor(row)


def current_person() -> Person | None:
    """Whoever has logged in, or None."""
    return current_user.person if current_user and current_user.is_authenticated else None


def current_login() -> LoginSession | None:
    """The running login, or None."""
    return current_user.row if current_user and current_user.is_authenticated else None


def former_login() -> LoginSession | None:
    """The login that this browser had and that has ended by itself; the identity server's may live on."""
    if current_login() is not None:
        return None
    return db.session.get(LoginSession, session.get("_user_id", ""))


def the_person() -> Person:
    """Whoever has logged in, in a view whose access mark guarantees somebody."""
    return current_person() or abort(401)


def current_citizen() -> Person | None:
    """Whoever came through the citizens' door. A colleague's own appointments stay out of his work."""
    return current_person() if came_through() == "citizens" else None


def came_through() -> Door | None:
    """The door of the present login. The citizens' door never grants a staff role."""
    row = current_login()
    return ("staff" if row.door == "staff" else "citizens") if row else None


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


def seconds_left() -> int:
    """Until the present login ends, if nothing more is done; 0 only when it has ended."""
    row = current_login()
    left = min(_idle_left(row), row.ends_at - clock.now()) if row else timedelta()
    return max(0, math.ceil(left.total_seconds()))


def can_stay() -> bool:
    """False when the login ends however busy one is."""
    row = current_login()
    return row is not None and _idle_left(row) <= row.ends_at - clock.now()


def note_presence() -> None:
    """Somebody is there: the time without a page or a press begins anew."""
    session["seen"] = int(clock.now().timestamp())


def _note_presence() -> None:
    """Before each request that somebody made himself."""
    if "_user_id" not in session or request.endpoint == "static" or QUIET in request.headers:
        return
    if current_login() is not None:
        if clock.now().timestamp() - session.get("seen", 0) >= NOTED_EVERY:
            note_presence()
    elif session.get("seen"):
        # Ended for good, so that a cookie which somebody has copied does not begin to live again.
        session.pop("seen")
        _end(session["_user_id"])


def _end(key: str) -> None:
    with transaction():
        row = sessions.running(key)
        if row:
            sessions.lapse(row)


def _idle_left(row: LoginSession) -> timedelta:
    rules: SessionRules = current_app.config["PORTAL"].sessions
    last = datetime.fromtimestamp(session.get("seen", 0), UTC)
    return last + rules.idle(row.door) - clock.now()
