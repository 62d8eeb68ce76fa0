"""Tokens that no realm signed for this login, and answers of Keycloak that a real one gives rarely."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from portal_identity_keycloak.provider import KeycloakLogin
from portal_identity_keycloak.settings import KeycloakSettings
from portal_identity_keycloak.tokens import LOGOUT_EVENT
from pydantic import SecretStr

from portal.plugin_api import (
    ConfigurationFailure,
    Door,
    Identity,
    LoginRefused,
    PluginContext,
    ProviderFailure,
    StaffPost,
    TemporaryFailure,
)
from portal.testing import kit
from portal.testing.remote import Asked, RemoteServer, Reply

RETURN_URL = "https://kep.example/login/back"
AFM = "090000045"


class ScriptedRealm:
    """Signs whatever a test wants, and publishes the key of the realm."""

    def __init__(self, remote: RemoteServer) -> None:
        self.remote = remote
        self.issuer = f"{remote.url}/realms/portal"
        self.key = JWK.generate(kty="RSA", size=2048, kid="of-the-realm")
        self.published = [self.key]
        self.tells_keys = True
        self.id_token = ""
        self.about: dict[str, Any] = {"sub": "subject-1", "afm": AFM, "family_name": "Παπαδοπούλου"}
        remote.script(self.answer)

    def answer(self, asked: Asked) -> Reply:
        told: dict[str, Any] = {}
        if asked.path.endswith("/certs") and not self.tells_keys:
            return Reply(status=503)
        if asked.path.endswith("/certs"):
            told = {"keys": [key.export_public(as_dict=True) for key in self.published]}
        elif asked.path.endswith("/token"):
            told = {"id_token": self.id_token, "access_token": "access", "token_type": "Bearer"}
        elif asked.path.endswith("/userinfo"):
            told = self.about
        return Reply(body=json.dumps(told).encode())

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of a good ID token, changed; None takes one away."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": "portal",
            "sub": "subject-1",
            "iat": now,
            "exp": now + 60,
            "typ": "ID",
            "sid": "session-1",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def fetches(self) -> int:
        """How often the keys were asked for."""
        return sum(asked.path.endswith("/certs") for asked in self.remote.asked)


def sign(claims: dict[str, Any], key: JWK, algorithm: str = "RS256", kid: str | None = None) -> str:
    token = JWS(json.dumps(claims))
    token.allowed_algs = [algorithm]
    token.add_signature(key, protected={"alg": algorithm, "kid": kid or key["kid"]})
    return str(token.serialize(compact=True))


def unsigned(claims: dict[str, Any]) -> str:
    from base64 import urlsafe_b64encode

    parts = (json.dumps({"alg": "none", "kid": "of-the-realm"}), json.dumps(claims))
    return ".".join(urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


@pytest.fixture
def realm(remote: RemoteServer) -> ScriptedRealm:
    return ScriptedRealm(remote)


@pytest.fixture
def context(
    plugin_context: Callable[..., PluginContext[Any]], realm: ScriptedRealm
) -> Iterator[PluginContext[Any]]:
    settings = KeycloakSettings(
        server_url=realm.remote.url,
        realm="portal",
        client_id="portal",
        client_secret=SecretStr("the-clients-secret"),
    )
    yield plugin_context("identity_keycloak", settings)


@pytest.fixture
def provider(context: PluginContext[Any]) -> KeycloakLogin:
    return KeycloakLogin(context)


def finish(
    provider: KeycloakLogin,
    realm: ScriptedRealm,
    token: Callable[[dict[str, Any]], str],
    door: Door = "citizens",
    **changes: Any,
) -> Identity:
    start = provider.start(RETURN_URL, "state-1", "el", door)
    realm.id_token = token(realm.claims(**{"nonce": start.kept["nonce"], **changes}))
    return provider.finish(start.kept, {"state": "state-1", "code": "code", "iss": realm.issuer})


def test_a_good_token_is_believed(provider: KeycloakLogin, realm: ScriptedRealm) -> None:
    person = finish(provider, realm, lambda claims: sign(claims, realm.key))
    assert (person.subject, person.tax_number, person.session) == ("subject-1", AFM, "session-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-client"},
        {"aud": ["portal", "another-client"]},
        {"aud": ["portal", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://elsewhere.example/realms/portal"},
        {"iss": None},
        {"nonce": "of another login"},
        {"nonce": None},
        {"nonce": 5},
        {"sub": None},
        {"sub": ""},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"exp": 1},
        {"iat": 99999999999},
        {"typ": "Logout"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    provider: KeycloakLogin, realm: ScriptedRealm, changes: dict[str, Any]
) -> None:
    with pytest.raises((LoginRefused, ConfigurationFailure)) as refused:
        finish(provider, realm, lambda claims: sign(claims, realm.key), **changes)
    assert AFM not in str(refused.value)


def test_a_token_that_the_realm_did_not_sign_is_refused(
    provider: KeycloakLogin, realm: ScriptedRealm
) -> None:
    stranger = JWK.generate(kty="RSA", size=2048, kid="of-the-realm")
    shared = JWK(kty="oct", k=JWK.generate(kty="oct", size=256).export(as_dict=True)["k"], kid="of-the-realm")

    def tampered(claims: dict[str, Any]) -> str:
        head, _body, signature = sign(claims, realm.key).split(".")
        return ".".join((head, sign({**claims, "sub": "another"}, stranger).split(".")[1], signature))

    forgeries: list[Callable[[dict[str, Any]], str]] = [
        unsigned,
        tampered,
        lambda claims: sign(claims, stranger),
        lambda claims: sign(claims, stranger, kid="unknown"),
        lambda claims: sign(claims, shared, "HS256"),
        lambda claims: sign(claims, realm.key, "RS512"),
        lambda claims: "no token at all",
        lambda claims: "a.b.c",
        lambda claims: json.dumps({"payload": "e30", "signatures": []}),
        lambda claims: "",
    ]
    for forgery in forgeries:
        with pytest.raises((LoginRefused, ConfigurationFailure)):
            finish(provider, realm, forgery)


def test_invented_keys_do_not_make_the_portal_ask_again_and_again(
    provider: KeycloakLogin, realm: ScriptedRealm
) -> None:
    for number in range(5):
        with pytest.raises(LoginRefused):
            finish(provider, realm, lambda claims: sign(claims, realm.key, kid=f"invented-{number}"))  # noqa: B023
    assert realm.fetches() == 2


def test_keys_are_fetched_once_and_anew_after_a_change(provider: KeycloakLogin, realm: ScriptedRealm) -> None:
    for _time in range(3):
        finish(provider, realm, lambda claims: sign(claims, realm.key))
    assert realm.fetches() == 1
    realm.key = JWK.generate(kty="RSA", size=2048, kid="of-tomorrow")
    realm.published = [realm.key]
    finish(provider, realm, lambda claims: sign(claims, realm.key))
    assert realm.fetches() == 2


def test_facts_about_somebody_else_are_refused(provider: KeycloakLogin, realm: ScriptedRealm) -> None:
    realm.about = {**realm.about, "sub": "somebody-else"}
    with pytest.raises(LoginRefused, match="somebody else"):
        finish(provider, realm, lambda claims: sign(claims, realm.key))


@pytest.mark.parametrize(
    ("roles_from", "posts"),
    [("client", (StaffPost("clerk", "a"),)), ("realm", (StaffPost("supervisor", "b"),)), ("catalogue", None)],
)
def test_posts_come_from_where_the_administrator_says(
    plugin_context: Callable[..., PluginContext[Any]],
    context: PluginContext[Any],
    realm: ScriptedRealm,
    roles_from: str,
    posts: tuple[StaffPost, ...] | None,
) -> None:
    settings = context.settings.model_copy(update={"roles_from": roles_from})
    provider = KeycloakLogin(plugin_context("identity_keycloak", settings))
    realm.about["resource_access"] = {"portal": {"roles": ["clerk:a"]}, "other": {"roles": ["administrator"]}}
    realm.about["realm_access"] = {"roles": ["supervisor:b"]}
    assert finish(provider, realm, lambda claims: sign(claims, realm.key), door="staff").posts == posts
    assert finish(provider, realm, lambda claims: sign(claims, realm.key)).posts is None


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ({"error": "access_denied"}, LoginRefused, "declined"),
        (
            {"error": "temporarily_unavailable", "error_description": "authentication_expired"},
            LoginRefused,
            "expired",
        ),
        ({"error": "login_required", "error_description": "login_timeout"}, LoginRefused, "expired"),
        ({"error": "temporarily_unavailable"}, TemporaryFailure, ""),
        ({"error": "server_error"}, TemporaryFailure, ""),
        ({"error": "invalid_scope"}, ConfigurationFailure, ""),
        ({"error": "unauthorized_client"}, ConfigurationFailure, ""),
        ({"error": "invalid_request"}, ConfigurationFailure, ""),
        ({"error": "something_new"}, LoginRefused, "invalid"),
        ({}, LoginRefused, "invalid"),
        ({"code": "c", "iss": "https://elsewhere.example/realms/portal"}, LoginRefused, "invalid"),
        ({"code": "c", "state": "of another login"}, LoginRefused, "invalid"),
    ],
)
def test_each_answer_of_keycloak_has_its_meaning(
    provider: KeycloakLogin, answer: dict[str, str], kind: type[ProviderFailure], why: str
) -> None:
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    with pytest.raises(kind) as failed:
        provider.finish(start.kept, {"state": "state-1", **answer})
    assert getattr(failed.value, "why", "") == why


@pytest.mark.parametrize(
    ("status", "error", "kind", "why"),
    [
        (400, {"error": "invalid_grant", "error_description": "Code not valid"}, LoginRefused, "invalid"),
        (400, {"error": "invalid_grant", "error_description": "Code is expired"}, LoginRefused, "expired"),
        (401, {"error": "invalid_client"}, ConfigurationFailure, ""),
        (401, {"error": "unauthorized_client"}, ConfigurationFailure, ""),
        (404, {}, ConfigurationFailure, ""),
        (429, {}, TemporaryFailure, ""),
        (502, {"error": "<html>"}, TemporaryFailure, ""),
    ],
)
def test_each_refusal_of_a_code_has_its_meaning(
    provider: KeycloakLogin,
    realm: ScriptedRealm,
    status: int,
    error: dict[str, str],
    kind: type[ProviderFailure],
    why: str,
) -> None:
    realm.remote.script(Reply(status=status, body=json.dumps(error).encode()))
    start = provider.start(RETURN_URL, "state-1", "el", "citizens")
    with pytest.raises(kind) as failed:
        provider.finish(start.kept, {"state": "state-1", "code": "code"})
    assert getattr(failed.value, "why", "") == why


def test_a_keycloak_that_calls_itself_otherwise_is_told(
    provider: KeycloakLogin, realm: ScriptedRealm
) -> None:
    realm.remote.script(Reply(body=b'{"issuer": "https://login.example/realms/portal"}'))
    troubles = [finding.trouble for finding in provider.try_out(RETURN_URL)]
    assert "set server_url to the part before /realms/" in troubles[1]


def test_while_keycloak_tells_no_keys_those_that_are_known_still_hold(
    provider: KeycloakLogin, realm: ScriptedRealm
) -> None:
    finish(provider, realm, lambda claims: sign(claims, realm.key))
    realm.tells_keys = False
    with pytest.raises(TemporaryFailure):
        finish(provider, realm, lambda claims: sign(claims, realm.key, kid="unknown"))
    assert realm.fetches() == 2, "it was asked for, and in vain"
    assert finish(provider, realm, lambda claims: sign(claims, realm.key)).subject == "subject-1"


@pytest.mark.parametrize(
    ("settings", "fit"),
    [
        ({"roles_from": "catalogue", "identity_provider_hint": "taxisnet"}, False),
        ({"roles_from": "catalogue"}, True),
        ({"identity_provider_hint": "taxisnet"}, True),
    ],
)
def test_names_of_the_catalogue_are_not_believed_in_the_realm_of_citizens(
    context: PluginContext[Any], settings: dict[str, str], fit: bool
) -> None:
    provider = KeycloakLogin(replace(context, settings=context.settings.model_copy(update=settings)))
    assert (provider.unfit_for("staff") == "") is fit
    assert provider.unfit_for("citizens") == ""


# --- The call with which Keycloak tells of a logout --------------------------------------------------------


def call(context: PluginContext[Any], token: str) -> int:
    answer = kit.browser(context).post(
        "/plugins/identity_keycloak/backchannel-logout", data={"logout_token": token}
    )
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


def logout_claims(realm: ScriptedRealm, **changes: Any) -> dict[str, Any]:
    return realm.claims(**{"typ": "Logout", "jti": "number-1", "events": {LOGOUT_EVENT: {}}, **changes})


def ended(context: PluginContext[Any]) -> list[tuple[str, str]]:
    sessions: list[tuple[str, str]] = context.end_sessions.ended  # type: ignore[attr-defined]
    return sessions


def test_a_logout_ends_the_session_once(context: PluginContext[Any], realm: ScriptedRealm) -> None:
    token = sign(logout_claims(realm), realm.key)
    assert [call(context, token), call(context, token)] == [200, 400]
    assert ended(context) == [("subject-1", "session-1")]


@pytest.mark.parametrize(
    "changes",
    [
        {"events": None},
        {"events": {"http://schemas.openid.net/event/something-else": {}}},
        {"events": LOGOUT_EVENT},
        {"nonce": "a"},
        {"sub": None, "sid": None},
        {"jti": None},
        {"aud": "another-client"},
        {"iss": "https://elsewhere.example/realms/portal"},
        {"iat": None},
        {"iat": 1},
        {"exp": 1},
    ],
)
def test_a_token_that_is_no_logout_token_ends_nothing(
    context: PluginContext[Any], realm: ScriptedRealm, changes: dict[str, Any]
) -> None:
    assert call(context, sign(logout_claims(realm, **changes), realm.key)) == 400
    assert ended(context) == []


def test_an_id_token_or_a_forged_one_ends_nothing(context: PluginContext[Any], realm: ScriptedRealm) -> None:
    stranger = JWK.generate(kty="RSA", size=2048, kid="of-the-realm")
    for token in (
        sign(realm.claims(nonce="n"), realm.key),
        sign(logout_claims(realm), stranger),
        unsigned(logout_claims(realm)),
        "x" * 20_000,
        "",
    ):
        assert call(context, token) == 400
    assert ended(context) == []
