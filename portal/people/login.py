"""Sign in and out through the chosen identity provider. The portal itself stores no password."""

from __future__ import annotations

import hmac
import secrets
from typing import Literal

import structlog
from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from portal import security
from portal.db import db, transaction
from portal.i18n import current_language
from portal.people import access, lifecycle
from portal.people.models import Person
from portal.plugin_api import Identity, IdentityProvider, LoginRefused, ProviderFailure
from portal.providers import current_providers

Door = Literal["citizens", "staff"]

log = structlog.get_logger()
blueprint = Blueprint("login", __name__)

KEPT_OVER_LOGIN = ("language", "hold")
"""What a session takes along into the login; everything else begins anew."""


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
    manager.user_loader(_load)
    manager.init_app(app)
    app.context_processor(lambda: {"current_person": current_person, "is_staff": is_staff})
    app.register_blueprint(blueprint)


def current_person() -> Person | None:
    """Whoever has logged in, or None."""
    return current_user.person if current_user and current_user.is_authenticated else None


def the_person() -> Person:
    """Whoever has logged in, in a view whose access mark guarantees somebody."""
    person = current_person()
    if person is None:
        abort(401)
    return person


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
    """True for whoever came through the staff's door and holds a post."""
    return bool(active_roles())


@blueprint.get("/login", defaults={"door": "citizens"})
@blueprint.get("/login/<any(citizens, staff):door>")
@security.limiter.limit("30 per minute")
@security.public
def begin(door: Door) -> ResponseReturnValue:
    """Send the browser to the identity provider of this door."""
    provider = _provider(door)
    state = secrets.token_urlsafe(24)
    try:
        start = provider.start(_own_address(), state, current_language(), door)
    except ProviderFailure as failure:
        return _failed(door, failure)
    session["login"] = {
        "door": door,
        "state": state,
        "kept": dict(start.kept),
        "next": security.safe_next(request.args.get("next")),
    }
    return redirect(start.url)


@blueprint.get("/login/back")
@security.limiter.limit("30 per minute")
@security.public
def back() -> ResponseReturnValue:
    """The browser is back from the identity provider."""
    attempt = session.pop("login", None)
    if attempt is None or not hmac.compare_digest(attempt["state"], request.args.get("state", "")):
        return render_template("login/failed.html", reason="state", door="citizens"), 400
    provider = _provider(attempt["door"])
    try:
        identity = provider.finish(attempt["kept"], request.args.to_dict())
    except LoginRefused:
        return render_template("login/failed.html", reason="refused", door=attempt["door"]), 403
    except ProviderFailure as failure:
        return _failed(attempt["door"], failure)
    _sign_in(provider.name, identity, attempt["door"])
    home = "staff.day" if is_staff() else "citizen.mine"
    return redirect(attempt["next"] or flask_url_for(home))


@blueprint.post("/logout")
@security.public
def out() -> ResponseReturnValue:
    """End the session here and, if the provider has one, there."""
    door, hint = session.get("door", "citizens"), session.get("logout_hint", "")
    person = current_person()
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language
    flash(_("You have logged out."), "success")
    home = current_app.config["PORTAL"].portal.base_url + flask_url_for("pages.home")
    if person is None:
        return redirect(home)
    identity = Identity(subject=person.subject, logout_hint=hint)
    return redirect(_provider(door).logout_url(identity, home) or home)


def _load(number: str) -> Visitor | None:
    person = db.session.get(Person, int(number))
    return Visitor(person) if person else None


def _sign_in(provider: str, identity: Identity, door: Door) -> None:
    with transaction():
        person = lifecycle.recognise(provider, identity, current_language())
        person_id = person.id
    kept = {key: session[key] for key in KEPT_OVER_LOGIN if key in session}
    session.clear()
    session.update(kept, door=door, logout_hint=identity.logout_hint)
    visitor = _load(str(person_id))
    login_user(visitor)


def _provider(door: Door) -> IdentityProvider:
    providers = current_providers()
    return providers.identity_staff if door == "staff" else providers.identity_citizens


def _own_address() -> str:
    return current_app.config["PORTAL"].portal.base_url + flask_url_for("login.back")


def _failed(door: Door, failure: ProviderFailure) -> ResponseReturnValue:
    log.warning("login failed", door=door, failure=type(failure).__name__)
    return render_template("login/failed.html", reason="provider", door=door), 503
