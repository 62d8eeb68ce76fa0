"""Login through a Keycloak of the municipality: OpenID Connect with code, PKCE, state and nonce."""

from portal.plugin_api import IdentityProvider, Manifest, PluginBlueprint, PluginContext, hookimpl

from .logout import add_routes
from .provider import KeycloakLogin
from .settings import KeycloakSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=KeycloakSettings)


@hookimpl
def portal_identity_provider(context: PluginContext[KeycloakSettings]) -> IdentityProvider:
    return KeycloakLogin(context)


@hookimpl
def portal_routes(context: PluginContext[KeycloakSettings], blueprint: PluginBlueprint) -> None:
    add_routes(context, blueprint)
