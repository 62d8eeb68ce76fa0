"""An application on a real port of this machine, for browsers and for servers that call it."""

from __future__ import annotations

import threading
from typing import Any

from werkzeug.serving import make_server


class Place:
    """A port that is taken; what is asked there waits until `serve`. ``port`` is its number."""

    def __init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, lambda environ, start: [], threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, app: Any) -> None:
        """From now on this WSGI application answers."""
        self._server.app = app
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
