"""Documents by ELTA Courier over its SOAP services, to an address or to a point, and as registered mail."""

from portal.plugin_api import DeliveryProvider, Manifest, PluginContext, hookimpl

from .courier import EltaCourier
from .points import EltaPoint
from .registered import RegisteredMail
from .settings import EltaSettings


@hookimpl
def portal_manifest() -> Manifest:
    return Manifest(api=1, settings=EltaSettings)


@hookimpl
def portal_delivery_provider(context: PluginContext[EltaSettings]) -> list[DeliveryProvider]:
    """Registered mail needs no contract with ELTA Courier, so it is there without one too."""
    contract = context.settings.contract()
    courier = [EltaCourier(context, contract), EltaPoint(context, contract)] if contract else []
    return [*courier, RegisteredMail()]
