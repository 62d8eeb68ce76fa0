"""Login for demonstrations: choose one of a few invented people. Never runs where real people are served."""

from portal.plugin_api import IdentityProvider, Manifest, PluginBlueprint, PluginContext, hookimpl

from .pages import add_pages
from .provider import DemoLogin


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1)


@hookimpl
def portal_identity_provider(context: PluginContext[None]) -> IdentityProvider:
    return DemoLogin(context)


@hookimpl
def portal_routes(context: PluginContext[None], blueprint: PluginBlueprint) -> None:
    add_pages(context, blueprint)
