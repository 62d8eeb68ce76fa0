"""Programs that the benchmarks start beside themselves: ``python -m benchmarks.programs WHAT …``.

The web server is the product's own, with its own settings; only what it serves differs.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from flask import Flask


def main(what: str, *rest: str) -> None:
    """Run one of the programs below until SIGTERM."""
    {"empty": empty, "portal": portal, "work": work, "dispatch": dispatch}[what](*rest)


def empty(port: str) -> None:
    """A Flask application that does nothing: what the portal's pages are measured beside."""
    from portal import web

    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "Hello")
    web.serve(app, f"127.0.0.1:{port}", processes=2)


def portal(port: str) -> None:
    """The portal that the environment tells of.

    Its limits for one address are off: all clients of a benchmark come from the same one.
    """
    from portal import create_app, security, web

    app = create_app()
    security.limiter.enabled = False
    web.serve(app, f"127.0.0.1:{port}", processes=2)


def work(queue: str) -> None:
    """A worker that hands its mail to a real mail server, which a demonstration would not do."""
    from portal import worker

    worker.work(_sending_app(), queue)


def dispatch() -> None:
    """The dispatcher."""
    from portal import create_app, worker

    worker.dispatch(create_app())


def _sending_app() -> Flask:
    from portal import create_app

    app = create_app()
    config = app.config["PORTAL"]
    app.config["PORTAL"] = replace(config, portal=config.portal.model_copy(update={"demo": False}))
    return app


if __name__ == "__main__":
    main(*sys.argv[1:])
