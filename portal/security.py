"""Who may call a route, and what every answer carries: access marks, the form token, headers.

Each route declares an access mark. A route without one stops the start, so nothing is public by omission.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from portal import kept_forms
from portal.config import Config
from portal.people import visitor
from portal.plugin_api import VideoProvider
from portal.refusals import NotYourPage, Reason

F = TypeVar("F", bound=Callable[..., Any])

BEHIND_THE_STAFFS_DOOR = frozenset({"staff", "supervisor", "interpreter"})
MARKS = BEHIND_THE_STAFFS_DOOR | {"public", "logged_in", "citizen", "signed", "webhook"}

CONTENT_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

SCRIPT = frozenset({"X-Panel", visitor.QUIET})
"""Headers by which our scripts make themselves known."""

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_options={"socket_connect_timeout": 2})
"""``@limiter.limit("10 per minute")`` above a view: more than that from one address gets page 429."""


def public(view: F) -> F:
    """Anybody may see this page."""
    return _mark(view, "public")


def logged_in(view: F) -> F:
    """Whoever has logged in; the view itself checks whose object it shows."""
    return _mark(view, "logged_in")


def citizen_only(view: F) -> F:
    """Whoever came through the citizens' door, for himself; the view checks that the object is his."""
    return _mark(view, "citizen")


def staff_only(view: F) -> F:
    """Clerks, supervisors and administrators; the view checks the office or whose case it is."""
    return _mark(view, "staff")


def supervisor_only(view: F) -> F:
    """Supervisors and administrators; the view checks the office."""
    return _mark(view, "supervisor")


def interpreter_only(view: F) -> F:
    """Interpreters of the roster; the view shows nothing but their own part in an appointment."""
    return _mark(view, "interpreter")


def signed_link(view: F) -> F:
    """The caller proves himself with a signed value in the address; the view checks it."""
    return _mark(view, "signed")


def with_camera(view: F) -> F:
    """The page may ask for camera and microphone; every other page forbids them."""
    view.portal_camera = True  # type: ignore[attr-defined]
    return view


def in_sandbox(response: Response) -> Response:
    """For what citizens sent: the browser saves it, and if it ever shows it, cuts it off from us."""
    g.sandboxed = True
    response.headers["Cache-Control"] = "no-store"
    return response


def refuse_staff() -> None:
    """For public views that act for a citizen. Raises NotYourPage for who came through the staff's door."""
    if visitor.came_through() == "staff":
        raise NotYourPage("citizens")


def let_form_leave(address: str) -> None:
    """The present page holds a form for ``address``, from where the way may go on to other sites."""
    parts = urlsplit(address)
    g.form_leads_to = f"{parts.scheme}://{parts.netloc}"


def _mark(view: F, name: str) -> F:
    view.portal_access = name  # type: ignore[attr-defined]
    return view


