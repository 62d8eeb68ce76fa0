"""The chosen providers by name, each behind a guard: timing, error translation, pause.

Pages and jobs ask `current_providers()`; `portal.plugin_loader` fills it when the portal starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import structlog
from flask import current_app
from sqlalchemy import String, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.db import Base, UtcDateTime, db, transaction
from portal.plugin_api import (
    ConfigurationFailure,
    DeliveryProvider,
    Event,
    IdentityProvider,
    Join,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    VideoProvider,
)

log = structlog.get_logger()

P = TypeVar("P")

IN_PAGES = frozenset(
    {
        *("join", "join_url", "explain_return"),
        *("start", "finish", "logout_url", "logout_fields"),
        *("objection", "accept_number"),
    }
)
IN_JOBS = frozenset(
    {"open_room", "close_room", "send", "find", "remind", "label", "track", "cancel", "points", "forget"}
)
GUARDED = IN_PAGES | IN_JOBS | {"check", "try_out", "try_join", "try_send", "unfit_for"}

FAILURES_BEFORE_PAUSE = 5
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
"""Short enough that a mended account is noticed soon; a probe costs one call."""
PROBE_TIME = timedelta(minutes=2)
"""While one call probes a paused provider, the others stay away for so long."""


class ProviderPause(Base):
    """Failures in a row of one provider, and until when no job calls it. No row means all is well."""

    __tablename__ = "provider_pause"

    provider: Mapped[str] = mapped_column(String(30), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(255), default="")


@dataclass(frozen=True)
class Providers:
    """What this municipality has chosen. The first entry of ``video`` and ``delivery`` is preferred."""

    video: Mapping[str, VideoProvider]
    delivery: Mapping[str, DeliveryProvider]
    identity_citizens: IdentityProvider
    identity_staff: IdentityProvider
    observers: Mapping[str, Callable[[Event], None]] = field(default_factory=dict)
    """Plugins that want to be told what happened, by the plugin's name."""
    givers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Which plugin gives the provider of this kind (``identity``, ``video``, ``delivery``) and name."""

    def given_by(self, plugin: str, kind: str) -> list[str]:
        """The names of the providers of one kind that ``plugin`` gives."""
        return [name for (given, name), giver in self.givers.items() if (given, giver) == (kind, plugin)]

    def keeps(self, way: str) -> bool:
        """True for a way of delivery whose documents lie in the portal until their owner opens them."""
        provider = self.delivery.get(way)
        return provider is not None and provider.kept_in_portal

    def video_in_order(self) -> list[str]:
        """The video providers in the order in which they should be asked now: paused ones last."""
        return sorted(self.video, key=is_paused)


def current_providers() -> Providers:
    """The providers of the running application."""
    providers: Providers = current_app.extensions["portal.providers"]
    return providers


def is_paused(name: str) -> bool:
    """True while no job should call the provider. Pages go on using what needs no network."""
    pause = db.session.get(ProviderPause, name, populate_existing=True)
    return pause is not None and pause.paused_until is not None and pause.paused_until > clock.now()


def paused_providers() -> list[str]:
    """The names of all providers that are left alone at the moment."""
    paused = select(ProviderPause.provider).where(ProviderPause.paused_until > clock.now())
    return list(db.session.scalars(paused.order_by(ProviderPause.provider)))


def record_failure(name: str, failure: ProviderFailure) -> None:
    """Count a failure of the outside system; the fifth in a row pauses the provider.

    A wrong configuration pauses at once: asking again mends nothing. Each further failure doubles the pause.
    """
    with transaction():
        pause = db.session.get(ProviderPause, name, with_for_update=True)
        if pause is None:
            pause = ProviderPause(provider=name, failures=0)
            db.session.add(pause)
        pause.failures += 1
        pause.last_error = f"{type(failure).__name__}: {failure}"[:255]
        if isinstance(failure, ConfigurationFailure):
            pause.failures = max(pause.failures, FAILURES_BEFORE_PAUSE)
        if pause.failures >= FAILURES_BEFORE_PAUSE:
            pause.paused_until = clock.now() + _length_of_pause(pause.failures)
            log.error(
                "provider paused", provider=name, failures=pause.failures, until=str(pause.paused_until)
            )


def record_success(name: str) -> None:
    """The outside system answered: forget its failures."""
    if db.session.get(ProviderPause, name, populate_existing=True) is None:
        return
    with transaction():
        pause = db.session.get(ProviderPause, name, with_for_update=True)
        if pause is not None:
            db.session.delete(pause)
            log.info("provider answers again", provider=name)


def guard(provider: P) -> P:
    """``provider`` behind the guard. It looks the same from outside."""
    return cast(P, _Guarded(provider))


def on_trial(guarded: P) -> P:
    """The same provider for an administrator's trial: asked though it is paused, and no failure counts."""
    return cast(P, _Guarded(cast("_Guarded", guarded)._provider, counted=False))


