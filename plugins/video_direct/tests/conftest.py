"""A small portal that holds direct calls: the plugin's own routes, a real store, and a page per guest."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import portal_video_direct
import pytest
from flask import Flask, Response, render_template_string, request, send_from_directory
from portal_video_direct.provider import DirectRooms
from portal_video_direct.settings import DirectSettings
from pydantic import SecretStr

import portal
from portal import clock, i18n, plugin_context, security
from portal.config import load
from portal.exchange import RedisExchange
from portal.plugin_api import Guest, PluginBlueprint, PluginContext, Room, RoomOrder
from portal.testing.servers import free_port, store_server, turn_server
from portal.testing.serving import Place
from portal.testing.webrtc import WATCH

GUESTS = {
    "clerk": Guest("p1", "Κώστας Αλεξίου", "clerk", "el", moderates=True),
    "citizen": Guest("p2", "Μαρία Παπαδοπούλου", "citizen", "el"),
    "interpreter": Guest("p3", "Eleni Dimou", "interpreter", "en"),
    "companion": Guest("p4", "Anna Rigas", "companion", "en"),
    "fifth": Guest("p5", "Fifth Person", "companion", "en"),
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Call</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><main><h1>Call</h1>
<div data-call data-sound-only="{{ 'true' if sound_only else 'false' }}">{% include join.template %}</div>
</main></html>"""


@dataclass
class CallHouse:
    """The plugin in an application of its own, on a real port."""

    app: Flask
    context: PluginContext[Any]
    exchange: RedisExchange
    url: str = ""
    store_is_away: bool = False
    sound_only: set[str] = field(default_factory=set)
    """Rooms in which the clerk has switched the pictures off."""

    @property
    def provider(self) -> DirectRooms:
        return DirectRooms(self.context)

    def room(self, key: str) -> Room:
        now = clock.now()
        room = self.provider.open_room(RoomOrder(key, "", now, now + timedelta(hours=1), 4, "el"))
        return replace(room, sound_only=key in self.sound_only)

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
    place = Place()
    house.url = place.url
    place.serve(app)
    yield house
    place.close()
    exchange.disconnect()
    context.http.close()


@dataclass
class Relay:
    """coturn, which a test may stop and start again at the same place."""

    start: Callable[[], AbstractContextManager[str]]
    url: str
    secret: str = "the-secret-of-the-relay"
    _running: AbstractContextManager[str] | None = None

    def begin(self) -> None:
        self._running = self.start()
        self._running.__enter__()

    def stop(self) -> None:
        if self._running:
            self._running.__exit__(None, None, None)
        self._running = None

    def settings(self, **more: Any) -> DirectSettings:
        return DirectSettings(turn_urls=(self.url,), turn_secret=SecretStr(self.secret), **more)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    port = free_port()
    relay = Relay(lambda: turn_server(tmp_path / "turn", Relay.secret, port), f"turn:127.0.0.1:{port}")
    relay.begin()
    yield relay
    relay.stop()


@pytest.fixture
def relayed(house: CallHouse, relay: Relay) -> Iterator[Relay]:
    """Every call of the house goes through the relay and no other way."""
    plain = house.context
    house.context = replace(plain, settings=relay.settings(relay_only=True))
    yield relay
    house.context = plain


@pytest.fixture
def room() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def join(house: Any, chromium: Any, room: str) -> Iterator[Callable[..., Any]]:
    """``join("clerk")`` opens the call page in a browser of its own; no page may break a policy or throw."""
    faults: list[str] = []
    with ExitStack() as stack:

        def join(guest: str, language: str = "en", **options: Any) -> Any:
            context = chromium.new_context(permissions=["camera", "microphone"], **options)
            stack.callback(context.close)
            page = context.new_page()
            page.add_init_script(WATCH)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda line: "Security Policy" in line.text and faults.append(line.text))
            page.goto(house.address(room, guest, language))
            return page

        yield join
    assert faults == []


def _add_pages(house: CallHouse) -> None:
    @house.app.get("/call/<room>/<guest>")
    def call_page(room: str, guest: str) -> str:
        join = house.provider.join(house.room(room), GUESTS[guest])
        return render_template_string(PAGE, join=join, **join.values)

    @house.app.get("/sound-only.js")
    def the_cores_script() -> Response:
        return send_from_directory(Path(portal.__file__).parent / "static", "sound-only.js")

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
