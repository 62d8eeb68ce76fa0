"""The stand-in for GSIS itself: a web server on this machine, as strict as the real one is known to be.

What is known: addresses and parameters of the flow, the consent page, the padded XML, JSON on errors, the
logout address. Not documented are the texts of its errors and how long codes and tokens hold.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from . import pages
from .faults import Fault
from .grants import BrowserSession, Grants
from .people import TAXPAYERS, Taxpayer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONTEXTS = ("oauth2server", "oauth2serverotp", "oauth2servergov")
COOKIE = "JSESSIONID"
WIDTHS = {"userid": 16, "taxid": 12}
"""Letters to which the real one fills up these attributes with spaces."""


@dataclass(frozen=True)
class RegisteredClient:
    """What GSIS knows of one application."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: frozenset[str]
    logout_urls: frozenset[str] = frozenset()
    context: str = "oauth2server"


@dataclass(frozen=True)
class Called:
    """One request to an endpoint that applications call."""

    endpoint: str
    path: str
    headers: Mapping[str, str] = field(repr=False)


class _QuietHandler(WSGIRequestHandler):
    """Addresses carry codes, and logs are looked through for them."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests read `GsisSimulator.called` instead."""


class GsisSimulator:
    """Begins to serve when it is made; `close` ends it.

    ``faults["token"] = faults.maintenance`` spoils the answers of one endpoint: ``authorize``, ``login``,
    ``token``, ``userinfo`` or ``logout``. With ``knows_clients_first = False`` it looks at client and
    return address only after the login, as servers of its family may do.
    """

    def __init__(self) -> None:
        self.taxpayers: list[Taxpayer] = list(TAXPAYERS)
        self.faults: dict[str, Fault] = {}
        self.called: list[Called] = []
        self.knows_clients_first = True
        self.grants = Grants()
        self._clients: dict[tuple[str, str], RegisteredClient] = {}
        self._sessions: dict[tuple[str, str], BrowserSession] = {}
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What the setting ``base_url`` would be."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def register(self, client: RegisteredClient) -> None:
        """Make an application known in its context."""
        self._clients[client.context, client.client_id] = client

    def end_sessions(self) -> None:
        """Forget every browser, as the real one does after a while."""
        self._sessions.clear()

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(Request(environ))
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = ADDRESSES.bind_to_environ(request.environ).match()
        except RequestRedirect:
            # Only a slash is missing; the real one has nothing there.
            return Response("404", HTTPStatus.NOT_FOUND, content_type="text/plain")
        except HTTPException as error:
            return Response(f"{error.code}", error.code, content_type="text/plain")
        self.called.append(Called(endpoint, request.full_path, dict(request.headers)))
        method = "post" if request.method == "POST" else "get"
        handle: Callable[..., Response] = getattr(self, f"_{endpoint}_{method}")
        answer = handle(request, **values)
        fault = self.faults.get(endpoint)
        return fault(answer) if fault else answer

    # --- The browser -------------------------------------------------------------------------------------

    def _authorize_get(self, request: Request, context: str) -> Response:
        asked = request.args.to_dict()
        session = self._session(request, context)
        if session.taxpayer is None and not self.knows_clients_first:
            return self._to_login(context, asked)
        refused = self._refusal(context, asked)
        if refused:
            return refused
        if session.taxpayer is None:
            return self._to_login(context, asked)
        session.asked = asked
        if asked["client_id"] in session.approved:
            return self._with_code(context, session)
        return _page(pages.consent(context, asked["client_id"]))

    def _authorize_post(self, request: Request, context: str) -> Response:
        session = self._session(request, context)
        if session.taxpayer is None or session.asked is None:
            return _page(pages.fault("invalid_request", "no login is waiting for consent"), 400)
        agreed = (
            request.form.get("user_oauth_approval") == "true" and request.form.get("scope.read") == "true"
        )
        if not agreed:
            asked, session.asked = session.asked, None
            return _back(asked, error="access_denied", error_description="User denied access")
        session.approved.add(session.asked["client_id"])
        return self._with_code(context, session)

    def _login_get(self, request: Request, context: str) -> Response:
        return _page(pages.login(context, request.args.get("authentication_error") == "true"))

    def _check_post(self, request: Request, context: str) -> Response:
        session = self._session(request, context)
        found = self._by_codes(
            context, request.form.get("j_username", ""), request.form.get("j_password", "")
        )
        if found is None:
            return redirect(f"/{context}/login?authentication_error=true")
        if context == "oauth2serverotp":
            session.claimed = found
            return redirect(f"/{context}/otp")
        return self._logged_in(context, session, found)

    def _otp_get(self, request: Request, context: str) -> Response:
        if self._session(request, context).claimed is None:
            return redirect(f"/{context}/login")
        return _page(pages.one_time_code(context, request.args.get("authentication_error") == "true"))

    def _otp_post(self, request: Request, context: str) -> Response:
        session = self._session(request, context)
        if session.claimed is None:
            return redirect(f"/{context}/login")
        if request.form.get("otp") != session.claimed.one_time_code:
            return redirect(f"/{context}/otp?authentication_error=true")
        return self._logged_in(context, session, session.claimed)

    def _logout_get(self, request: Request, context: str, client_id: str) -> Response:
        client = self._clients.get((context, client_id))
        if client is None or request.args.get("url", "") not in client.logout_urls:
            return _page(pages.fault("invalid_request", "the url is not one of this client"), 400)
        self._sessions.pop((context, request.cookies.get(COOKIE, "")), None)
        answer = redirect(request.args["url"])
        answer.delete_cookie(COOKIE, path=f"/{context}")
        return answer

    # --- The application ---------------------------------------------------------------------------------

    def _token_post(self, request: Request, context: str) -> Response:
        form = request.form
        client = self._clients.get((context, form.get("client_id", "")))
        if client is None or not secrets.compare_digest(client.secret, form.get("client_secret", "")):
            return _error("invalid_client", "Bad client credentials", HTTPStatus.UNAUTHORIZED)
        if form.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type", "Unsupported grant type")
        if not form.get("code"):
            return _error("invalid_request", "An authorization code must be supplied.")
        grant = self.grants.redeem(form["code"])
        if grant is None or (grant.context, grant.client_id) != (context, client.client_id):
            return _error("invalid_grant", "Invalid authorization code")
        if form.get("redirect_uri") != grant.redirect_uri:
            return _error("invalid_grant", "Redirect URI mismatch.")
        told = {
            "access_token": self.grants.token_for(grant),
            "token_type": "bearer",
            "expires_in": int(self.grants.token_life.total_seconds()),
            "scope": "read",
        }
        return Response(json.dumps(told), content_type="application/json;charset=UTF-8")

    def _userinfo_get(self, request: Request, context: str) -> Response:
        if request.args.get("format") != "xml":
            return _error("invalid_request", "format")
        # The real one also takes the token in the address, where it would reach logs; ours must not.
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        taxpayer = self.grants.behind(token, context) if scheme.lower() == "bearer" else None
        if taxpayer is None:
            return _error("invalid_token", "Invalid access token", HTTPStatus.UNAUTHORIZED)
        attributes = "".join(
            f" {name}={quoteattr(value.ljust(WIDTHS.get(name, 0)))}" for name, value in taxpayer.told.items()
        )
        return Response(f"<root><userinfo{attributes}/></root>", content_type="application/xml;charset=UTF-8")

    # --- What they share ---------------------------------------------------------------------------------

    def _session(self, request: Request, context: str) -> BrowserSession:
        """The browser's session; an empty one, which is not kept, for whoever brings no cookie of ours."""
        return self._sessions.get((context, request.cookies.get(COOKIE, "")), BrowserSession())

    def _refusal(self, context: str, asked: Mapping[str, str]) -> Response | None:
        """What is wrong with a login as the application asks for it; None when all is well."""
        client = self._clients.get((context, asked.get("client_id", "")))
        if client is None:
            return _page(pages.fault("invalid_client", "No client with requested id"), 401)
        if asked.get("redirect_uri") not in client.redirect_uris:
            return _page(
                pages.fault("invalid_grant", "Invalid redirect: it is no redirect_uri of this client"), 400
            )
        if asked.get("response_type") != "code":
            return _back(
                asked, error="unsupported_response_type", error_description="Unsupported response type"
            )
        if asked.get("scope", "") not in ("", "read"):
            return _back(asked, error="invalid_scope", error_description="Invalid scope")
        return None

    def _to_login(self, context: str, asked: dict[str, str]) -> Response:
        return self._with_session(redirect(f"/{context}/login"), context, BrowserSession(asked=asked))

    def _logged_in(self, context: str, session: BrowserSession, taxpayer: Taxpayer) -> Response:
        """Log in under a new cookie, and go on where the person was sent from."""
        fresh = BrowserSession(taxpayer=taxpayer)
        if session.asked is None:
            return self._with_session(_page(pages.logged_in()), context, fresh)
        onward = f"/{context}/oauth/authorize?{urlencode(session.asked)}"
        return self._with_session(redirect(onward), context, fresh)

    def _with_session(self, answer: Response, context: str, session: BrowserSession) -> Response:
        key = secrets.token_hex(16)
        self._sessions[context, key] = session
        answer.set_cookie(COOKIE, key, path=f"/{context}", httponly=True)
        return answer

    def _with_code(self, context: str, session: BrowserSession) -> Response:
        assert session.asked is not None and session.taxpayer is not None
        asked, session.asked = session.asked, None
        code = self.grants.code_for(context, asked["client_id"], asked["redirect_uri"], session.taxpayer)
        return _back(asked, code=code)

    def _by_codes(self, context: str, username: str, password: str) -> Taxpayer | None:
        for taxpayer in self.taxpayers:
            if context in taxpayer.contexts and (taxpayer.username, taxpayer.password) == (
                username,
                password,
            ):
                return taxpayer
        return None


