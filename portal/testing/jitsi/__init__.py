"""A strict stand-in for a Jitsi Meet server, for tests of calls: prosody's checks, and a page for the frame.

It refuses what the real one refuses, with the same words, and can be told to fail. In one thing it is
stricter: it lets nobody into a room whose page could capture anything.
"""

from .configuration import configuration
from .reservations import ReservationClient
from .server import JitsiSimulator
from .tokens import ServerKeys, TokenRefused, verify

__all__ = ["JitsiSimulator", "ReservationClient", "ServerKeys", "TokenRefused", "configuration", "verify"]
