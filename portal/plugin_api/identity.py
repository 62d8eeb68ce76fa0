"""Contract of an identity provider: send a person away to log in, and say who came back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .errors import ProviderFailure
from .texts import LazyText
from .trial import Finding

Door = Literal["citizens", "staff"]
StaffRole = Literal["clerk", "supervisor", "administrator", "interpreter"]


@dataclass(frozen=True)
class LoginStart:
    """Where the browser goes, and the values the core keeps in the session until it is back."""

    url: str
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StaffPost:
    """A post that the identity server grants: a role in the office with this key of the catalogue.

    An administrator's is empty: he looks after the whole municipality.
    """

    role: StaffRole
    office: str = ""


@dataclass(frozen=True)
class Identity:
    """A person as the identity server knows him.

    ``subject`` is unique and stable within the provider. Any other field may be empty: a foreigner has
    no father's name in the registry, many directories have no tax number.
    """

    subject: str
    username: str = field(default="", repr=False)
    """What staff type to log in; at the first visit it leads to the entry of the catalogue."""
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    fathers_name: str = field(default="", repr=False)
    birth_year: int | None = field(default=None, repr=False)
    tax_number: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    posts: tuple[StaffPost, ...] | None = None
    """The posts of somebody who came through the staff's door, all of them; the portal then follows them.
    None: this provider knows no posts, and those of the catalogue hold."""
    session: str = field(default="", repr=False)
    """The identity server's own name of its session, for ``PluginContext.end_sessions``."""
    logout_hint: str = field(default="", repr=False)
    """Whatever the provider needs at logout; kept encrypted on the server while the session lives, and
    given back to ``logout_url`` and ``logout_fields``. The browser sees no more of it than those say."""
    former_subjects: tuple[str, ...] = ()
    """Other names of the same ``subject``, of which an account may still bear one: where it is made with the
    secret key (`Signer.derive`) those made with the keys before."""


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
        """Turn the browser's answer (query values) into an identity, or raise ``LoginRefused``.

        Raises ``TemporaryFailure`` when the identity server does not answer properly and
        ``ConfigurationFailure`` when it does not accept this portal.
        """

    @abstractmethod
    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        """Address that ends the session at the identity server, or None if there is none. Pure."""

    def logout_fields(self, identity: Identity, return_url: str) -> Mapping[str, str]:
        """What the browser sends to ``logout_url`` as a form, because it must not stand in an address. Pure.

        Addresses are kept in histories and logs. Empty, as by default: the browser just goes there.
        """
        return {}

    def unfit_for(self, door: Door) -> str:
        """Why this provider must not serve ``door`` as it is set, and which setting mends that. Pure.

        Asked at the start, which an answer stops; empty, as by default: it may.
        """
        return ""

    @abstractmethod
    def check(self) -> None:
        """Raise a ``ProviderFailure`` when the identity server cannot be used."""

    def try_out(self, return_url: str) -> list[Finding]:
        """What ``portal try identity`` tells an administrator: each thing that was tried, and its trouble.

        Nobody is logged in. ``return_url`` is where a login would come back to. By default that is ``check``.
        """
        try:
            self.check()
        except ProviderFailure as failure:
            return [Finding("the identity server can be used", str(failure))]
        return [Finding("the identity server can be used")]
