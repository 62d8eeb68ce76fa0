"""Checks the two tokens that Keycloak signs for the portal: the ID token and the logout token."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from portal.plugin_api import ConfigurationFailure, LoginRefused, TemporaryFailure

from .server import Realm
from .settings import KeycloakSettings

KEYS_LIVE = 600
"""Seconds for which fetched keys are believed: a key that was withdrawn ends its work after that."""
BETWEEN_SURPRISES = 10
"""Seconds between two fetches because of an unknown key, so that invented tokens cannot make us ask."""
NEVER = float("inf")
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""The only way in which a token is written here (RFC 7515, section 3.1); the library reads others too."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
OLDEST_LOGOUT = 300
"""Seconds after which a logout token is too old to be anything but a replay."""


class Keys:
    """The realm's public keys, fetched when they are needed and kept for a while."""

    def __init__(self, realm: Realm, clock: Callable[[], datetime]) -> None:
        self._realm = realm
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, JWK] = {}
        self._until = 0.0
        self._surprised_at = 0.0
        self._failed_at = 0.0

    def get(self, kid: str) -> JWK | None:
        """The key of this name; an unknown one makes us ask the realm again, but not often."""
        now = self._clock().timestamp()
        known = self._keys.get(kid)
        if known is not None and now < self._until:
            # Whatever goes wrong with fetching others, and however long that takes.
            return known
        with self._lock:
            if abs(now - self._failed_at) < BETWEEN_SURPRISES:
                raise TemporaryFailure("Keycloak did not tell its keys a moment ago")
            if now >= self._until:
                self._fetch(now)
            elif kid not in self._keys and abs(now - self._surprised_at) >= BETWEEN_SURPRISES:
                self._surprised_at = now
                self._fetch(now)
            return self._keys.get(kid)

    def _fetch(self, now: float) -> None:
        self._failed_at = now
        published = self._realm.keys().get("keys")
        if not isinstance(published, list):
            raise ConfigurationFailure("Keycloak's keys cannot be read: mend server_url or realm")
        self._keys = dict(_readable(published))
        self._until, self._failed_at = now + KEYS_LIVE, 0.0


def _readable(published: Iterable[Any]) -> Iterator[tuple[str, JWK]]:
    """The keys of a kind that is known here, by name; a realm may have others beside them."""
    for key in published:
        with suppress(JWException, ValueError, TypeError, KeyError):
            yield key["kid"], JWK(**key)


class Tokens:
    """Reads tokens of one realm that were made for one client; raises `LoginRefused` for all others."""

    def __init__(self, settings: KeycloakSettings, realm: Realm, clock: Callable[[], datetime]) -> None:
        self._algorithms = list(settings.algorithms)
        self._client_id = settings.client_id
        self._leeway = settings.leeway_seconds
        self._issuer = realm.issuer
        self._clock = clock
        self._keys = Keys(realm, clock)

    def identity(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token for the login that has this ``nonce``."""
        claims = self._signed(token)
        self._check_audience(claims)
        told = claims.get("nonce")
        if not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
            raise LoginRefused("the ID token was made for another login")
        if claims.get("typ", "ID") != "ID":
            raise LoginRefused("the token is no ID token")
        self._check_times(claims)
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise LoginRefused("the ID token names nobody", "incomplete")
        return claims

    def logout(self, token: str) -> Mapping[str, Any]:
        """The claims of a logout token, by OpenID Connect Back-Channel Logout 1.0, section 2.6."""
        claims = self._signed(token)
        self._check_audience(claims)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise LoginRefused("the token is no logout token")
        if "nonce" in claims:
            raise LoginRefused("the token has a nonce, so it is no logout token")
        if not any(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "sid")):
            raise LoginRefused("the logout token names neither person nor session")
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise LoginRefused("the logout token has no number of its own")
        self._check_times(claims, needs_end=False)
        if self._now() - claims["iat"] > OLDEST_LOGOUT + self._leeway:
            raise LoginRefused("the logout token is too old")
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        """The claims, once signature and issuer are ours."""
        if not COMPACT.fullmatch(token):
            raise LoginRefused("what should be a token is none")
        try:
            signed = JWS()
            signed.allowed_algs = self._algorithms
            signed.deserialize(token)
            kid = signed.jose_header.get("kid", "")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise LoginRefused("the token is signed with a key that the realm does not have")
            signed.verify(key)
            claims = json.loads(signed.payload)
        except (JWException, ValueError, TypeError):
            raise LoginRefused("the token is not signed by the realm, or not in an allowed way") from None
        if not isinstance(claims, dict) or claims.get("iss") != self._issuer:
            raise LoginRefused("the token comes from another issuer: compare server_url with its hostname")
        return claims

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        authorised = claims.get("azp", self._client_id if len(audiences) == 1 else None)
        if self._client_id not in audiences or authorised != self._client_id:
            raise LoginRefused("the token was made for another client")

    def _check_times(self, claims: Mapping[str, Any], needs_end: bool = True) -> None:
        issued, end = claims.get("iat"), claims.get("exp", None if needs_end else NEVER)
        if not _is_time(issued) or not _is_time(end):
            raise LoginRefused("the token does not say when it was made and when it ends")
        difference = max(claims["iat"] - self._now(), self._now() - claims.get("exp", NEVER))
        if difference > self._leeway:
            raise ConfigurationFailure(
                f"the clocks of Keycloak and of the portal differ by {round(difference)} seconds or more: "
                "let both follow a time server, or raise leeway_seconds"
            )

    def _now(self) -> float:
        return self._clock().timestamp()


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
