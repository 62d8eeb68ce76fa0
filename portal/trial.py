"""`portal try`: exercise one configured provider as far as that can be done without serving anybody."""

from __future__ import annotations

from flask import Flask, current_app, url_for

from portal.plugin_api import Finding, IdentityProvider, ProviderFailure
from portal.providers import current_providers


class NotChosen(Exception):
    """No provider of this name serves here; the text says which do."""


def identity(app: Flask, name: str) -> list[Finding]:
    """Try the identity provider ``name`` without logging anybody in. Raises NotChosen."""
    with app.test_request_context():
        provider = _chosen(name)
        return_url = current_app.config["PORTAL"].portal.base_url + url_for("login.back")
        try:
            return provider.try_out(return_url)
        except ProviderFailure as failure:
            return [Finding("the provider can be tried", str(failure))]


def _chosen(name: str) -> IdentityProvider:
    providers = current_providers()
    chosen = {one.name: one for one in (providers.identity_citizens, providers.identity_staff)}
    if name not in chosen:
        raise NotChosen(
            f"[providers] identity: names no provider {name}; it names {', '.join(sorted(chosen))}"
        )
    return chosen[name]
