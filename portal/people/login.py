"""Sign in and out through the chosen identity provider. The portal itself stores no password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user, logout_user
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import Headers

from portal import audit, security
from portal.config import Config
from portal.db import db, transaction
from portal.i18n import current_language
from portal.offices.search import searchable
from portal.people import lifecycle, login_attempts, sessions, visitor
from portal.people.lifecycle import Recognised
from portal.people.login_attempts import Attempt
from portal.people.models import LoginSession
from portal.people.neighbours import HeldTime, neighbours
from portal.people.visitor import current_login
from portal.plugin_api import (
    ConfigurationFailure,
    Door,
    Identity,
    IdentityProvider,
    LoginRefused,
    ProviderFailure,
)
from portal.providers import current_providers

log = structlog.get_logger()
blueprint = Blueprint("login", __name__)

KEPT_OVER_LOGIN = ("language", "hold", "hold_of", "kept_form", "logins")
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
    next_page = security.safe_next(request.args.get("next"))
    if visitor.former_login() and "go" not in request.args:
        # The identity server may take whoever sits there now for the one who left; the page says what to do.
        return redirect(flask_url_for("login.first", door=door, next=next_page))
    provider = _provider(door)
    attempt = login_attempts.begin(door, provider.name, next_page)
    try:
        start = provider.start(_own_address(), attempt.state, current_language(), door)
    except ProviderFailure as failure:
        return _failed(attempt, failure)
    login_attempts.keep(attempt, start.kept)
    return redirect(start.url)


@blueprint.get("/login/<any(citizens, staff):door>/first")
@security.public
def first(door: Door) -> ResponseReturnValue:
    """Say that logging in comes next, and what is kept meanwhile; for whoever has just sent a form."""
    return render_template(
        "login/first.html",
        door=door,
        provider=_provider(door).title,
        next_page=security.safe_next(request.args.get("next")),
        logged_out=visitor.former_login() is not None,
        kept=request.args.get("kept") == "1",
        held=_held(),
    )


@blueprint.get("/login/back")
@security.limiter.limit("30 per minute")
@security.public
def back() -> ResponseReturnValue:
    """The browser is back from the identity provider."""
    attempt = login_attempts.take(request.args.get("state", ""))
    if attempt is None:
        return _explained("state", "citizens", None, 400)
    if attempt.took_too_long:
        return _explained("expired", attempt.door, attempt.next, 400)
    provider = _provider(attempt.door)
    if provider.name != attempt.provider:
        return _explained("state", attempt.door, attempt.next, 400)
    # Reading opened a connection; a slow identity server shall not keep it from others.
    db.session.rollback()
    try:
        identity = provider.finish(attempt.kept, request.args.to_dict())
    except ProviderFailure as failure:
        return _failed(attempt, failure)
    _sign_in(provider.name, identity, attempt.door)
    return redirect(attempt.next or flask_url_for(visitor.home()))


@blueprint.post("/logout")
@security.public
def out() -> ResponseReturnValue:
    """End the session here and, if the provider has one, there: the next one at this computer is another."""
    row = current_login() or visitor.former_login()
    way = _way_out(row) if row else _way_out_of_nobody(request.form.get("door"))
    if row:
        with transaction():
            sessions.end(row)
            audit.record(row.person_id, "logged out", f"person:{row.person_id}", door=row.door)
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language
    flash(_("You have logged out."), "success")
    if way is None:
        return redirect(flask_url_for("pages.home"))
    if way.fields:
        security.let_form_leave(way.url)
        return render_template("login/out.html", way=way)
    # A redirect after a form may not leave this site (form-action); the header may.
    return render_template("login/out.html", way=way), Headers({"Refresh": f"0; url={way.url}"})


@blueprint.post("/session")
@security.logged_in
def stay() -> ResponseReturnValue:
    """Somebody is there and wants to stay logged in."""
    visitor.note_presence()
    return {"seconds": visitor.seconds_left(), "can_stay": visitor.can_stay()}


@blueprint.get("/session")
@security.public
def left() -> ResponseReturnValue:
    """For how many seconds the login still lasts, as pages in other windows may have extended it."""
    return {"seconds": visitor.seconds_left(), "can_stay": visitor.can_stay()}


def _sign_in(provider: str, identity: Identity, door: Door) -> None:
    former = current_login()
    before = former or visitor.former_login()
    before_id = before.person_id if before else None
    try:
        recognised, row = _begin_session(provider, identity, door, former)
    except IntegrityError:
        # The same person's first login happened twice at the same moment; now he is known.
        recognised, row = _begin_session(provider, identity, door, former)
    person = recognised.person
    # Pages that the same person left open in other windows go on working: they carry his form token.
    names = (*KEPT_OVER_LOGIN, "csrf_token") if before_id == person.id else KEPT_OVER_LOGIN
    kept = {key: session[key] for key in names if key in session}
    session.clear()
    session.update(kept, just_logged_in=True)
    held = neighbours().held_time(kept.get("hold"))
    if held and _owner(held) not in (None, person.id):
        session.pop("hold")
    if "hold" in session:
        session["hold_of"] = [session["hold"], person.id]
    visitor.note_presence()
    login_user(visitor.load(row.key))
    if door == "citizens" and searchable(recognised.former_name) not in ("", searchable(person.name)):
        flash(
            _(
                "The registry now gives your name as %(name)s (until now: %(former)s). We use the new one.",
                name=person.name,
                former=recognised.former_name,
            ),
            "info",
        )


def _begin_session(
    provider: str, identity: Identity, door: Door, former: LoginSession | None
) -> tuple[Recognised, LoginSession]:
    config: Config = current_app.config["PORTAL"]
    with transaction():
        if former:
            sessions.end(former)
        recognised = lifecycle.recognise(door, provider, identity, current_language())
        person = recognised.person
        if door == "staff" and identity.posts is not None:
            lifecycle.follow_posts(person, identity.posts)
        for twin in recognised.joined:
            neighbours().joined(person, twin)
        if recognised.former_name:
            neighbours().renamed(person, recognised.former_name)
        row = sessions.begin(person, door, provider, identity, config.sessions.longest(door))
        audit.record(person.id, "logged in", f"person:{person.id}", door=door, provider=provider)
    return recognised, row


@dataclass(frozen=True)
class WayOut:
    """Where the identity provider's own session ends, and what the browser sends there as a form."""

    url: str
    fields: Mapping[str, str] = field(repr=False)


