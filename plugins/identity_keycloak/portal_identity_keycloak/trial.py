"""Tries Keycloak out without logging anybody in, and says in words which setting is to be mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from portal.plugin_api import (
    ConfigurationFailure,
    Finding,
    LoginRefused,
    PluginContext,
    ProviderFailure,
    TemporaryFailure,
)

from .server import Realm, error_of
from .settings import KeycloakSettings

INVENTED = "an-invented-code-which-only-an-accepted-client-is-told-to-be-invalid"
NOWHERE = "https://portal.invalid/login/back"
# The challenge of some verifier; nobody comes back with it.
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}

Step = tuple[str, Callable[[], None]]


class Trial:
    """The steps of ``portal try identity keycloak``; the first ones are those of ``portal check --live``."""

    def __init__(self, context: PluginContext[KeycloakSettings], realm: Realm) -> None:
        self._settings = context.settings
        self._http = context.http
        self._clock = context.clock
        self._realm = realm

    def check(self) -> None:
        """Raise the first trouble that would let every login fail."""
        for _tried, step in self._first_steps():
            step()

    def findings(self, return_url: str) -> list[Finding]:
        """Every step with its trouble. What cannot go well after another one's trouble is left out."""
        found = []
        for tried, step in [*self._first_steps(), *self._steps_back_to(return_url)]:
            trouble = _trouble(step)
            found.append(Finding(tried, trouble))
            if trouble and step in (self._realm_answers, self._client_is_accepted):
                break
        return found

    def _first_steps(self) -> list[Step]:
        return [
            ("Keycloak answers and has the realm", self._realm_answers),
            ("Keycloak calls itself by the address in server_url", self._issuer_is_ours),
            ("the clocks agree", self._clocks_agree),
            ("the realm signs in a way that the portal accepts", self._signature_is_accepted),
            ("client_id and client_secret are accepted", self._client_is_accepted),
        ]

    def _steps_back_to(self, return_url: str) -> list[Step]:
        steps: list[Step] = [
            ("Keycloak may send people back to the portal", lambda: self._return_is_allowed(return_url)),
            ("Keycloak insists on PKCE", lambda: self._pkce_is_required(return_url)),
        ]
        if self._settings.identity_provider_hint:
            steps.append(
                ("the identity provider for citizens is there", lambda: self._hint_leads(return_url))
            )
        return steps

    def _realm_answers(self) -> None:
        answer = self._get(f"{self._realm.issuer}/.well-known/openid-configuration")
        if answer.status_code == 404:
            if "realm" in error_of(answer.content).get("error", "").lower():
                raise ConfigurationFailure(f'Keycloak has no realm "{self._settings.realm}": mend realm')
            raise ConfigurationFailure("there is no Keycloak at this address: mend server_url")
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TemporaryFailure(f"Keycloak answers {answer.status_code}: see its log")
        if answer.status_code != 200 or not _object(answer):
            raise ConfigurationFailure("something else than Keycloak answers there: mend server_url")

    def _issuer_is_ours(self) -> None:
        told = _object(self._well_known()).get("issuer")
        if told != self._realm.issuer:
            raise ConfigurationFailure(
                f"Keycloak calls itself {told}: set server_url to the part before /realms/, "
                "or mend Keycloak's own setting hostname"
            )

    def _clocks_agree(self) -> None:
        told = self._well_known().headers.get("Date", "")
        try:
            difference = abs((parsedate_to_datetime(told) - self._clock()).total_seconds())
        except (TypeError, ValueError):
            return
        if difference > self._settings.leeway_seconds + 1:
            raise ConfigurationFailure(
                f"the clocks of Keycloak and of the portal differ by {round(difference)} seconds: "
                "let both follow a time server, or raise leeway_seconds"
            )

    def _signature_is_accepted(self) -> None:
        keys = self._realm.keys().get("keys")
        offered = {str(key.get("alg", "")) for key in keys} if isinstance(keys, list) else set()
        if not offered & set(self._settings.algorithms):
            raise ConfigurationFailure(
                f"the realm has keys for {', '.join(sorted(offered))} only: name one of them in algorithms"
            )

    def _client_is_accepted(self) -> None:
        try:
            self._realm.redeem(INVENTED, NOWHERE, INVENTED)
        except LoginRefused:
            return
        raise ConfigurationFailure("Keycloak accepts an invented code: mend server_url")

    def _return_is_allowed(self, return_url: str) -> None:
        answer = self._ask_to_log_in(return_url, CHALLENGE)
        if answer.status_code >= 500:
            raise TemporaryFailure(f"Keycloak answers {answer.status_code}: see its log")
        if answer.status_code >= 400:
            raise ConfigurationFailure(
                f"Keycloak does not send people back to {return_url}: "
                "add it to the client's valid redirect URIs, or mend [portal] base_url"
            )
        if _is_sent_back(answer, return_url):
            raise ConfigurationFailure(
                "Keycloak sends people back without asking them: switch on the client's standard flow, "
                "and compare scope with its client scopes"
            )

    def _pkce_is_required(self, return_url: str) -> None:
        if not _is_sent_back(self._ask_to_log_in(return_url, {}), return_url):
            raise ConfigurationFailure(
                "Keycloak would log people in without PKCE: set the client's "
                '"Proof Key for Code Exchange Code Challenge Method" to S256'
            )

    def _hint_leads(self, return_url: str) -> None:
        hint = self._settings.identity_provider_hint
        answer = self._ask_to_log_in(return_url, {**CHALLENGE, "kc_idp_hint": hint})
        if f"/broker/{hint}/" not in answer.headers.get("Location", ""):
            raise ConfigurationFailure(
                f'the realm has no identity provider with the alias "{hint}": '
                "mend identity_provider_hint, or add and enable the provider"
            )

    def _ask_to_log_in(self, return_url: str, more: Mapping[str, str]) -> httpx.Response:
        query = {
            "client_id": self._settings.client_id,
            "response_type": "code",
            "scope": self._settings.scope,
            "redirect_uri": return_url,
            "state": "trial",
            "nonce": "trial",
            **more,
        }
        return self._get(self._realm.address("auth", query))

    def _well_known(self) -> httpx.Response:
        return self._get(f"{self._realm.issuer}/.well-known/openid-configuration")

    def _get(self, address: str) -> httpx.Response:
        try:
            return self._http.get(address, timeout=self._settings.timeout_seconds)
        except httpx.HTTPError as error:
            raise TemporaryFailure(
                f"Keycloak does not answer ({type(error).__name__}): mend server_url, or start Keycloak"
            ) from None


def _trouble(step: Callable[[], None]) -> str:
    try:
        step()
    except ProviderFailure as failure:
        return str(failure)
    return ""


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _is_sent_back(answer: httpx.Response, return_url: str) -> bool:
    target, own = urlsplit(answer.headers.get("Location", "")), urlsplit(return_url)
    return (target.scheme, target.netloc, target.path) == (own.scheme, own.netloc, own.path)
