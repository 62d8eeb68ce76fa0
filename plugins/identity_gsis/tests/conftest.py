"""What the tests share: the stand-in for GSIS with our client known there, and our provider beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portal_identity_gsis.provider import GsisLogin
from portal_identity_gsis.settings import GsisSettings
from pydantic import SecretStr

from portal.plugin_api import Door, Identity, PluginContext
from portal.testing.contracts.identity import RETURN_URL
from portal.testing.gsis import GsisSimulator, RegisteredClient, Taxpayer, Visitor

HOME = "https://kep.example/"


@pytest.fixture
def gsis() -> Iterator[GsisSimulator]:
    """GSIS; it knows the client ``kep`` of citizens and ``kep-staff`` of public employees."""
    server = GsisSimulator()
    for client_id, context in (
        ("kep", "oauth2server"),
        ("kep", "oauth2serverotp"),
        ("kep-staff", "oauth2servergov"),
    ):
        known = RegisteredClient(
            client_id, f"{client_id}-secret", frozenset({RETURN_URL}), frozenset({HOME}), context
        )
        server.register(known)
    yield server
    server.close()


@pytest.fixture
def login_by(
    plugin_context: Callable[..., PluginContext[Any]], gsis: GsisSimulator
) -> Callable[..., GsisLogin]:
    """``login_by(context="oauth2serverotp")``: our provider, with other settings than usual."""

    def make(**changed: Any) -> GsisLogin:
        values = {
            "base_url": gsis.url,
            "client_id": "kep",
            "client_secret": SecretStr("kep-secret"),
            **changed,
        }
        return GsisLogin(plugin_context("identity_gsis", GsisSettings(**values)))

    return make


@pytest.fixture
def provider(login_by: Callable[..., GsisLogin]) -> GsisLogin:
    """Our provider with the citizens' client alone."""
    return login_by()


@pytest.fixture
def both_doors(login_by: Callable[..., GsisLogin]) -> GsisLogin:
    """Our provider with a client for each door."""
    return login_by(staff_client_id="kep-staff", staff_client_secret=SecretStr("kep-staff-secret"))


@pytest.fixture
def enter() -> Callable[..., Identity]:
    """``enter(provider, ELENI)``: log in at GSIS in a fresh browser, and come back."""

    def enter(provider: GsisLogin, taxpayer: Taxpayer, door: Door = "citizens") -> Identity:
        start = provider.start(RETURN_URL, "state-1", "el", door)
        with Visitor() as visitor:
            answer = visitor.log_in(start.url, taxpayer)
        return provider.finish(start.kept, answer)

    return enter