_CONTEXT = f"/<any({', '.join(CONTEXTS)}):context>"
ADDRESSES = Map(
    [
        Rule(f"{_CONTEXT}/oauth/authorize", endpoint="authorize", methods=["GET", "POST"]),
        Rule(f"{_CONTEXT}/login", endpoint="login", methods=["GET"]),
        Rule(f"{_CONTEXT}/j_spring_security_check", endpoint="check", methods=["POST"]),
        Rule(f"{_CONTEXT}/otp", endpoint="otp", methods=["GET", "POST"]),
        Rule(f"{_CONTEXT}/logout/<client_id>/", endpoint="logout", methods=["GET"]),
        Rule(f"{_CONTEXT}/oauth/token", endpoint="token", methods=["POST"]),
        Rule(f"{_CONTEXT}/userinfo", endpoint="userinfo", methods=["GET"]),
    ],
    merge_slashes=False,
)


def _page(html: str, status: int = 200) -> Response:
    return Response(html, status, content_type="text/html;charset=utf-8")


def _error(error: str, description: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    told = {"error": error, "error_description": description}
    return Response(json.dumps(told), status, content_type="application/json;charset=UTF-8")


def _back(asked: Mapping[str, str], **answer: str) -> Response:
    """To the application, with its state unchanged."""
    if "state" in asked:
        answer["state"] = asked["state"]
    address = asked["redirect_uri"]
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(answer)}")
