"""The demonstration login keeps the contract, stays out of production, and leads nowhere foreign."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from portal_identity_demo.personas import PERSONAS
from portal_identity_demo.provider import DemoLogin

from portal.plugin_api import ConfigurationFailure, IdentityProvider, LoginStart, PluginContext
from portal.testing import kit
from portal.testing.browser import Browser
from portal.testing.contracts import IdentityProviderContract
from portal.testing.page_lint import lint


class TestContract(IdentityProviderContract):
    @pytest.fixture
    def provider(self, plugin_context: Callable[..., PluginContext[Any]]) -> IdentityProvider:
        context = plugin_context("identity_demo")
        self.browser = kit.browser(context)
        return DemoLogin(context)

    def come_back(self, start: LoginStart, person: int) -> Mapping[str, str]:
        return self._answer(start, PERSONAS[person].identity.subject)

    def decline(self, start: LoginStart) -> Mapping[str, str]:
        return self._answer(start, "")

    def _answer(self, start: LoginStart, subject: str) -> Mapping[str, str]:
        response = self.browser.post(start.url, data={"subject": subject})
        assert response.status_code == 302
        return dict(parse_qsl(urlsplit(response.location).query))


def test_it_refuses_to_run_where_real_people_are_served(
    plugin_context: Callable[..., PluginContext[Any]],
) -> None:
    with pytest.raises(ConfigurationFailure, match=r"\[portal\] demo = true"):
        DemoLogin(plugin_context("identity_demo", demo=False))


@pytest.mark.parametrize("language", ["el", "en"])
@pytest.mark.parametrize(("door", "first"), [("/login", "maria.papadopoulou"), ("/login/staff", "s.ioannou")])
def test_the_page_is_in_order_and_offers_the_people_of_this_door_first(
    client: Browser, language: str, door: str, first: str
) -> None:
    client.get(f"/?lang={language}")
    page = client.get(door, follow_redirects=True)
    assert lint(page.text, language) == []
    subjects = re.findall(r'name="subject" value="([^"]+)"', page.text)
    assert subjects[0] == first
    assert len(subjects) == len(PERSONAS)


def test_whoever_chooses_is_logged_in(client: Browser) -> None:
    back = client.submit(client.get("/login").location, {"subject": "john.miller"})
    assert client.get(back.location).status_code == 302
    assert "John Miller" in client.get("/").text


@pytest.mark.parametrize("order", ["", "forged", "eyJyZXR1cm5fdXJsIjoiaHR0cHM6Ly9ldmlsLmV4YW1wbGUifQ.aa.bb"])
def test_an_order_that_was_not_signed_here_leads_nowhere(
    plugin_context: Callable[..., PluginContext[Any]], order: str
) -> None:
    browser = kit.browser(plugin_context("identity_demo"))
    address = {"path": "/plugins/identity_demo/login", "query_string": {"order": order}}
    assert browser.get(**address).status_code == 403
    assert browser.post(**address, data={"subject": "k.alexiou"}).status_code == 403


def test_a_code_is_no_order(plugin_context: Callable[..., PluginContext[Any]]) -> None:
    context = plugin_context("identity_demo")
    code = context.signer.sign({"state": "s", "subject": "k.alexiou"})
    address = context.url_for("choose", order=code)
    assert kit.browser(context).get(address).status_code == 403
