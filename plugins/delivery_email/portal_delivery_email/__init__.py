"""Documents by e-mail: an expiring link to the portal, and an attachment for whoever asked for it."""

from portal.plugin_api import DeliveryProvider, Manifest, PluginContext, hookimpl

from .provider import EmailDelivery
from .settings import EmailSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=EmailSettings)


@hookimpl
def portal_delivery_provider(context: PluginContext[EmailSettings]) -> DeliveryProvider:
    return EmailDelivery(context)
