"""Sends the browser to GSIS, and turns the code that it brings back into a person."""

from __future__ import annotations

from collections.abc import Mapping

from portal.plugin_api import (
    ConfigurationFailure,
    Door,
    Finding,
    Identity,
    IdentityProvider,
    LoginRefused,
    LoginStart,
    PluginContext,
    ProviderFailure,
    TemporaryFailure,
    is_tax_number,
    lazy,
)

from . import trial, userinfo
from .calls import SETTINGS_ARE_WRONG, Deadline, GsisServer
from .settings import GsisSettings


class GsisLogin(IdentityProvider):
    """TAXISnet codes, or those of public administration where GSIS gave a client for them."""

    name = "gsis"
    title = lazy("TAXISnet codes")
    timeout = 10

    def __init__(self, context: PluginContext[GsisSettings]) -> None:
        self._context = context
        self._settings = context.settings

    def start(self, return_url: str, state: str, locale: str, door: Door) -> LoginStart:
        address = self._settings.client(door).authorize_address(return_url, state)
        return LoginStart(address, {"door": door, "return_url": return_url})

    def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Identity:
        if answer.get("error") or answer.get("error_description"):
            raise _refusal(answer)
        if not answer.get("code"):
            raise LoginRefused("GSIS sent nobody back: there is no code")
        door: Door = "staff" if kept.get("door") == "staff" else "citizens"
        client = self._settings.client(door)
        server = self._server()
        token = server.token(client, answer["code"], kept.get("return_url", ""))
        # The token is not kept: nothing else is asked with it.
        return self._identity(server.person(client, token), door, client.names_employees)

    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        client = self._settings.client("staff" if identity.logout_hint == "staff" else "citizens")
        return client.logout_address(return_url)

    def unfit_for(self, door: Door) -> str:
        if door == "citizens" or self._settings.client("staff").names_employees:
            return ""
        return (
            "staff would log in with the codes of citizens, of whom anybody may bear a clerk's name: set "
            "staff_client_id and its secret in [plugin.identity_gsis], with staff_context = "
            '"oauth2servergov", or name another provider for staff'
        )

    def check(self) -> None:
        for client in self._settings.clients():
            trial.secret_is_accepted(self._server(), client, "https://portal.invalid/login/back")

    def try_out(self, return_url: str) -> list[Finding]:
        return [
            finding
            for client in self._settings.clients()
            for finding in trial.findings(self._server, client, return_url)
        ]

    def _server(self) -> GsisServer:
        return GsisServer(self._context, Deadline(self.timeout))

    def _identity(self, told: Mapping[str, str], door: Door, is_employee: bool) -> Identity:
        tax_number = told.get("taxid", "")
        if not is_tax_number(tax_number):
            raise LoginRefused("GSIS told no tax number, or one that is not valid", "incomplete")
        if _is_organisation(told):
            raise LoginRefused("the codes belong to a legal person", "organisation")
        # It stands in the database as it is, so it must not be the tax number; that of a user could be
        # given to somebody else one day.
        marked = f"staff {tax_number}" if door == "staff" else tax_number
        subject, *former = (derived.hex() for derived in self._context.signer.derive_all(marked))
        return Identity(
            subject=subject,
            former_subjects=tuple(former),
            # Citizens choose their own: it leads to nobody's entry in the catalogue.
            username=told.get("userid", "") if is_employee else "",
            first_name=told.get("firstname", ""),
            last_name=told.get("lastname", ""),
            fathers_name=told.get("fathername", ""),
            birth_year=userinfo.birth_year(told.get("birthyear", ""), self._context.clock().year),
            tax_number=tax_number,
            logout_hint=door,
        )


def _is_organisation(told: Mapping[str, str]) -> bool:
    """A person has a name, even if it is only one.

    What GSIS tells about legal persons is not documented. Known is that a user name may be missing
    then; so a single name, which may be that of a business, is believed only together with one.
    """
    if "userid" in told:
        return "firstname" not in told and "lastname" not in told
    return "firstname" not in told or "lastname" not in told


def _refusal(answer: Mapping[str, str]) -> ProviderFailure:
    """What an answer with an error means. Its own words come from the browser and are repeated nowhere."""
    error = answer.get("error", "")
    if error == "access_denied" or "denied" in answer.get("error_description", "").lower():
        return LoginRefused("the person did not agree, or went back", "declined")
    if error in SETTINGS_ARE_WRONG:
        return ConfigurationFailure(
            "GSIS does not accept the login of this portal; `portal try identity gsis` tells more"
        )
    if error in ("server_error", "temporarily_unavailable"):
        return TemporaryFailure("GSIS cannot log anybody in now")
    return LoginRefused("GSIS sent nobody back, with an error that is not known")
