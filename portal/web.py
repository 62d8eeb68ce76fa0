"""The web server: gunicorn with our application, for `portal web` and as a part of `portal all`."""

from __future__ import annotations

import socket

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.util import parse_address

THREADS = 8
"""Requests that one process answers at once."""


class WebServer(BaseApplication):
    """gunicorn, told by us instead of by its own command line."""

    def __init__(self, app: Flask, settings: dict[str, object]) -> None:
        self.app = app
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called by gunicorn in each of its processes."""
        return self.app


def serve(app: Flask, bind: str, processes: int) -> None:
    """Answer web requests until SIGTERM; what has begun is answered first."""
    settings: dict[str, object] = {
        "bind": bind,
        "workers": processes,
        "worker_class": "gthread",
        "threads": THREADS,
        # Addresses carry links of citizens, so there is no access log.
        "accesslog": None,
        "loglevel": "warning",
        "timeout": 60,
        "graceful_timeout": 10,
        # Which proxies are believed is decided by the configuration's ``proxies`` alone.
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
    }
    WebServer(app, settings).run()


def is_free(bind: str) -> bool:
    """False when another program listens there already. Only addresses with a port are asked."""
    address = parse_address(bind)
    if not isinstance(address, tuple):
        return True
    try:
        socket.create_server(address, family=_family(address[0])).close()
    except OSError:
        return False
    return True


def answers(bind: str) -> bool:
    """True when somebody accepts connections there."""
    address = parse_address(bind)
    if not isinstance(address, tuple):
        return True
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
