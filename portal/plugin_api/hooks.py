"""The hooks. Five hand over objects when the portal starts; the sixth observes what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from .settings import PluginSettings

if TYPE_CHECKING:
    from .blueprint import PluginBlueprint
    from .context import PluginContext
    from .delivery import DeliveryProvider
    from .events import Event
    from .identity import IdentityProvider
    from .video import VideoProvider

API_VERSION = 1
SUPPORTED_API_VERSIONS = frozenset({1})

hookspec = pluggy.HookspecMarker("portal")
hookimpl = pluggy.HookimplMarker("portal")


@dataclass(frozen=True)
class Manifest:
    """What a plugin says of itself: the API it was written for, and the class of its settings."""

    api: int
    settings: type[PluginSettings] | None = None


@hookspec
def portal_manifest() -> Manifest:  # type: ignore[empty-body]
    """Required. Asked once, first of all."""


@hookspec
def portal_video_provider(context: PluginContext[Any]) -> VideoProvider:  # type: ignore[empty-body]
    """Hand over a video provider. Asked once at the start."""


@hookspec
def portal_delivery_provider(  # type: ignore[empty-body]
    context: PluginContext[Any],
) -> DeliveryProvider | list[DeliveryProvider]:
    """Hand over a delivery provider, or several. Asked once at the start."""


@hookspec
def portal_identity_provider(context: PluginContext[Any]) -> IdentityProvider:  # type: ignore[empty-body]
    """Hand over an identity provider. Asked once at the start."""


@hookspec
def portal_routes(context: PluginContext[Any], blueprint: PluginBlueprint) -> None:
    """Add routes below ``/plugins/<name>/``. Asked once at the start."""


@hookspec
def portal_on_event(context: PluginContext[Any], event: Event) -> None:
    """Told about one event, in a worker, once per plugin; raise to be told again later."""
