"""Sends the browser to the page of personas and believes the signed code that it brings back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from portal.plugin_api import (
    ConfigurationFailure,
    Door,
    Identity,
    IdentityProvider,
    LoginRefused,
    LoginStart,
    PluginContext,
    lazy,
)

from .personas import BY_SUBJECT

CODE_LIFETIME = timedelta(minutes=2)


class DemoLogin(IdentityProvider):
    """Says that somebody is whoever he chose to be."""

    name = "demo"
    title = lazy("Demonstration login")

    def __init__(self, context: PluginContext[None]) -> None:
        if not context.demo:
            raise ConfigurationFailure(
                "lets anybody in as anybody, so it runs in demonstrations only: "
                "set [portal] demo = true, or choose another plugin in [plugins] enabled"
            )
        self._signer = context.signer
        self._url_for = context.url_for

    def start(self, return_url: str, state: str, locale: str, door: Door) -> LoginStart:
        # Signed, so that nobody can make a link which leads over our page to a foreign one.
        order = self._signer.sign({"return_url": return_url, "state": state, "door": door})
        return LoginStart(self._url_for("choose", order=order))

    def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Identity:
        if "error" in answer:
            raise LoginRefused("the person went back without choosing", "declined")
        code = self._signer.read(answer.get("code", ""), CODE_LIFETIME)
        # The core accepts a state once, so a code that is bound to it works once as well.
        if code is None or code.get("state") != answer.get("state") or "subject" not in code:
            raise LoginRefused("the code is forged, too old or was made for another login")
        return BY_SUBJECT[code["subject"]].identity

    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        return None

    def check(self) -> None:
        """Needs nothing from outside."""
