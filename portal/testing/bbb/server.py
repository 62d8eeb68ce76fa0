"""The stand-in for BigBlueButton itself: a web server on this machine, as strict as the real ones are known.

What is known: calls, parameters, checksums, the keys of refusals, and the oddities of Scalelite and b3lb.
Not documented, and chosen here: a join that is not signed rightly is refused on the spot and sends nobody
anywhere; b3lb answers 400 to an ``end`` of an unknown meeting as it does to a join.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from .api import Api
from .checksums import ALGORITHMS
from .client import Client
from .faults import Fault
from .meetings import Meeting, Meetings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Mode = Literal["bbb", "scalelite", "b3lb"]
EXAMPLE = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
"""The secret in the examples of BigBlueButton's own reference."""
PATHS = {"bbb": "/bigbluebutton", "scalelite": "/bigbluebutton", "b3lb": "/b3lb/t/town/bbb"}
NODE = "/node/bigbluebutton"
"""Where b3lb sends browsers: one of the servers behind it, which has another secret."""


@dataclass(frozen=True)
class Called:
    """One call of the interface, as it came in."""

    call: str
    raw_query: str
    values: dict[str, str]


class _QuietHandler(WSGIRequestHandler):
    """Addresses carry checksums and names, and logs are looked through for them."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests read `BbbSimulator.called` instead."""


class BbbSimulator:
    """Begins to serve when it is made; `close` ends it.

    ``faults["create"] = faults.page`` spoils the answers of one call; ``faults["base"]`` those of the
    address without a call. ``lengths`` are the checksums it accepts, by their length.
    """

    def __init__(self, mode: Mode = "bbb", secret: str = EXAMPLE) -> None:
        self.mode, self.secret = mode, secret
        self.version = "3.0.4"
        self.lengths = set(ALGORITHMS) - ({96} if mode == "scalelite" else set())
        self.faults: dict[str, Fault] = {}
        self.called: list[Called] = []
        self.meetings = Meetings()
        self.records_anyway = False
        """True: the server records though it was told not to."""
        self.ends_after = 0
        """An ordered end is obeyed after so many more questions about the meeting."""
        self.node_secret = f"node-of-{secret}" if mode == "b3lb" else secret
        self._client = Client(self.meetings)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """What the setting ``base_url`` would be."""
        return self.origin + PATHS[self.mode]

    def meeting(self, key: str) -> Meeting:
        """The meeting, which must be there."""
        found = self.meetings.find(key)
        assert found is not None, f"there is no meeting {key}"
        return found

    def calls_of(self, call: str) -> list[Called]:
        """Every call of this name, the oldest first."""
        return [called for called in self.called if called.call == call]

    def restart(self) -> None:
        """Lose every meeting."""
        self.meetings.forget_all()

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(Request(environ))
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            answer = Response()
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response | None:
        page = self._client.answer(request)
        if page is not None:
            return page
        for path, is_node in ((PATHS[self.mode], False), (NODE, True)):
            if request.path.rstrip("/") == f"{path}/api" and not is_node:
                return self._spoiled("base", self._api(is_node).base())
            if request.path.startswith(f"{path}/api/") and (self.mode == "b3lb" or not is_node):
                return self._called(request, request.path.removeprefix(f"{path}/api/"), is_node)
        return Response("404", 404, content_type="text/plain")

    def _called(self, request: Request, call: str, is_node: bool) -> Response | None:
        raw = request.environ["QUERY_STRING"]
        values = dict(parse_qsl(raw, keep_blank_values=True))
        if not is_node:
            self.called.append(Called(call, raw, values))
        return self._spoiled(call, self._api(is_node).answer(request.method, call, raw, values))

    def _spoiled(self, call: str, answer: Response) -> Response | None:
        fault = self.faults.get(call)
        return fault(answer) if fault else answer

    def _api(self, is_node: bool) -> Api:
        return Api(
            mode="bbb" if is_node else self.mode,
            secret=self.node_secret if is_node else self.secret,
            meetings=self.meetings,
            lengths=self.lengths,
            version=self.version,
            records_anyway=self.records_anyway,
            ends_after=self.ends_after,
            node=f"{self.origin}{NODE}" if self.mode == "b3lb" and not is_node else "",
            node_secret=self.node_secret,
        )
