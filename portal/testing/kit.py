"""A plugin's context without a portal around it: recorded mail, an exchange in memory, real templates.

The ``plugin_context`` fixture makes one. Nothing here needs a database, a store or a mail server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import structlog
from flask import Flask, render_template
from flask.testing import FlaskClient
from flask_babel import force_locale
from jinja2 import FileSystemLoader

import portal
from portal import clock, i18n
from portal.config import Config
from portal.plugin_api import (
    Attachment,
    Exchange,
    PermanentFailure,
    PluginBlueprint,
    PluginContext,
    PluginSettings,
    Room,
    hooks,
)
from portal.plugin_context import PluginSigner, limited_http, url_for

SECRET_KEYS = ("the-first-secret-key-of-the-test-kit", "an-older-secret-key-of-the-test-kit")


class MemoryExchange(Exchange):
    """Messages of rooms in memory."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[str]] = {}
        self._closed: set[str] = set()

    def post(self, room: str, message: str) -> int:
        if room in self._closed:
            raise PermanentFailure("the room is closed")
        messages = self._rooms.setdefault(room, [])
        messages.append(message)
        return len(messages)

    def read(self, room: str, after: int) -> list[tuple[int, str]]:
        if room in self._closed:
            raise PermanentFailure("the room is closed")
        messages = self._rooms.get(room, [])
        return [(number, text) for number, text in enumerate(messages, 1) if number > after]

    def close(self, room: str) -> None:
        self._rooms.pop(room, None)
        self._closed.add(room)


@dataclass
class RecordedEnds:
    """Keeps which sessions a plugin ended, as ``(subject, session)``, instead of ending any."""

    ended: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, subject: str = "", session: str = "") -> int:
        self.ended.append((subject, session))
        return 1


@dataclass
class KnownRooms:
    """The rooms in which a call may be held, as a test lists them."""

    rooms: list[Room] = field(default_factory=list)

    def __call__(self) -> tuple[Room, ...]:
        return tuple(self.rooms)


@dataclass(frozen=True)
class SentMail:
    """One message, as its reader sees it."""

    key: str
    to: str
    language: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]


@dataclass
class RecordedMail:
    """Draws the plugin's templates and keeps the result in ``sent`` instead of sending it."""

    app: Flask
    plugin: str
    sent: list[SentMail] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    """What a test lets the mail server say next instead of taking a mail."""

    def check(self) -> None:
        """Nothing, or the trouble that was ordered."""
        if self.trouble:
            raise self.trouble.pop(0)

    def __call__(
        self,
        key: str,
        to: str,
        language: str,
        template: str,
        values: Mapping[str, object],
        attachments: tuple[Attachment, ...] = (),
    ) -> str:
        prefix = f"portal_{self.plugin}/{template}"
        self.check()
        with self.app.app_context(), force_locale(language):
            subject, text, html = (
                render_template(f"{prefix}.{ending}", **values) for ending in ("subject.txt", "txt", "html")
            )
        self.sent.append(SentMail(key, to, language, subject.strip(), text, html, attachments))
        return f"<{key}@kit.example>"


def drawing_app(config: Config, plugin: str) -> Flask:
    """An application that can draw the templates of one plugin and nothing else."""
    app = Flask("portal.testing.kit")
    module = _module_of(plugin)
    folders = [Path(file).parent for file in (module and module.__file__, portal.__file__) if file]
    app.jinja_loader = FileSystemLoader([folder / "templates" for folder in folders])
    i18n.init_app(app, config, [folder / "translations" for folder in folders[:-1]])
    app.config["SECRET_KEY"] = SECRET_KEYS[0]
    app.context_processor(lambda: {"municipality": config.municipality, "demo": config.demo})
    return app


def context(
    config: Config, plugin: str, settings: PluginSettings | None, demo: bool = True
) -> PluginContext[Any]:
    """The context of ``plugin``; `limited_http` and the signer are the portal's own."""
    app = drawing_app(config, plugin)
    mail = RecordedMail(app, plugin)

    def render(template: str, locale: str, **values: object) -> str:
        with app.app_context(), force_locale(locale):
            return render_template(f"portal_{plugin}/{template}", **values)

    made: PluginContext[Any] = PluginContext(
        name=plugin,
        settings=settings,
        http=limited_http(),
        log=structlog.get_logger().bind(plugin=plugin),
        clock=clock.now,
        render=render,
        mail=mail,
        check_mail=mail.check,
        exchange=MemoryExchange(),
        signer=PluginSigner(plugin, SECRET_KEYS),
        url_for=url_for(app, config.portal.base_url, plugin),
        end_sessions=RecordedEnds(),
        open_rooms=KnownRooms(),
        demo=demo,
    )
    _add_routes(app, made)
    return made


def browser(context: PluginContext[Any]) -> FlaskClient:
    """A browser that reaches the routes of the plugin, without the portal's pages around them."""
    assert isinstance(context.mail, RecordedMail)
    return context.mail.app.test_client()


def refusals(context: PluginContext[Any]) -> dict[str, int]:
    """How each route that is signed or a webhook answers to somebody who brings no proof."""
    visitor = browser(context)
    answers = {}
    for rule in visitor.application.url_map.iter_rules():
        view = visitor.application.view_functions[rule.endpoint]
        if getattr(view, "portal_access", "") in ("signed", "webhook"):
            address = re.sub(r"<[^>]+>", "1", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                answers[f"{method} {address}"] = visitor.open(address, method=method).status_code
    return answers


def _add_routes(app: Flask, context: PluginContext[Any]) -> None:
    module = _module_of(context.name)
    if module is None:
        return
    plugins = pluggy.PluginManager("portal")
    plugins.add_hookspecs(hooks)
    plugins.register(module)
    blueprint = PluginBlueprint(
        f"plugin_{context.name}", module.__name__, url_prefix=f"/plugins/{context.name}"
    )
    plugins.hook.portal_routes(context=context, blueprint=blueprint)
    app.register_blueprint(blueprint)


def _module_of(plugin: str) -> ModuleType | None:
    """The plugin's package; a provider that lives in a test file has none."""
    try:
        return import_module(f"portal_{plugin}")
    except ModuleNotFoundError:
        return None
