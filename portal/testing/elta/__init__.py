"""A strict stand-in for the SOAP services of ELTA Courier, for tests of parcels.

It refuses what the real one is known to refuse, moves parcels through their life when a test says so, and
can be told to fail. All parcels in it are invented.
"""

from .parcels import SentParcel
from .server import EltaSimulator

__all__ = ["EltaSimulator", "SentParcel"]
