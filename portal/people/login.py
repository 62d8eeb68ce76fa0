"""Sign in and out through the chosen identity provider. The portal itself stores no password."""

from __future__ import annotations

import hmac
import secrets

import structlog
from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user, logout_user

from portal import security
from portal.db import transaction
from portal.i18n import current_language
from portal.people import lifecycle, visitor
from portal.people.visitor import Door, current_person
from portal.plugin_api import Identity, IdentityProvider, LoginRefused, ProviderFailure
from portal.providers import current_providers

log = structlog.get_logger()
blueprint = Blueprint("login", __name__)

KEPT_OVER_LOGIN = ("language", "hold")
"""What a session takes along into the login; everything else begins anew."""


def init_app(app: Flask) -> None:
    """Add the pages of the login."""
    app.register_blueprint(blueprint)


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
    if attempt is None or not _same(attempt["state"], request.args.get("state", "")):
        return render_template("login/failed.html", reason="state", door="citizens"), 400
    provider = _provider(attempt["door"])
    try:
        identity = provider.finish(attempt["kept"], request.args.to_dict())
    except LoginRefused:
        return render_template("login/failed.html", reason="refused", door=attempt["door"]), 403
    except ProviderFailure as failure:
        return _failed(attempt["door"], failure)
    _sign_in(provider.name, identity, attempt["door"])
    return redirect(attempt["next"] or flask_url_for(visitor.home()))


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


def _sign_in(provider: str, identity: Identity, door: Door) -> None:
    with transaction():
        person = lifecycle.recognise(provider, identity, current_language())
        person_id = person.id
    kept = {key: session[key] for key in KEPT_OVER_LOGIN if key in session}
    session.clear()
    session.update(kept, door=door, logout_hint=identity.logout_hint)
    login_user(visitor.load(str(person_id)))


def _provider(door: Door) -> IdentityProvider:
    providers = current_providers()
    return providers.identity_staff if door == "staff" else providers.identity_citizens


def _same(state: str, other: str) -> bool:
    return hmac.compare_digest(state.encode(), other.encode())


def _own_address() -> str:
    return current_app.config["PORTAL"].portal.base_url + flask_url_for("login.back")


def _failed(door: Door, failure: ProviderFailure) -> ResponseReturnValue:
    log.warning("login failed", door=door, failure=type(failure).__name__)
    return render_template("login/failed.html", reason="provider", door=door), 503
