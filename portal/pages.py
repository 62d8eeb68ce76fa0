"""Pages that belong to no feature: home, the manual, the statements, the colours, and the error pages.

`create_app` calls `init_app`; every template of the portal uses what is put into its context here.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from portal.config import Config, Municipality
from portal.db import db
from portal.document_store import StoreTrouble
from portal.offices.models import Field
from portal.people.visitor import came_through, is_interpreter, is_staff
from portal.providers import current_providers
from portal.refusals import NotYourPage, refusal_of
from portal.security import page_above, public

blueprint = Blueprint("pages", __name__)

READABLE_CONTRAST = 4.5
"""What WCAG 2.2 asks between a text of normal size and its ground."""
WHITE, BLACK, USUAL_LINK = "#ffffff", "#000000", "#00559b"


@dataclass(frozen=True)
class NavigationEntry:
    """One link of the main navigation."""

    url: str
    text: LazyString
    current: str
    """Value of ``aria-current``: ``page``, ``true`` inside that part of the portal, or empty."""


@dataclass(frozen=True)
class Trouble:
    """What an error page says: what happened, and what the reader can do now."""

    title: LazyString
    what_happened: LazyString
    what_to_do: LazyString


TROUBLES = {
    400: Trouble(
        _l("We did not understand this request"),
        _l("Something that your browser sent was incomplete or not in order."),
        _l("Go back, check what you filled in and send it again."),
    ),
    403: Trouble(
        _l("This page is not open to you"),
        _l("You are logged in, but this page belongs to somebody else or to the staff of the municipality."),
        _l("If you used a link from an e-mail, open the newest one: each new link replaces the older ones."),
    ),
    404: Trouble(
        _l("We cannot find this page"),
        _l("The address may be mistyped or cut off, or the page no longer exists."),
        _l("If you copied the address from an e-mail, check that you copied all of it."),
    ),
    405: Trouble(
        _l("This page cannot be opened like that"),
        _l("The address is only used when a form is sent."),
        _l("Go to the page to which the form belongs. What you sent before is as it was."),
    ),
    413: Trouble(
        _l("The file is too large"),
        _l("The portal accepts files of up to 10 MB."),
        _l("Go back and choose a smaller file, for example one saved with a lower resolution."),
    ),
    429: Trouble(
        _l("Too many attempts in a short time"),
        _l("To protect everybody, the portal limits how often the same thing can be tried."),
        _l("Wait for a minute and try again."),
    ),
}

FORM_EXPIRED = Trouble(
    _l("This form has expired"),
    _l("The page was open for a long time, or you logged in or out in another window. Nothing was changed."),
    _l("Go back, load the page again and send the form once more."),
)


def init_app(app: Flask, config: Config) -> None:
    """Register the pages, the error pages, and what every template needs."""
    app.register_blueprint(blueprint)
    app.context_processor(
        lambda: {
            "municipality": config.municipality,
            "demo": config.demo,
            "checks_documents": config.certificates.verification,
            "navigation": navigation,
            "page_in": page_in,
        }
    )
    for code in TROUBLES:
        app.register_error_handler(code, _show_trouble)
    app.register_error_handler(NotYourPage, _show_whose_page)
    app.register_error_handler(CSRFError, _show_expired_form)
    app.register_error_handler(StoreTrouble, _show_store_trouble)
    for status in (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE):
        app.register_error_handler(status, _show_breakdown)


@blueprint.get("/")
@public
def home() -> ResponseReturnValue:
    """What this is, how it works, and the way in."""
    fields = db.session.scalars(select(Field).order_by(Field.position)).all()
    return render_template("pages/home.html", fields=fields)


@blueprint.get("/manual")
@public
def manual() -> ResponseReturnValue:
    """The user manual."""
    config = _config()
    return render_template(
        "pages/manual.html", rules=config.booking, document_days=config.portal.document_days
    )


@blueprint.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    """The accessibility statement, after the model of Decision (EU) 2018/1523."""
    return render_template("pages/accessibility.html")


@blueprint.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """Which personal data are used, why, and for how long."""
    return render_template(
        "pages/privacy.html",
        document_days=_config().portal.document_days,
        paper_days=_config().portal.paper_days,
    )


@blueprint.get("/nothing-is-recorded")
@public
def nothing_is_recorded() -> ResponseReturnValue:
    """What is done against recording, and what nobody can prevent."""
    video_systems = current_providers().video.values()
    return render_template("pages/nothing_is_recorded.html", video_systems=video_systems)


@blueprint.get("/theme.css")
@public
def theme() -> Response:
    """The municipality's colours. A sheet of its own, because inline styles are forbidden."""
    response = Response(theme_sheet(_config().municipality), mimetype="text/css")
    response.cache_control.public = True
    response.cache_control.max_age = 3600
    return response


