"""What the tests share: the stand-in for ELTA Courier, and our provider beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portal_delivery_elta.courier import EltaCourier
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
def courier_by(
    plugin_context: Callable[..., PluginContext[Any]], elta: EltaSimulator
) -> Callable[..., EltaCourier]:
    """``courier_by(sender_sub_code="0005")``: our provider, with other settings than usual."""

    def make(**changed: Any) -> EltaCourier:
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
        provider = EltaCourier(plugin_context("delivery_elta", settings), contract)
        provider.services.patience = PATIENCE
        return provider

    return make


@pytest.fixture
def courier(courier_by: Callable[..., EltaCourier]) -> EltaCourier:
    """Our provider with the usual settings."""
    return courier_by()
