"""Makes the `PluginContext` of each plugin: the limited door back into the core. Called by the loader."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import structlog
from flask import Flask, current_app, has_app_context, render_template
from flask_babel import force_locale
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal import clock, mail
from portal.appointments import rooms
from portal.config import Config
from portal.db import transaction
from portal.people import jobs, sessions
from portal.plugin_api import (
    Attachment,
    EndSessions,
    Exchange,
    OpenRooms,
    PluginContext,
    PluginSettings,
    Room,
    SendMail,
    TemporaryFailure,
)

LARGEST_ANSWER = 10 * 1024 * 1024
LONGEST_CALL = 60.0
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 20.0


class PluginSigner:
    """Signs values for one plugin. The first secret key signs, the older ones are still read."""

    def __init__(self, plugin: str, secret_keys: tuple[str, ...]) -> None:
        salt = f"plugin.{plugin}"
        # The library signs with the last key of its list.
        self._serializer = URLSafeTimedSerializer(list(reversed(secret_keys)), salt=salt)
        self._keys = [hashlib.sha256(f"{salt}.derive\0{key}".encode()).digest() for key in secret_keys]

    def sign(self, value: Mapping[str, str]) -> str:
        return str(self._serializer.dumps(dict(value)))

    def read(self, token: str, lifetime: timedelta) -> Mapping[str, str] | None:
        try:
            value: Mapping[str, str] = self._serializer.loads(token, max_age=int(lifetime.total_seconds()))
        except BadSignature:
            return None
        return value

    def derive(self, value: str) -> bytes:
        return self.derive_all(value)[0]

    def derive_all(self, value: str) -> tuple[bytes, ...]:
        return tuple(hmac.digest(key, value.encode(), "sha256") for key in self._keys)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts: read once, for each reading takes memory and a tenth of a second."""
    return httpx.create_ssl_context()


class _LimitedTransport(httpx.BaseTransport):
    """Ends answers that are too long or take too long as a whole, however steadily they drip."""

    def __init__(self) -> None:
        # No connection is kept: workers fork, and what a child inherits would be used by both.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.HTTPTransport(verify=_trusted(), limits=limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _LimitedStream(response.stream)
        return response

    def close(self) -> None:
        self._transport.close()


class _LimitedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream
        self._deadline = time.monotonic() + LONGEST_CALL

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise TemporaryFailure("the answer is larger than any that makes sense")
            if time.monotonic() > self._deadline:
                raise TemporaryFailure("the answer took too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def limited_http() -> httpx.Client:
    """A client with limits of time and size that follows no redirects."""
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return httpx.Client(transport=_LimitedTransport(), timeout=timeout, follow_redirects=False)


def make(
    app: Flask, config: Config, name: str, settings: PluginSettings | None, exchange: Exchange
) -> PluginContext[Any]:
    """The context of the plugin ``name`` in this application."""
    return PluginContext(
        name=name,
        settings=settings,
        http=limited_http(),
        log=structlog.get_logger().bind(plugin=name),
        clock=clock.now,
        render=_render(app, name),
        mail=_mail(app, name),
        check_mail=_check_mail(app),
        exchange=exchange,
        signer=PluginSigner(name, config.secret_keys),
        url_for=url_for(app, config.portal.base_url, name),
        end_sessions=_end_sessions(app, name),
        open_rooms=_open_rooms(app, name),
        demo=config.demo,
    )


def _within(app: Flask) -> AbstractContextManager[object]:
    """The application's context: the one that is there, or a new one."""
    if has_app_context() and current_app == app:
        return nullcontext()
    return app.app_context()


def _render(app: Flask, name: str) -> Callable[..., str]:
    def render(template: str, locale: str, **values: object) -> str:
        with _within(app), force_locale(locale):
            return render_template(f"portal_{name}/{template}", **values)

    return render


def _mail(app: Flask, name: str) -> SendMail:
    def send(
        key: str,
        to: str,
        language: str,
        template: str,
        values: Mapping[str, object],
        attachments: tuple[Attachment, ...] = (),
    ) -> str:
        with _within(app):
            return mail.send(key, to, language, f"portal_{name}/{template}", values, attachments)

    return send


def _check_mail(app: Flask) -> Callable[[], None]:
    def check() -> None:
        with _within(app):
            mail.check()

    return check


def _end_sessions(app: Flask, name: str) -> EndSessions:
    def end(subject: str = "", session: str = "") -> int:
        with _within(app), transaction():
            providers = app.extensions["portal.providers"].given_by(name, "identity")
            ended = sum(sessions.end_known_as(provider, subject, session) for provider in providers)
            if session and not ended:
                for provider in providers:
                    jobs.post_end(provider, session)
            return ended

    return end


def _open_rooms(app: Flask, name: str) -> OpenRooms:
    def listed() -> tuple[Room, ...]:
        with _within(app):
            return rooms.open_rooms(app.extensions["portal.providers"].given_by(name, "video"))

    return listed


def url_for(app: Flask, base_url: str, name: str) -> Callable[..., str]:
    """A function that knows the addresses of the plugin's own routes, inside a request or not."""

    def own_url_for(endpoint: str, *, _external: bool = False, **values: object) -> str:
        path = app.url_map.bind("").build(f"plugin_{name}.{endpoint}", values)
        return f"{base_url}{path}" if _external else path

    return own_url_for
