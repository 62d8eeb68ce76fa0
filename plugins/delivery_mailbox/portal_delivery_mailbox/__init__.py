"""Documents that lie in the portal until their owner opens them, with a notice that one waits."""

from portal.plugin_api import DeliveryProvider, Manifest, PluginContext, hookimpl

from .provider import Mailbox
from .settings import MailboxSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=MailboxSettings)


@hookimpl
def portal_delivery_provider(context: PluginContext[MailboxSettings]) -> DeliveryProvider:
    return Mailbox(context)
