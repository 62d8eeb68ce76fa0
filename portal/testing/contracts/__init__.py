"""What every provider must do, as test classes. Inherit from one, say how to make your provider, run pytest.

The classes named ``…Contract`` are for plugins; the ones named ``…Behaviour`` leave out the tests about
the plugin's package, for a provider that has none.
"""

from .delivery import DeliveryProviderBehaviour, DeliveryProviderContract
from .identity import IdentityProviderBehaviour, IdentityProviderContract
from .outside import OutsideFailures
from .video import VideoProviderBehaviour, VideoProviderContract

__all__ = [
    "DeliveryProviderBehaviour",
    "DeliveryProviderContract",
    "IdentityProviderBehaviour",
    "IdentityProviderContract",
    "OutsideFailures",
    "VideoProviderBehaviour",
    "VideoProviderContract",
]
