"""`portal check --live`: is everything there that the portal talks to? Called before a new start."""

from __future__ import annotations

from collections.abc import Iterator

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal import migrations, queues, zone_check
from portal.plugin_api import ProviderFailure
from portal.providers import current_providers


def troubles() -> Iterator[tuple[str, str]]:
    """Name and trouble of each; the trouble is empty when all is well."""
    yield "database", _database()
    yield "zone data", zone_check.of_this_portal(current_app.config["PORTAL"])
    yield "store", _store()
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


def _providers() -> Iterator[tuple[str, str]]:
    chosen = current_providers()
    identity = {provider.name: provider for provider in (chosen.identity_citizens, chosen.identity_staff)}
    for kind, providers in (("identity", identity), ("video", chosen.video), ("delivery", chosen.delivery)):
        for name, provider in providers.items():
            try:
                provider.check()
            except ProviderFailure as failure:
                yield f"{kind} {name}", str(failure)
            else:
                yield f"{kind} {name}", ""
