"""Video calls on a BigBlueButton server, or on several behind Scalelite or b3lb."""

from portal.plugin_api import Manifest, PluginContext, VideoProvider, hookimpl

from .provider import BbbRooms
from .settings import BbbSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=BbbSettings)


@hookimpl
def portal_video_provider(context: PluginContext[BbbSettings]) -> VideoProvider:
    return BbbRooms(context)
