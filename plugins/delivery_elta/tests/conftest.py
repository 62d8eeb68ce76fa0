"""What the tests share: the stand-in for ELTA Courier, and our provider beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier
from portal_delivery_elta.points import EltaPoint
from portal_delivery_elta.settings import EltaSettings
from pydantic import SecretStr

from portal.plugin_api import PluginContext
from portal.testing.elta import EltaSimulator

PATIENCE = 15.0
"""Seconds for one call: more than a busy machine needs. Tests of late answers have less."""


@pytest.fixture
def elta(clock: Any) -> Iterator[EltaSimulator]:
    """ELTA Courier with its customer for tests."""
    server = EltaSimulator()
    yield server
    server.close()


@pytest.fixture
def provider_by(
    plugin_context: Callable[..., PluginContext[Any]], elta: EltaSimulator
) -> Callable[..., EltaCourier]:
    """``provider_by(EltaPoint, sender_sub_code="0005")``: one of ours, set otherwise."""

    def make(kind: type[EltaCourier], **changed: Any) -> EltaCourier:
        values = {
            "base_url": elta.url,
            "user_code": "9999999",
            "password": SecretStr("9999999"),
            "sender_code": "999999999",
            **changed,
        }
        settings = EltaSettings(**values)
        contract = settings.contract()
        assert contract is not None
        provider = kind(plugin_context("delivery_elta", settings), contract)
        provider.services.patience = PATIENCE
        return provider

    return make


@pytest.fixture
def courier_by(provider_by: Callable[..., EltaCourier]) -> Callable[..., EltaCourier]:
    """``courier_by(sender_sub_code="0005")``: the one that brings to the door."""
    return partial(provider_by, EltaCourier)


@pytest.fixture
def point_by(provider_by: Callable[..., Any]) -> Callable[..., EltaPoint]:
    """The same for the one that leaves it at a point."""
    return partial(provider_by, EltaPoint)


@pytest.fixture
def at_point(point_by: Callable[..., EltaPoint]) -> EltaPoint:
    """The one that leaves it at a point, with the usual settings."""
    return point_by()


@pytest.fixture
def courier(courier_by: Callable[..., EltaCourier]) -> EltaCourier:
    """Our provider with the usual settings."""
    return courier_by()
