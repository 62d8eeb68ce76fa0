"""Contract of an identity provider: send a person away to log in, and say who came back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .texts import LazyText

Door = Literal["citizens", "staff"]


@dataclass(frozen=True)
class LoginStart:
    """Where the browser goes, and the values the core keeps in the session until it is back."""

    url: str
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Identity:
    """A person as the identity server knows him.

    ``subject`` is unique and stable within the provider. Any other field may be empty: a foreigner has
    no father's name in the registry, a legal person has no first name.
    """

    subject: str
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    fathers_name: str = field(default="", repr=False)
    birth_year: int | None = field(default=None, repr=False)
    tax_number: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    logout_hint: str = field(default="", repr=False)
    """Whatever the provider needs at logout; kept in the session, given back to ``logout_url``."""


class IdentityProvider(ABC):
    """Proves who somebody is. ``finish`` is the one network call that is made inside a page."""

    name: str
    title: LazyText
    timeout: int = 5

    @abstractmethod
    def start(self, return_url: str, state: str, locale: str, door: Door) -> LoginStart:
        """Address to send the browser to. Pure.

        ``state`` must come back unchanged; the core compares it. ``door`` says who is expected:
        people who log in through the citizens' door never get a staff role.
        """

    @abstractmethod
    def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Identity:
        """Turn the browser's answer (query values) into an identity, or raise ``LoginRefused``."""

    @abstractmethod
    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        """Address that ends the session at the identity server, or None if there is none. Pure."""

    @abstractmethod
    def check(self) -> None:
        """Raise a ``ProviderFailure`` when the identity server cannot be used."""
