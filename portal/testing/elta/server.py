"""The stand-in for ELTA Courier itself: SOAP 1.1 at the root of a web server on this machine.

One address for all services: which one is meant says the namespace of what stands in the body.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lxml import etree
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from .faults import Dropped, Fault, fault_response
from .fields import REQUESTS, NotByTheSchema, read
from .parcels import SentParcel
from .services import Refused, Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "CREATEAWB02": ("vg_code", "return_vg", "epitagh_vg", "print_fields"),
    "PELTT03": ("pod_date", "pod_time", "pod_name", "web_status", "web_status_counter"),
    "PELB64VG": ("b64_string",),
    "GETPUDODETAILS": ("pudo_details",),
}
"""What follows on ``st_flag`` and ``st_title``, in this order."""
EMPTY = {"print_fields": [{}], "web_status": [], "pudo_details": [], "web_status_counter": "0"}


@dataclass(frozen=True)
class Called:
    """One request that was by the schema."""

    service: str
    asked: Mapping[str, str] = field(repr=False)


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Tests read `EltaSimulator.called` instead."""


class EltaSimulator:
    """Begins to serve when it is made; `close` ends it.

    ``faults["CREATEAWB02"] = faults.no_answer`` spoils the answers of one service after it did its work;
    the same in ``instead`` keeps it from doing it. ``before`` is called before the work, for tests that let
    it wait.
    """

    def __init__(self, ssl_context: Any = None) -> None:
        self.services = Services()
        self.faults: dict[str, Fault] = {}
        self.instead: dict[str, Fault] = {}
        self.before: dict[str, Callable[[], object]] = {}
        self.called: list[Called] = []
        self.refused: list[str] = []
        """Why requests were against the schema; a client that is in order leaves it empty."""
        self._scheme = "https" if ssl_context else "http"
        self._server = make_server(
            "127.0.0.1", 0, self._serve, threaded=True, request_handler=_QuietHandler, ssl_context=ssl_context
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What the setting ``base_url`` would be."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def parcels(self) -> list[SentParcel]:
        """All vouchers that were made."""
        return self.services.parcels

    def calls(self) -> list[str]:
        """The services that were called, in order."""
        return [call.service for call in self.called]

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(Request(environ))
        if isinstance(answer, Dropped):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path != "/":
            return Response("404", 404, content_type="text/plain")
        if request.method != "POST":
            return Response("405", 405, content_type="text/plain")
        try:
            name, asked = _understood(request)
        except (NotByTheSchema, etree.XMLSyntaxError) as reason:
            self.refused.append(str(reason))
            return fault_response("Client", escape(str(reason)))
        self.called.append(Called(name, asked))
        return self._served(name, asked)

    def _served(self, name: str, asked: Mapping[str, str]) -> Response:
        if name in self.before:
            self.before[name]()
        if name in self.instead:
            return self.instead[name](Response(content_type="text/xml;charset=utf-8"))
        serve: Callable[[Mapping[str, str]], dict[str, Any]] = getattr(self.services, name.lower())
        try:
            told = {"st_flag": "0", "st_title": "", **serve(asked)}
        except Refused as refusal:
            told = {"st_flag": str(refusal.flag), "st_title": refusal.title}
        answer = Response(_written(name, told), content_type="text/xml;charset=utf-8")
        fault = self.faults.get(name)
        return fault(answer) if fault else answer


def _understood(request: Request) -> tuple[str, dict[str, str]]:
    """Which service is called, with what. Raises NotByTheSchema."""
    if request.mimetype != "text/xml":
        raise NotByTheSchema("SOAP 1.1 travels as text/xml")
    if request.headers.get("SOAPAction") not in ('""', ""):
        raise NotByTheSchema("the header SOAPAction must be there, and empty")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    envelope = etree.fromstring(request.get_data(), parser)
    body = envelope.find(f"{ENVELOPE}Body")
    if envelope.tag != f"{ENVELOPE}Envelope" or body is None or len(body) != 1:
        raise NotByTheSchema("there is no envelope of SOAP 1.1 with one element in its body")
    tag = etree.QName(body[0])
    name = (tag.namespace or "").removeprefix("/")
    if tag.namespace != f"/{name}" or name not in REQUESTS or tag.localname != "READ":
        raise NotByTheSchema(f"no service knows {body[0].tag}")
    return name, read(name, body[0])


def _written(name: str, told: Mapping[str, Any]) -> str:
    """The envelope of an answer. Every field is there, an empty one too."""
    fields = "".join(
        _field(field, told.get(field, EMPTY.get(field, "")))
        for field in ("st_flag", "st_title", *ANSWERS[name])
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>'
        f'<READResponse xmlns="/{name}">{fields}</READResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>'
    )


def _field(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(
            f"<{name}>{''.join(_field(*part) for part in record.items())}</{name}>" for record in value
        )
    return f"<{name}>{escape(value)}</{name}>"
