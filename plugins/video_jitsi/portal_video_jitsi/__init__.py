"""Calls on the municipality's own Jitsi Meet, drawn inside the portal's call page."""

from portal.plugin_api import Manifest, PluginBlueprint, PluginContext, VideoProvider, hookimpl

from .provider import JitsiRooms
from .reservations import add_reservations
from .settings import JitsiSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=JitsiSettings)


@hookimpl
def portal_video_provider(context: PluginContext[JitsiSettings]) -> VideoProvider:
    return JitsiRooms(context)


@hookimpl
def portal_routes(context: PluginContext[JitsiSettings], blueprint: PluginBlueprint) -> None:
    if context.settings.reservations:
        add_reservations(context, blueprint)
