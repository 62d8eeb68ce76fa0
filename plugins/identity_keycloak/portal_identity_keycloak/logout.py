"""Where Keycloak tells that somebody has logged out or was logged out there (back-channel logout)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from portal.plugin_api import (
    LoginRefused,
    PluginBlueprint,
    PluginContext,
    ProviderFailure,
    TemporaryFailure,
    webhook,
)

from .server import Realm
from .settings import KeycloakSettings
from .tokens import Tokens

LONGEST_TOKEN = 16 * 1024


def add_routes(context: PluginContext[KeycloakSettings], blueprint: PluginBlueprint) -> None:
    """Add the one address that Keycloak calls."""
    tokens = Tokens(context.settings, Realm(context.settings), context.clock)

    @blueprint.post("/backchannel-logout")
    @webhook
    def backchannel_logout() -> ResponseReturnValue:
        token = request.form.get("logout_token", "")
        try:
            _end_sessions(context, tokens, token)
        except ProviderFailure as failure:
            context.log.warning("logout refused", failure=type(failure).__name__, reason=str(failure))
            return _answer(400)
        return _answer(200)


def _end_sessions(context: PluginContext[KeycloakSettings], tokens: Tokens, token: str) -> None:
    if not token or len(token) > LONGEST_TOKEN:
        raise LoginRefused("the call brings no logout token")
    claims = tokens.logout(token)
    if _was_here(context, claims["jti"]):
        raise LoginRefused("the logout token was used before")
    ended = context.end_sessions(subject=_word(claims, "sub"), session=_word(claims, "sid"))
    context.log.info("logged out by Keycloak", sessions=ended)


def _word(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _was_here(context: PluginContext[KeycloakSettings], number: str) -> bool:
    """True when a token with this number came before, to whichever process."""
    room = f"{context.name}:logout:{hashlib.sha256(number.encode()).hexdigest()}"
    try:
        return context.exchange.post(room, "used") > 1
    except TemporaryFailure:
        # Logging out matters more than a replay within minutes, which could only log out once more.
        context.log.warning("no memory of used logout tokens while the store is away")
        return False


def _answer(status: int) -> ResponseReturnValue:
    response = jsonify({} if status == 200 else {"error": "invalid_request"})
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
