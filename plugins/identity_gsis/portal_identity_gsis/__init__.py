"""Login with TAXISnet codes, directly at GSIS (ΓΓΠΣΔΔ) by plain OAuth 2."""

from portal.plugin_api import IdentityProvider, Manifest, PluginContext, hookimpl

from .provider import GsisLogin
from .settings import GsisSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=GsisSettings)


@hookimpl
def portal_identity_provider(context: PluginContext[GsisSettings]) -> IdentityProvider:
    return GsisLogin(context)
