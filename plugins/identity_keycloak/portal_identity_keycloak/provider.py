"""Sends the browser to Keycloak and believes only what Keycloak then signs for this very login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import NoReturn, cast

from portal.plugin_api import (
    ConfigurationFailure,
    Door,
    Finding,
    Identity,
    IdentityProvider,
    LoginRefused,
    LoginStart,
    PluginContext,
    TemporaryFailure,
    lazy,
)

from .person import identity_of
from .server import WRONG_CLIENT, Realm
from .settings import KeycloakSettings
from .tokens import Tokens
from .trial import Trial


class KeycloakLogin(IdentityProvider):
    """OpenID Connect with authorization code, PKCE (S256), state and nonce."""

    name = "keycloak"
    title = lazy("Account at the municipality")

    def __init__(self, context: PluginContext[KeycloakSettings]) -> None:
        self._settings = context.settings
        self._realm = Realm(context.settings)
        self._tokens = Tokens(context.settings, self._realm, context.clock)
        self._trial = Trial(context, self._realm)

    def start(self, return_url: str, state: str, locale: str, door: Door) -> LoginStart:
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        query = {
            "client_id": self._settings.client_id,
            "response_type": "code",
            "scope": self._settings.scope,
            "redirect_uri": return_url,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "ui_locales": locale,
        }
        if door == "citizens" and self._settings.identity_provider_hint:
            query["kc_idp_hint"] = self._settings.identity_provider_hint
        kept = {"verifier": verifier, "nonce": nonce, "door": door, "state": state, "return_url": return_url}
        return LoginStart(self._realm.address("auth", query), kept)

    def finish(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> Identity:
        self._check_answer(kept, answer)
        tokens = self._realm.redeem(answer["code"], kept["return_url"], kept["verifier"])
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise ConfigurationFailure("Keycloak gives no ID token: the client must speak openid-connect")
        claims = self._tokens.identity(id_token, kept["nonce"])
        about = self._realm.about(access_token)
        if about.get("sub") != claims["sub"]:
            raise LoginRefused("Keycloak tells about somebody else than the ID token names")
        door = cast(Door, kept["door"])
        return identity_of({**about, **claims}, door, self._settings, logout_hint=id_token)

    def logout_url(self, identity: Identity, return_url: str) -> str | None:
        # Where a form is sent, Keycloak reads nothing but the form.
        query = {} if identity.logout_hint else self._logout_query(return_url)
        return self._realm.address("logout", query)

    def logout_fields(self, identity: Identity, return_url: str) -> Mapping[str, str]:
        # An ID token tells whom it was made for; without it Keycloak asks for a confirmation.
        if not identity.logout_hint:
            return {}
        return {**self._logout_query(return_url), "id_token_hint": identity.logout_hint}

    def unfit_for(self, door: Door) -> str:
        names_lead = self._settings.roles_from == "catalogue"
        if door == "staff" and names_lead and self._settings.identity_provider_hint:
            return (
                'roles_from = "catalogue" beside identity_provider_hint: citizens of the same realm may bear '
                'a clerk\'s name; grant posts by roles, with roles_from = "client", or let another provider '
                "serve one of the doors and delete the hint"
            )
        return ""

    def check(self) -> None:
        self._trial.check()

    def try_out(self, return_url: str) -> list[Finding]:
        return self._trial.findings(return_url)

    def _logout_query(self, return_url: str) -> dict[str, str]:
        return {"client_id": self._settings.client_id, "post_logout_redirect_uri": return_url}

    def _check_answer(self, kept: Mapping[str, str], answer: Mapping[str, str]) -> None:
        if not hmac.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
            raise LoginRefused("the answer belongs to another login")
        if answer.get("iss", self._realm.issuer) != self._realm.issuer:
            raise LoginRefused("the answer comes from another issuer: compare server_url with its hostname")
        if "error" in answer:
            _tell_error(answer["error"], answer.get("error_description", ""))
        if not answer.get("code"):
            raise LoginRefused("the answer has no code")


def challenge_of(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _tell_error(error: str, description: str) -> NoReturn:
    """Raise what the error of an authorization answer means; its own words stay out."""
    if error == "access_denied":
        raise LoginRefused("the person declined, or Keycloak did not let him in", "declined")
    if "expired" in description or description == "login_timeout":
        # Keycloak calls a login page that was left open too long "temporarily unavailable".
        raise LoginRefused("the login page at Keycloak has expired", "expired")
    if error in ("temporarily_unavailable", "server_error"):
        raise TemporaryFailure("Keycloak says that it cannot log anybody in now")
    if error in WRONG_CLIENT:
        raise ConfigurationFailure(WRONG_CLIENT[error])
    if error == "invalid_request":
        raise ConfigurationFailure(
            "Keycloak does not accept how the portal asks: compare the client's settings"
        )
    raise LoginRefused("Keycloak did not log the person in")
