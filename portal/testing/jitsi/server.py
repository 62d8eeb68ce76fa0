"""The stand-in itself: a web server on this machine with the addresses of a Jitsi Meet server.

What is known: the checks of prosody and their words, the connection manager, ``config.js``, the interface of
``external_api.js`` with its events and commands in both generations. Its own are the addresses ``/stand-in``,
over which the page in the frame learns what a real one learns by XMPP.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from portal import clock

from . import bosh, overrides
from .configuration import configuration
from .faults import Fault
from .rooms import JoinRefused, Rooms
from .tokens import ServerKeys

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGES = Path(__file__).parent / "pages"
COMMANDS = (
    "hangup",
    "toggleAudio",
    "toggleVideo",
    "overwriteConfig",
    "muteEveryone",
    "toggleModeration",
    "startRecording",
)
AUDIO_ONLY = {"2026-01": "setAudioOnly", "2026-08": "setLowBandwidthMode"}
"""How the command is called in each generation."""


class _QuietHandler(WSGIRequestHandler):
    """Addresses carry tokens, and logs are looked through for them."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing is logged."""


class JitsiSimulator:
    """Begins to serve when it is made; `close` ends it.

    ``faults["external_api"] = faults.maintenance`` spoils the answers of one endpoint: ``external_api``,
    ``configuration``, ``bosh`` or ``page``. ``clock_ahead`` sets its clock wrong.
    """

    def __init__(self, app_id: str = "portal", app_secret: str = "s" * 40, domain: str = "127.0.0.1") -> None:
        self.faults: dict[str, Fault] = {}
        self.clock_ahead = timedelta()
        self.generation = "2026-08"
        self.configuration = configuration(domain)
        self.rooms = Rooms(ServerKeys(app_id, app_secret, domain), lambda: clock.now() + self.clock_ahead)
        self._manager = bosh.ConnectionManager(lambda: self.rooms.keys, self.rooms.clock)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What the setting ``base_url`` would be."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def set_keys(self, **changed: Any) -> None:
        """Change prosody's configuration: ``set_keys(allow_empty_token=True)``."""
        self.rooms.keys = replace(self.rooms.keys, **changed)

    def report(self, event: str, **data: object) -> None:
        """Let every page in every room fire an event, as if it came from the server."""
        for room in self.rooms.rooms.values():
            room.tell(event, **data)

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = ADDRESSES.bind_to_environ(request.environ).match()
        except HTTPException as error:
            return Response(f"{error.code}", error.code, content_type="text/plain")
        handle: Callable[..., Response] = getattr(self, f"_{endpoint}")
        answer = handle(request, **values)
        fault = self.faults.get(endpoint)
        return fault(answer) if fault else answer

    # --- What everybody may read -------------------------------------------------------------------------

    def _external_api(self, request: Request) -> Response:
        commands = json.dumps([*COMMANDS, AUDIO_ONLY[self.generation]])
        script = (PAGES / "external_api.js").read_text("utf-8").replace("COMMANDS_OF_THIS_SERVER", commands)
        return Response(script, content_type="application/javascript; charset=utf-8")

    def _configuration(self, request: Request) -> Response:
        return Response(self.configuration, content_type="application/javascript; charset=utf-8")

    def _bosh(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(bosh.PAGE, content_type="text/html; charset=utf-8")
        told = self._manager.answer(request.get_data(as_text=True), request.args.get("token", ""))
        return Response(told, content_type="text/xml; charset=utf-8")

    def _page(self, request: Request, room: str) -> Response:
        return Response((PAGES / "frame.html").read_text("utf-8"), content_type="text/html; charset=utf-8")

    def _frame_script(self, request: Request) -> Response:
        return Response(
            (PAGES / "frame.js").read_text("utf-8"), content_type="text/javascript; charset=utf-8"
        )

    # --- What the page in the frame asks -----------------------------------------------------------------

    def _join(self, request: Request) -> Response:
        asked = request.get_json()
        troubles = overrides.troubles(asked["config"])
        try:
            if troubles:
                raise JoinRefused("CONFIG", "stand-in.capture", f"could capture: {', '.join(troubles)}")
            person = self.rooms.join(asked["room"], asked["jwt"])
        except JoinRefused as refused:
            told = {"type": refused.kind, "name": refused.name, "message": str(refused), "isFatal": True}
            return _json({"error": told}, HTTPStatus.FORBIDDEN)
        return _json({"id": person.id, "name": person.name, "role": person.role})

    def _news(self, request: Request, person: str) -> Response:
        found = self.rooms.find(person)
        if found is None:
            return _json({"gone": True})
        room, someone = found
        news, someone.news[:] = list(someone.news), []
        return _json({"news": news, "people": [other.name for other in room.people.values()]})

    def _leave(self, request: Request, person: str) -> Response:
        self.rooms.leave(person)
        return _json({})

    def _mute_all(self, request: Request, person: str) -> Response:
        found = self.rooms.find(person)
        if found is None or found[1].role != "moderator":
            return _json({"error": "forbidden"}, HTTPStatus.FORBIDDEN)
        for other in found[0].people.values():
            if other.id != person:
                other.tell("stand-in.mute")
        return _json({})

    def _record(self, request: Request, person: str) -> Response:
        allowed = self.rooms.may_record(person)
        return _json({} if allowed else {"error": "forbidden"}, 200 if allowed else HTTPStatus.FORBIDDEN)


ADDRESSES = Map(
    [
        Rule("/external_api.js", endpoint="external_api", methods=["GET"]),
        Rule("/config.js", endpoint="configuration", methods=["GET"]),
        Rule("/http-bind", endpoint="bosh", methods=["GET", "POST"]),
        Rule("/stand-in/frame.js", endpoint="frame_script", methods=["GET"]),
        Rule("/stand-in/join", endpoint="join", methods=["POST"]),
        Rule("/stand-in/<person>/news", endpoint="news", methods=["GET"]),
        Rule("/stand-in/<person>/leave", endpoint="leave", methods=["POST"]),
        Rule("/stand-in/<person>/mute", endpoint="mute_all", methods=["POST"]),
        Rule("/stand-in/<person>/record", endpoint="record", methods=["POST"]),
        Rule("/<room>", endpoint="page", methods=["GET"]),
    ]
)


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json; charset=utf-8")
