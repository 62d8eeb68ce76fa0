"""A strict stand-in for GSIS (oauth2.gsis.gr), for tests of logins with TAXISnet codes.

It refuses what the real one refuses, shows pages that a browser can use, and can be told to fail. All
people in it are invented.
"""

from .people import (
    ANNA,
    ELENI,
    FATHERLESS,
    FIRM,
    NEWCOMER,
    NUMBERLESS,
    OFFICIAL,
    TAXPAYERS,
    Taxpayer,
)
from .server import GsisSimulator, RegisteredClient
from .visitor import Visitor

__all__ = [
    "ANNA",
    "ELENI",
    "FATHERLESS",
    "FIRM",
    "NEWCOMER",
    "NUMBERLESS",
    "OFFICIAL",
    "TAXPAYERS",
    "GsisSimulator",
    "RegisteredClient",
    "Taxpayer",
    "Visitor",
]
