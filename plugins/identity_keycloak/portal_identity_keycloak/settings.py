"""What an administrator may set: where Keycloak is, and how its claims and roles are to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from portal.plugin_api import PluginSettings, Secret, StaffRole, Url

OFFICE = "{office}"
"""Stands in the pattern of a role for the key that the office has in the catalogue."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key. Those with a shared one are not among them: whoever checks could forge."""


def _is_claim(value: str) -> str:
    if value and not re.fullmatch(r"[^\s.]+(\.[^\s.]+)*", value):
        raise ValueError('must be the name of a claim like "afm" or "address.phone", or "" for none')
    return value


ClaimName = Annotated[str, AfterValidator(_is_claim)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Claims(_Table):
    """In which claim each fact stands; a dot leads into a nested one, an empty name is "not told"."""

    tax_number: ClaimName = "afm"
    first_name: ClaimName = "given_name"
    last_name: ClaimName = "family_name"
    fathers_name: ClaimName = "fathers_name"
    birth_year: ClaimName = "birth_year"
    email: ClaimName = "email"
    phone: ClaimName = "phone_number"
    username: ClaimName = "preferred_username"

    @model_validator(mode="after")
    def _each_claim_says_one_thing(self) -> Claims:
        named = [claim for claim in self.model_dump().values() if claim]
        twice = sorted({claim for claim in named if named.count(claim) > 1})
        if twice:
            raise ValueError(f"the claim {twice[0]} is named twice; each fact needs a claim of its own")
        return self


class Roles(_Table):
    """How a role of Keycloak is written that grants a post; an empty pattern grants none."""

    clerk: str = "clerk:{office}"
    supervisor: str = "supervisor:{office}"
    interpreter: str = "interpreter:{office}"
    administrator: str = "administrator"

    @field_validator("clerk", "supervisor", "interpreter")
    @classmethod
    def _names_the_office(cls, pattern: str) -> str:
        if pattern and pattern.count(OFFICE) != 1:
            raise ValueError(f'must contain {OFFICE} once, like "clerk:{OFFICE}", or be empty')
        return pattern

    @field_validator("administrator")
    @classmethod
    def _names_no_office(cls, pattern: str) -> str:
        if OFFICE in pattern:
            raise ValueError(f"must not contain {OFFICE}: an administrator looks after all offices")
        return pattern

    @model_validator(mode="after")
    def _each_role_grants_one_post(self) -> Roles:
        for one, pattern in self.patterns():
            for other, expression in self.expressions():
                if one != other and expression.fullmatch(pattern.replace(OFFICE, "x")):
                    raise ValueError(f"the same role would make somebody {one} and {other}")
        return self

    def patterns(self) -> Iterator[tuple[StaffRole, str]]:
        """The patterns that grant something."""
        written: tuple[tuple[StaffRole, str], ...] = (
            ("clerk", self.clerk),
            ("supervisor", self.supervisor),
            ("interpreter", self.interpreter),
            ("administrator", self.administrator),
        )
        return ((role, pattern) for role, pattern in written if pattern)

    def expressions(self) -> Iterator[tuple[StaffRole, re.Pattern[str]]]:
        """The same, to match the name of a role with; the group is the key of the office."""
        for role, pattern in self.patterns():
            parts = map(re.escape, pattern.split(OFFICE))
            yield role, re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)".join(parts))


class KeycloakSettings(PluginSettings):
    """The first four must be given; the rest fits the realm file that comes with the portal."""

    server_url: Url
    """Where Keycloak answers, without ``/realms/…``."""
    realm: str = Field(min_length=1, pattern=r"^[^/\s?#]+$")
    client_id: str = Field(min_length=1)
    client_secret: Secret
    scope: str = "openid"
    """What is asked for; a client without own mappers may need ``openid profile email phone``."""
    identity_provider_hint: str = ""
    """Alias of the identity provider to which citizens are sent at once, such as taxisnet."""
    claims: Claims = Claims()
    required: tuple[Literal["tax_number", "first_name", "last_name"], ...] = Field(
        default=("tax_number", "last_name"), strict=False
    )
    """What must be told about a citizen; without it nobody is logged in at the citizens' door."""
    roles_from: Literal["client", "realm", "catalogue"] = "client"
    """Whose roles grant posts; ``catalogue``: none, and the posts of the catalogue hold."""
    roles: Roles = Roles()
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256",), min_length=1, strict=False)
    leeway_seconds: int = Field(default=30, ge=0, le=300)
    """By how much the clocks of Keycloak and of the portal may differ."""
    timeout_seconds: int = Field(default=5, ge=1, le=20)
    """How long one answer of Keycloak may take."""

    @field_validator("server_url")
    @classmethod
    def _ends_before_the_realm(cls, url: str) -> str:
        if "/realms/" in url:
            raise ValueError("must end before /realms/; the name after it is the setting realm")
        return url

    @field_validator("scope")
    @classmethod
    def _asks_for_an_id_token(cls, scope: str) -> str:
        if "openid" not in scope.split():
            raise ValueError("must contain openid")
        return scope
