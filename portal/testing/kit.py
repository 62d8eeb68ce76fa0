"""A plugin's context without a portal around it: recorded mail, an exchange in memory, real templates.

The ``plugin_context`` fixture makes one. Nothing here needs a database, a store or a mail server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Flask, render_template
from flask_babel import force_locale
from jinja2 import ChoiceLoader, FileSystemLoader

import portal
from portal import clock, i18n
from portal.config import Config
from portal.plugin_api import Attachment, Exchange, PermanentFailure, PluginContext, PluginSettings
from portal.plugin_context import PluginSigner, limited_http

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

    def __call__(
        self,
        key: str,
        to: str,
        language: str,
        template: str,
        values: Mapping[str, object],
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        prefix = f"portal_{self.plugin}/{template}"
        with self.app.app_context(), force_locale(language):
            subject, text, html = (
                render_template(f"{prefix}.{ending}", **values) for ending in ("subject.txt", "txt", "html")
            )
        self.sent.append(SentMail(key, to, language, subject.strip(), text, html, attachments))


def drawing_app(config: Config, plugin: str) -> Flask:
    """An application that can draw the templates of one plugin and nothing else."""
    app = Flask("portal.testing.kit")
    folder = _folder_of(plugin)
    core = FileSystemLoader(Path(portal.__file__).parent / "templates")
    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder / "templates"), core])
    translations = folder / "translations"
    i18n.init_app(app, config, [translations] if translations.is_dir() else [])
    app.context_processor(lambda: {"municipality": config.municipality, "demo": config.demo})
    return app


def context(
    config: Config, plugin: str, settings: PluginSettings | None, demo: bool = True
) -> PluginContext[Any]:
    """The context of ``plugin``; `limited_http` and the signer are the portal's own."""
    app = drawing_app(config, plugin)

    def render(template: str, locale: str, **values: object) -> str:
        with app.app_context(), force_locale(locale):
            return render_template(f"portal_{plugin}/{template}", **values)

    return PluginContext(
        name=plugin,
        settings=settings,
        http=limited_http(),
        log=structlog.get_logger().bind(plugin=plugin),
        clock=clock.now,
        render=render,
        mail=RecordedMail(app, plugin),
        exchange=MemoryExchange(),
        signer=PluginSigner(plugin, SECRET_KEYS),
        url_for=lambda endpoint, **values: f"/plugins/{plugin}/{endpoint}?{urlencode(values)}",
        demo=demo,
    )


def _folder_of(plugin: str) -> Path:
    try:
        module = import_module(f"portal_{plugin}")
    except ModuleNotFoundError:
        # A provider that lives in a test file has no package, so it has no templates either.
        return Path(__file__).parent
    assert module.__file__ is not None
    return Path(module.__file__).parent
