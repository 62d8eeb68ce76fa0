"""Documents collected at the counter, against a code."""

from portal.plugin_api import DeliveryProvider, Manifest, PluginContext, hookimpl

from .provider import CounterPickup


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1)


@hookimpl
def portal_delivery_provider(context: PluginContext[None]) -> DeliveryProvider:
    return CounterPickup(context)
