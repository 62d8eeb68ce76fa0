"""Video among two to four browsers without a server in between; the portal only passes on who is there."""

from portal.plugin_api import Manifest, PluginBlueprint, PluginContext, VideoProvider, hookimpl

from .pages import add_pages
from .provider import DirectRooms
from .settings import DirectSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=DirectSettings)


@hookimpl
def portal_video_provider(context: PluginContext[DirectSettings]) -> VideoProvider:
    return DirectRooms(context)


@hookimpl
def portal_routes(context: PluginContext[DirectSettings], blueprint: PluginBlueprint) -> None:
    add_pages(context, blueprint)
