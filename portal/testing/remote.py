"""A real web server on this machine with scripted answers, for plugins that talk to outside systems."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One scripted answer. ``dropped`` closes the line instead, after the request was taken."""

    status: int = 200
    body: bytes = b"{}"
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    dropped: bool = False


Script = Callable[[Asked], Reply]


class RemoteServer:
    """Answers every request by its script and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._script: Script = lambda asked: Reply(status=404)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def script(self, script: Script | Reply) -> None:
        """From now on answer by ``script``: a function of the request, or always the same reply."""
        self._script = script if callable(script) else lambda asked: script

    def refuse(self) -> None:
        """Stop listening: from now on every connection is refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    close = refuse

    def _answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self._script(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                reply = answer(Asked(self.command, self.path, dict(self.headers), body))
                time.sleep(reply.delay)
                self.close_connection = True
                if not reply.dropped:
                    self._write(reply)

            def _write(self, reply: Reply) -> None:
                try:
                    self.send_response(reply.status)
                    self.send_header("Content-Type", reply.media_type)
                    self.send_header("Content-Length", str(len(reply.body)))
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                except (BrokenPipeError, ConnectionResetError):
                    """The caller lost patience, which is what some tests are about."""

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, format: str, *args: object) -> None:
                """Tests read `asked` instead."""

        return Handler
