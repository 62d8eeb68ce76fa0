"""The realm as seen from outside: its addresses, and the three questions that a login asks it.

Every question is asked with an object of its own: python-keycloak writes the bearer's token into headers
that an object shares among threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from portal.plugin_api import ConfigurationFailure, LoginRefused, ProviderFailure, TemporaryFailure

from .settings import KeycloakSettings

T = TypeVar("T")

WRONG_CLIENT = {
    "invalid_client": "Keycloak does not know this client: mend client_id, or make the client in the realm",
    "unauthorized_client": "Keycloak refuses the client's secret, or the client may not log people in: "
    "mend PORTAL_IDENTITY_KEYCLOAK_CLIENT_SECRET, and switch on the client's standard flow",
    "invalid_scope": "Keycloak refuses what is asked for: mend scope, or add the client scope in the realm",
}


class Realm:
    """Addresses and questions; keeps nothing between two questions."""

    def __init__(self, settings: KeycloakSettings) -> None:
        self._settings = settings
        self.issuer = f"{settings.server_url}/realms/{quote(settings.realm)}"

    def address(self, endpoint: str, query: Mapping[str, str] | None = None) -> str:
        """The address of ``auth``, ``token`` or ``logout``."""
        base = f"{self.issuer}/protocol/openid-connect/{endpoint}"
        return f"{base}?{urlencode(query)}" if query else base

    def redeem(self, code: str, return_url: str, verifier: str) -> Mapping[str, Any]:
        """The tokens for a code, once."""
        return _ask(
            lambda: self._client().token(
                grant_type="authorization_code",
                code=code,
                redirect_uri=return_url,
                code_verifier=verifier,
                scope=self._settings.scope,
            )
        )

    def about(self, access_token: str) -> Mapping[str, Any]:
        """What the realm tells about the person to whom the token was given."""
        return _ask(lambda: self._client().userinfo(access_token))

    def keys(self) -> Mapping[str, Any]:
        """The public keys with which the realm signs."""
        return _ask(lambda: self._client().certs())

    def _client(self) -> KeycloakOpenID:
        return KeycloakOpenID(
            server_url=f"{self._settings.server_url}/",
            realm_name=quote(self._settings.realm),
            client_id=self._settings.client_id,
            client_secret_key=self._settings.client_secret.get_secret_value(),
            timeout=self._settings.timeout_seconds,
            max_retries=0,
        )


def _ask(question: Callable[[], Any]) -> Mapping[str, Any]:
    """The answer as an object, or the failure in our words.

    Failures are told without their cause: its text holds whatever Keycloak wrote.
    """
    try:
        answer = question()
    except KeycloakConnectionError as error:
        cause = type(error.__context__).__name__
        raise TemporaryFailure(f"Keycloak does not answer ({cause})") from None
    except KeycloakError as error:
        raise _failure(error) from None
    except TypeError:
        answer = None
    if not isinstance(answer, dict):
        raise TemporaryFailure("Keycloak answers something else than JSON") from None
    return answer


def _failure(error: KeycloakError) -> ProviderFailure:
    status, told = error.response_code or 0, error_of(error.response_body)
    if told.get("error") == "invalid_grant":
        return _refused_code(told.get("error_description", ""))
    if (mend := WRONG_CLIENT.get(told.get("error", ""))) is not None:
        return ConfigurationFailure(mend)
    if status == 404:
        return ConfigurationFailure("Keycloak has no such realm: mend realm or server_url")
    if status == 429 or status >= 500 or status == 0:
        return TemporaryFailure(f"Keycloak answers {status}")
    return ConfigurationFailure(f"Keycloak refuses our question with status {status}")


def _refused_code(description: str) -> LoginRefused:
    expired = any(word in description.lower() for word in ("expired", "not active"))
    if expired:
        return LoginRefused("the code or the session at Keycloak has expired", "expired")
    return LoginRefused("Keycloak refuses the code: invented, used before, or made for another login")


def error_of(body: bytes | None) -> dict[str, str]:
    """``error`` and ``error_description`` of an answer; empty when it is none of OAuth's."""
    try:
        told = json.loads(body or b"")
    except ValueError:
        return {}
    return {key: str(value) for key, value in told.items()} if isinstance(told, dict) else {}