def init_app(app: Flask, config: Config) -> None:
    """Put the guards in front of every request and the headers on every answer."""
    app.config.update(
        SECRET_KEY=config.secret_keys[0],
        SECRET_KEY_FALLBACKS=list(config.secret_keys[1:]),
        SESSION_COOKIE_NAME="portal",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.portal.base_url.startswith("https://"),
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf.init_app(app)
    visitor.init_app(app)
    app.config.update(
        RATELIMIT_STORAGE_URI=config.redis_url.replace("unix://", "redis+unix://"),
        # The counter stays open when the store is away; each process then counts for itself.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_SWALLOW_ERRORS=True,
    )
    limiter.init_app(app)
    app.before_request(_check_access)
    app.after_request(_add_headers)


def finish(app: Flask) -> None:
    """Called when all routes are known: refuse a start with an unmarked route; free signed calls."""
    marks = {endpoint: _mark_of(endpoint, view) for endpoint, view in app.view_functions.items()}
    unmarked = sorted(endpoint for endpoint, mark in marks.items() if mark not in MARKS)
    if unmarked:
        raise RuntimeError(f"routes without an access mark: {', '.join(unmarked)}")
    for endpoint, mark in marks.items():
        # Their callers carry a signature of ours; a plugin's script has no form to take a token from.
        if endpoint.startswith("plugin_") and mark in ("signed", "webhook"):
            csrf.exempt(app.view_functions[endpoint])


def _mark_of(endpoint: str, view: Callable[..., Any] | None) -> str | None:
    """The access mark of a route; the files of Flask's own static routes are for everybody."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return "public"
    return getattr(view, "portal_access", None)


def safe_next(address: str | None) -> str | None:
    """``address`` if it is a path of this portal, else None: nobody is sent to a foreign site."""
    if not address or not address.startswith("/") or address.startswith("//") or not address.isprintable():
        return None
    parts = _parts(address)
    return address if "\\" not in address and not parts.scheme and not parts.netloc else None


def _parts(address: str) -> SplitResult:
    """The parts of an address; empty ones where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("//nowhere")


def _check_access() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None
    mark = _mark_of(request.endpoint, _view())
    if mark in ("public", "signed", "webhook"):
        return None
    person = visitor.current_person()
    if person is None:
        return _log_in_first(mark)
    if mark in BEHIND_THE_STAFFS_DOOR and not _holds_post(mark):
        if visitor.came_through() != "staff":
            return _log_in_first(mark)
        raise NotYourPage(_why_not(mark))
    if mark == "citizen":
        refuse_staff()
    return None


def _view() -> Callable[..., Any] | None:
    return current_app.view_functions.get(request.endpoint or "")


def _log_in_first(mark: str | None) -> ResponseReturnValue:
    """To the login, and from there back; what was being sent is kept meanwhile.

    After a form stands a page in between: its redirects may not leave this site (form-action).
    """
    address = _login_address(mark) if request.method == "GET" else _keep_and_log_in(mark)
    if SCRIPT.isdisjoint(request.headers.keys()):
        return redirect(address, 302 if request.method == "GET" else 303)
    # A script cannot follow to another site; it is told where the browser should go.
    return Response(status=401, headers={"X-Go": address})


def _keep_and_log_in(mark: str | None) -> str:
    page = _return_address()
    kept = kept_forms.keep(urlsplit(page).path)
    return url_for("login.first", door=_door(mark), next=page, kept=int(kept))


def _login_address(mark: str | None) -> str:
    return url_for("login.begin", door=_door(mark), next=_return_address())


def _door(mark: str | None) -> str:
    return "staff" if mark in BEHIND_THE_STAFFS_DOOR else "citizens"


def _holds_post(mark: str) -> bool:
    asked = {
        "staff": visitor.is_staff,
        "supervisor": visitor.may_supervise,
        "interpreter": visitor.is_interpreter,
    }
    return asked[mark]()


def _why_not(mark: str) -> Reason:
    """What the page says to somebody behind the staff's door whose role has no such page."""
    if not visitor.active_roles():
        return "no_post"
    if not visitor.is_staff():
        return "counter"
    return "supervisors" if mark == "supervisor" else "interpreters"


def _return_address() -> str:
    """Where to go on after the login: this page, or the page that held the form."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    page = _parts(request.referrer or "")
    address = safe_next(page._replace(scheme="", netloc="", fragment="").geturl()) or "/"
    path = urlsplit(address).path
    return address if can_be_opened(path) else page_above(path)


def can_be_opened(path: str) -> bool:
    """True for a page; false for what only takes forms, or is nothing at all."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def page_above(path: str) -> str:
    """The nearest page above an address that only takes forms: most often the one that holds the form."""
    parts = path.strip("/").split("/")
    above = ("/" + "/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
    pages = (page for one in above for page in (one, f"{one}/"))
    return next((page for page in pages if can_be_opened(page)), "/")


def _permissions(provider: VideoProvider | None) -> str:
    """Camera and microphone on the pages that need them; inside a frame only for the video system's."""
    needed = getattr(_view(), "portal_camera", False)
    frames = "".join(f' "{origin}"' for origin in sorted(provider.origins)) if provider else ""
    allowed = f"(self{frames})" if needed else "()"
    framed = allowed if frames else "()"
    return (
        f"camera={allowed}, microphone={allowed}, autoplay=(self{frames}), fullscreen=(self{frames}), "
        f"display-capture={framed}, geolocation=(), payment=()"
    )


def _add_headers(response: Response) -> Response:
    policy = dict(CONTENT_POLICY)
    provider: VideoProvider | None = g.get("call_provider")
    if provider is not None and provider.origins:
        policy["frame-src"] = " ".join(sorted(provider.origins))
        policy["script-src"] = " ".join([policy["script-src"], *sorted(provider.script_origins)])
    if "form_leads_to" in g:
        # Browsers check each redirect after a form too: one identity server may log out at another.
        policy["form-action"] += f" {g.form_leads_to} https:"
    if g.get("sandboxed"):
        policy = {"default-src": "'none'", "frame-ancestors": "'none'", "sandbox": ""}
    response.headers["Content-Security-Policy"] = "; ".join(f"{k} {v}".strip() for k, v in policy.items())
    response.headers["Permissions-Policy"] = _permissions(provider)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if not (request.endpoint or "").endswith("static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
