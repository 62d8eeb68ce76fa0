"""Tests of people log in as people do, at a provider that believes what the test says."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from portal.plugin_api import Identity
from portal.testing.fakes import FakeIdentity, choose


@pytest.fixture
def provider(app):
    """An identity provider that believes whoever the test puts into ``provider.people``."""
    provider = FakeIdentity({}, "directory")
    choose(app, identity=provider)
    return provider


@pytest.fixture
def arrive(client, provider):
    """``arrive(Identity(…), door="staff")``: the whole login; the answer is the page it leads to."""

    def arrive(identity: Identity, door: str = "citizens", browser=None):
        browser = browser or client
        provider.people[identity.subject] = identity
        sent = browser.get("/login/staff?go=1" if door == "staff" else "/login?go=1").location
        [state] = parse_qs(urlsplit(sent).query)["state"]
        return browser.get(
            "/login/back", query_string={"state": state, "code": f"{state}.{identity.subject}"}
        )

    return arrive
