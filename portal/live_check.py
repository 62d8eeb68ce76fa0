"""`portal check --live`: is everything there that the portal talks to? Called before a new start."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal import document_store, migrations, queues, zone_check
from portal.document_store import StoreTrouble
from portal.plugin_api import DeliveryProvider, ProviderFailure, VideoProvider
from portal.providers import current_providers


def troubles() -> Iterator[tuple[str, str]]:
    """Name and trouble of each; the trouble is empty when all is well."""
    yield "database", _database()
    yield "zone data", zone_check.of_this_portal(current_app.config["PORTAL"])
    yield "store", _store()
    yield "documents", _documents()
    yield from _providers()


def _database() -> str:
    try:
        return "" if migrations.is_current() else "is old: run `portal db upgrade`"
    except SQLAlchemyError as error:
        return f"does not answer ({type(error).__name__})"


def _store() -> str:
    try:
        queues.store(current_app).ping()
    except RedisError as error:
        return f"does not answer ({type(error).__name__})"
    return ""


def _documents() -> str:
    try:
        document_store.current_store().check()
    except StoreTrouble as trouble:
        return str(trouble)
    return ""


def _providers() -> Iterator[tuple[str, str]]:
    chosen = current_providers()
    identity = {provider.name: provider for provider in (chosen.identity_citizens, chosen.identity_staff)}
    for name, provider in identity.items():
        yield f"identity {name}", _trouble(provider.check)
    for name, way in chosen.delivery.items():
        yield from _tried(f"delivery {name}", way)
    for name, video in chosen.video.items():
        yield from _tried(f"video {name}", video)


def _tried(what: str, provider: DeliveryProvider | VideoProvider) -> Iterator[tuple[str, str]]:
    """What the outside system tells about itself; a video system also who gets in and what it records."""
    try:
        findings = provider.try_out()
    except ProviderFailure as failure:
        yield what, str(failure)
        return
    for finding in findings:
        yield f"{what}: {finding.tried}", finding.trouble


def _trouble(check: Callable[[], None]) -> str:
    try:
        check()
    except ProviderFailure as failure:
        return str(failure)
    return ""