class _Guarded:
    """Stands in front of one provider. Only the methods of the contracts are timed and translated."""

    def __init__(self, provider: Any, counted: bool = True) -> None:
        self._provider = provider
        self._counted = counted

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._provider, name)
        if name not in GUARDED:
            return attribute

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if self._counted and name in IN_JOBS:
                return _call_in_job(self._provider, name, attribute, args, kwargs)
            return _checked(self._provider, _timed(self._provider.name, name, attribute, args, kwargs))

        return guarded

    def __repr__(self) -> str:
        return f"<guarded {self._provider.name}>"


def _call_in_job(provider: Any, method: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if db.session().info.get("writing"):
        raise RuntimeError(f"{provider.name}.{method} inside transaction(): it may be slow")
    _stay_away_while_paused(provider.name)
    # Reading opened a connection; no call to the outside may keep it from others.
    db.session.rollback()
    try:
        result = _timed(provider.name, method, call, args, kwargs)
    except PermanentFailure:
        # The outside system did answer, it only refused this one piece of work.
        record_success(provider.name)
        raise
    except ProviderFailure as failure:
        record_failure(provider.name, failure)
        raise
    record_success(provider.name)
    return result


def _timed(name: str, method: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    begun = time.monotonic()
    outcome = "ok"
    try:
        return call(*args, **kwargs)
    except ProviderFailure as failure:
        outcome = type(failure).__name__
        raise
    except Exception as error:
        outcome = "unexpected"
        log.exception("provider broke", provider=name, method=method)
        raise TemporaryFailure(f"{name}.{method}: unexpected {type(error).__name__}") from error
    finally:
        milliseconds = round((time.monotonic() - begun) * 1000)
        log.info("provider called", provider=name, method=method, ms=milliseconds, outcome=outcome)


def _checked(provider: Any, result: Any) -> Any:
    """A way into a room may lead only where the provider said it would."""
    if isinstance(result, Join) and result.url is not None:
        address = urlsplit(result.url)
        if f"{address.scheme}://{address.netloc}" not in provider.origins:
            raise ConfigurationFailure(f"{provider.name}.join leads outside the provider's origins")
    return result


def _stay_away_while_paused(name: str) -> None:
    """Raise while the provider is paused; when the pause is over let exactly one caller probe it."""
    pause = db.session.get(ProviderPause, name, populate_existing=True)
    if pause is None or pause.paused_until is None:
        return
    waiting = pause.paused_until - clock.now()
    if waiting <= timedelta():
        if _may_probe(name, pause.paused_until):
            return
        waiting = PROBE_TIME
    raise TemporaryFailure(f"{name} is paused after failures in a row", retry_after=waiting)


def _may_probe(name: str, until: datetime) -> bool:
    with transaction():
        result = db.session.execute(
            update(ProviderPause)
            .where(ProviderPause.provider == name, ProviderPause.paused_until == until)
            .values(paused_until=clock.now() + PROBE_TIME)
        )
        return cast("CursorResult[Any]", result).rowcount == 1


def _length_of_pause(failures: int) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * 2 ** min(failures - FAILURES_BEFORE_PAUSE, 10)
    return min(doubled, LONGEST_PAUSE)
