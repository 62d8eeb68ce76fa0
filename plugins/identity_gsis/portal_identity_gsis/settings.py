"""What GSIS gave the municipality: address, client and secret; a second client for staff if there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from portal.plugin_api import Door, PluginSettings, Secret, Url

Context = Literal["oauth2server", "oauth2serverotp", "oauth2servergov"]
"""Citizens and businesses; the same with a one-time password; public employees."""
EMPLOYEES: Context = "oauth2servergov"


def _is_client_id(value: str) -> str:
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError("copy it again: it has a space, or a letter that is not Latin")
    return value


def _is_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must begin with a slash")
    return value


def _is_logout_path(value: str) -> str:
    if "{" in value.replace("{client_id}", "") or not value.endswith("/"):
        raise ValueError('write it like "/logout/{client_id}/": nothing else in braces, a slash at its end')
    return value


Path = Annotated[str, AfterValidator(_is_path)]
LogoutPath = Annotated[str, AfterValidator(_is_path), AfterValidator(_is_logout_path)]
ClientId = Annotated[str, AfterValidator(_is_client_id)]


class GsisSettings(PluginSettings):
    """The staff's values may be left out; then both doors use the same client and context."""

    base_url: Url
    client_id: ClientId = Field(min_length=1)
    client_secret: Secret
    context: Context = "oauth2server"
    staff_client_id: ClientId = ""
    staff_client_secret: Secret | None = Field(default=None, validate_default=True)
    staff_context: Context | None = None
    """Without it, and with a client for staff, ``oauth2servergov``."""
    authorize_path: Path = "/oauth/authorize"
    token_path: Path = "/oauth/token"  # noqa: S105 - an address
    userinfo_path: Path = "/userinfo?format=xml"
    logout_path: LogoutPath = "/logout/{client_id}/"
    login_path: Path = "/j_spring_security_check"
    """Where the login page of GSIS sends the codes: a trial knows the page by it. Nothing is sent there."""
    scope: str = "read"

    @field_validator("staff_client_secret")
    @classmethod
    def _staff_client_is_whole(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        has_id = bool(info.data.get("staff_client_id"))
        variable = "PORTAL_IDENTITY_GSIS_STAFF_CLIENT_SECRET"
        if has_id and secret is None:
            raise ValueError(f"is missing although staff_client_id is set; set {variable}")
        if secret is not None and not has_id:
            raise ValueError(f"is set without staff_client_id; set staff_client_id, or remove {variable}")
        return secret

    @field_validator("staff_context")
    @classmethod
    def _staff_context_has_its_client(cls, context: Context | None, info: ValidationInfo) -> Context | None:
        if context and not info.data.get("staff_client_id"):
            raise ValueError("is set without staff_client_id; set staff_client_id, or delete staff_context")
        return context

    def client(self, door: Door) -> Client:
        """What to use at this door."""
        if door == "staff" and self.staff_client_id and self.staff_client_secret:
            context = self.staff_context or EMPLOYEES
            return self._client("staff_", self.staff_client_id, self.staff_client_secret, context)
        return self._client("", self.client_id, self.client_secret, self.context)

    def clients(self) -> list[Client]:
        """Every client once, the citizens' first."""
        return [self.client("citizens")] + ([self.client("staff")] if self.staff_client_id else [])

    def _client(self, prefix: str, client_id: str, secret: Secret, context: Context) -> Client:
        base = f"{self.base_url}/{context}"
        return Client(
            prefix=prefix,
            client_id=client_id,
            secret=secret,
            names_employees=context == EMPLOYEES,
            scope=self.scope,
            login_path=self.login_path,
            authorize=base + self.authorize_path,
            token=base + self.token_path,
            userinfo=base + self.userinfo_path,
            logout=base + self.logout_path.replace("{client_id}", quote(client_id, safe="")),
        )


@dataclass(frozen=True)
class Client:
    """One registration at GSIS with its addresses."""

    prefix: str
    """What stands before the names of its settings: nothing or ``staff_``."""
    client_id: str
    secret: Secret = field(repr=False)
    names_employees: bool
    """True for the context of public employees, whose user names no citizen can choose."""
    scope: str
    login_path: str
    authorize: str
    token: str
    userinfo: str
    logout: str

    def authorize_address(self, return_url: str, state: str) -> str:
        """Where a login begins."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": return_url,
            "scope": self.scope,
            "state": state,
        }
        return f"{self.authorize}?{_query(query)}"

    def logout_address(self, return_url: str) -> str:
        """Where the session at GSIS ends; GSIS then sends the browser to ``return_url``."""
        return f"{self.logout}?{_query({'url': return_url})}"

    @property
    def settings(self) -> str:
        """Its settings in words, for whoever has to mend them."""
        return f"{self.prefix}client_id, {self.variable} and {self.prefix}context"

    @property
    def variable(self) -> str:
        """The environment variable of its secret."""
        return f"PORTAL_IDENTITY_GSIS_{self.prefix}CLIENT_SECRET".upper()


def _query(values: dict[str, str]) -> str:
    return urlencode(values, quote_via=quote, safe="")
