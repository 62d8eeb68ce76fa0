"""Documents collected at the counter, against a code."""

from portal.plugin_api import DeliveryProvider, Manifest, PluginContext, hookimpl

from .provider import CounterPickup
from .settings import PickupSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=PickupSettings)


@hookimpl
def portal_delivery_provider(context: PluginContext[PickupSettings]) -> DeliveryProvider:
    return CounterPickup(context)
