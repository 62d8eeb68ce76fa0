"""A strict stand-in for BigBlueButton, alone or behind Scalelite or b3lb, for tests of video calls.

It refuses what the real one refuses, has a page that a browser can be "in the meeting" with, and can be told
to fail. It transmits neither picture nor sound.
"""

from .meetings import Meeting, Visit
from .server import BbbSimulator, Called

__all__ = ["BbbSimulator", "Called", "Meeting", "Visit"]