@blueprint.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    """For browsers that ask for the icon without reading the page."""
    return current_app.send_static_file("favicon.svg")


def navigation() -> list[NavigationEntry]:
    """The main navigation as the present reader sees it."""
    entries = [
        _entry("pages.home", _l("Home")),
        _entry("citizen_booking.fields", _l("Services")),
    ]
    if came_through() != "staff":
        entries.append(_entry("citizen.mine", _l("My appointments")))
        entries.append(_entry("own_documents.mine", _l("My documents")))
    if is_staff():
        entries.append(_entry("staff.day", _l("Staff")))
    if is_interpreter():
        entries.append(_entry("interpreting.mine", _l("Interpreting")))
    return entries


def page_in(language: str) -> str:
    """Address of the present page in the other language."""
    values = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    return f"{request.path}?{urlencode([*values, ('lang', language)])}"


def _config() -> Config:
    config: Config = current_app.config["PORTAL"]
    return config


def _entry(endpoint: str, text: LazyString) -> NavigationEntry:
    url, feature = url_for(endpoint), endpoint.split(".")[0]
    inside = feature != "pages" and (
        request.blueprint == feature or request.path.startswith(f"{url.rstrip('/')}/")
    )
    return NavigationEntry(url, text, "page" if request.path == url else "true" if inside else "")


def theme_sheet(municipality: Municipality) -> str:
    """The custom properties that follow from the municipality's two colours.

    Text on the colours and the colour of links are chosen so that they stay readable whatever was set.
    """
    colour, accent = municipality.colour, municipality.accent_colour
    link = next(
        candidate
        for candidate in (accent, colour, USUAL_LINK)
        if contrast(candidate, WHITE) >= READABLE_CONTRAST
    )
    values = {
        "colour": colour,
        "on-colour": _text_on(colour),
        "accent": accent,
        "on-accent": _text_on(accent),
        "link": link,
    }
    return ":root {" + " ".join(f"--{name}: {value};" for name, value in values.items()) + "}\n"


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2.2 defines it, between 1 and 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _text_on(ground: str) -> str:
    return max((WHITE, BLACK), key=lambda text: contrast(text, ground))


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _show_trouble(error: HTTPException) -> tuple[str, int]:
    code = error.code or 400
    page = page_above(request.path) if code == HTTPStatus.METHOD_NOT_ALLOWED else ""
    return render_template("errors/trouble.html", trouble=TROUBLES[code], page=page), code


def _show_whose_page(error: NotYourPage) -> tuple[str, int]:
    return render_template("errors/not_yours.html", refusal=refusal_of(error)), 403


def _show_expired_form(error: CSRFError) -> tuple[str, int]:
    return render_template("errors/trouble.html", trouble=FORM_EXPIRED), 400


def _show_store_trouble(error: StoreTrouble) -> tuple[str, int]:
    trouble = Trouble(
        _l("The document cannot be opened now"),
        error.told,
        _l("Your case stands where it stood. Go back and try again later, or ask us."),
    )
    return render_template("errors/trouble.html", trouble=trouble), HTTPStatus.SERVICE_UNAVAILABLE


def _show_breakdown(error: Any) -> tuple[str, int]:
    # This page stands alone and asks neither the database nor the session, which may be what broke.
    code = getattr(error, "code", None) or 500
    return render_template("errors/breakdown.html"), code
