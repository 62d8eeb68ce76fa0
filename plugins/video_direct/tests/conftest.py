"""A small portal that holds direct calls: the plugin's own routes, a real store, and a page per guest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import portal_video_direct
import pytest
from flask import Flask, Response, render_template_string, request
from portal_video_direct.provider import DirectRooms
from portal_video_direct.settings import DirectSettings
from werkzeug.serving import make_server

from portal import clock, i18n, plugin_context, security
from portal.config import load
from portal.exchange import RedisExchange
from portal.plugin_api import Guest, PluginBlueprint, PluginContext, Room, RoomOrder
from portal.testing.servers import store_server

GUESTS = {
    "clerk": Guest("p1", "Κώστας Αλεξίου", "clerk", "el", moderates=True),
    "citizen": Guest("p2", "Μαρία Παπαδοπούλου", "citizen", "el"),
    "interpreter": Guest("p3", "Eleni Dimou", "interpreter", "en"),
    "companion": Guest("p4", "Anna Rigas", "companion", "en"),
    "fifth": Guest("p5", "Fifth Person", "companion", "en"),
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Call</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><main><h1>Call</h1>
<div data-call data-identified="false">{% include join.template %}</div></main></html>"""


@dataclass
class CallHouse:
    """The plugin in an application of its own, on a real port."""

    app: Flask
    context: PluginContext[Any]
    exchange: RedisExchange
    url: str = ""
    store_is_away: bool = False

    @property
    def provider(self) -> DirectRooms:
        return DirectRooms(self.context)

    def room(self, key: str) -> Room:
        now = clock.now()
        return self.provider.open_room(RoomOrder(key, "", now, now + timedelta(hours=1), 4, "el"))

    def token(self, room: str, guest: str) -> str:
        return str(self.provider.join(self.room(room), GUESTS[guest]).values["call_token"])

    def address(self, room: str, guest: str, language: str = "en") -> str:
        return f"{self.url}/call/{room}/{guest}?lang={language}"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with store_server(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture(scope="session")
def house(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallHouse]:
    config = load({"PORTAL_INSTANCE": str(tmp_path_factory.mktemp("instance"))})
    folder = Path(str(portal_video_direct.__file__)).parent
    app = Flask("call_house")
    app.config.update(PORTAL=config, SECRET_KEY="only for tests")
    i18n.init_app(app, config, [folder / "translations"])
    exchange = RedisExchange(store)
    context = plugin_context.make(app, config, "video_direct", DirectSettings(), exchange)
    blueprint = PluginBlueprint(
        "plugin_video_direct",
        portal_video_direct.__name__,
        url_prefix="/plugins/video_direct",
        template_folder="templates",
        static_folder="static",
    )
    portal_video_direct.portal_routes(context, blueprint)
    app.register_blueprint(blueprint)
    house = CallHouse(app, context, exchange)
    _add_pages(house)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    house.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield house
    server.shutdown()
    thread.join()
    server.server_close()
    exchange.disconnect()
    context.http.close()


def _add_pages(house: CallHouse) -> None:
    @house.app.get("/call/<room>/<guest>")
    def call_page(room: str, guest: str) -> str:
        join = house.provider.join(house.room(room), GUESTS[guest])
        return render_template_string(PAGE, join=join, **join.values)

    @house.app.before_request
    def trouble() -> tuple[str, int] | None:
        return ("", 503) if house.store_is_away and "messages" in request.path else None

    @house.app.after_request
    def headers(response: Response) -> Response:
        # The same policy as the portal's, so that a script or style it would refuse fails here too.
        policy = "; ".join(f"{name} {value}" for name, value in security.CONTENT_POLICY.items())
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = "camera=(self), microphone=(self)"
        return response