def _way_out(row: LoginSession) -> WayOut | None:
    """The provider's logout; None when it has none or the provider has changed."""
    provider = _provider("staff" if row.door == "staff" else "citizens")
    return _ask_for_way_out(provider, sessions.identity_of(row)) if provider.name == row.provider else None


def _way_out_of_nobody(door: str | None) -> WayOut | None:
    """Where somebody logs out at the provider who was not let in here: with the wrong codes, for instance."""
    if door not in ("citizens", "staff"):
        return None
    provider = _provider("staff" if door == "staff" else "citizens")
    return _ask_for_way_out(provider, Identity(subject="", logout_hint=""))


def _ask_for_way_out(provider: IdentityProvider, identity: Identity) -> WayOut | None:
    home = current_app.config["PORTAL"].portal.base_url + flask_url_for("pages.home")
    try:
        url = provider.logout_url(identity, home)
        return WayOut(url, provider.logout_fields(identity, home)) if url else None
    except ProviderFailure as failure:
        log.warning("logout at the provider failed", provider=provider.name, failure=type(failure).__name__)
        return None


def _held() -> HeldTime | None:
    """The time that is held for this browser, as far as whoever sits there now may know of it.

    Whose login has ended may have left: what he chose is shown to him again once he has logged in.
    """
    row = neighbours().held_time(session.get("hold"))
    login = current_login()
    return row if row and _owner(row) in (None, login.person_id if login else None) else None


def _owner(held: HeldTime) -> int | None:
    """Whose the held time is: of the first who logs in after it was chosen."""
    key, person_id = session.get("hold_of", (None, None))
    return held.citizen_id or (person_id if key == session.get("hold") else None)


def _provider(door: Door) -> IdentityProvider:
    providers = current_providers()
    return providers.identity_staff if door == "staff" else providers.identity_citizens


def _own_address() -> str:
    return current_app.config["PORTAL"].portal.base_url + flask_url_for("login.back")


def _failed(attempt: Attempt, failure: ProviderFailure) -> ResponseReturnValue:
    why, status = (failure.why, 403) if isinstance(failure, LoginRefused) else ("provider", 503)
    # A wrong configuration is for the municipality to mend; to the person it is the same as no answer.
    level = log.error if isinstance(failure, ConfigurationFailure) else log.warning
    level("login failed", door=attempt.door, provider=attempt.provider, why=why, reason=str(failure))
    return _explained(why, attempt.door, attempt.next, status)


def _explained(why: str, door: Door, next_page: str | None, status: int) -> ResponseReturnValue:
    """A page that says what happened, what to do, and that the chosen time is still held."""
    page = render_template("login/failed.html", reason=why, door=door, next_page=next_page, held=_held())
    return page, status
