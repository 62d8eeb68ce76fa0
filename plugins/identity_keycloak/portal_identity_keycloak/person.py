"""Turns verified claims into an identity: names, tax number, contact, and the posts of staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from portal.plugin_api import Door, Identity, LoginRefused, StaffPost, is_tax_number

from .settings import KeycloakSettings, Roles

LONGEST_FACT = 200
"""More is no name; the realm's user profile may set limits of its own."""


def identity_of(
    claims: Mapping[str, Any], door: Door, settings: KeycloakSettings, logout_hint: str
) -> Identity:
    """The person of these claims. Raises `LoginRefused` when a citizen's claims lack what is required."""
    names = settings.claims
    identity = Identity(
        subject=claims["sub"],
        username=_text(claims, names.username),
        first_name=_text(claims, names.first_name),
        last_name=_text(claims, names.last_name),
        fathers_name=_text(claims, names.fathers_name),
        birth_year=_birth_year(_text(claims, names.birth_year)),
        tax_number=_tax_number(_text(claims, names.tax_number)),
        email=_text(claims, names.email) if claims.get("email_verified") is not False else "",
        phone=_text(claims, names.phone),
        posts=_posts(claims, settings) if door == "staff" else None,
        session=_text(claims, "sid"),
        logout_hint=logout_hint,
    )
    if door == "citizens":
        _refuse_incomplete(identity, settings)
    return identity


def _refuse_incomplete(identity: Identity, settings: KeycloakSettings) -> None:
    if identity.tax_number and not (identity.first_name or identity.last_name):
        raise LoginRefused("the account has a tax number and nobody's name", "organisation")
    missing = [fact for fact in settings.required if not getattr(identity, fact)]
    if missing:
        told = ", ".join(f"{fact} (claim {getattr(settings.claims, fact) or 'not set'})" for fact in missing)
        raise LoginRefused(f"Keycloak does not tell, or not properly: {told}", "incomplete")


def _posts(claims: Mapping[str, Any], settings: KeycloakSettings) -> tuple[StaffPost, ...] | None:
    if settings.roles_from == "catalogue":
        return None
    found: Any = claims.get("realm_access")
    if settings.roles_from == "client":
        by_client = claims.get("resource_access")
        found = by_client.get(settings.client_id) if isinstance(by_client, dict) else None
    names = found.get("roles") if isinstance(found, dict) else None
    return posts_of(names if isinstance(names, list) else [], settings.roles)


def posts_of(names: Iterable[object], roles: Roles) -> tuple[StaffPost, ...]:
    """The posts that roles of these names grant; other roles mean nothing here."""
    posts = set()
    for name in filter(lambda name: isinstance(name, str), names):
        for role, expression in roles.expressions():
            if match := expression.fullmatch(str(name)):
                posts.add(StaffPost(role, "".join(match.groups())))
    return tuple(sorted(posts, key=lambda post: (post.role, post.office)))


def _text(claims: Mapping[str, Any], name: str) -> str:
    """A claim as text without the spaces around it; the first of several; empty when there is none."""
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:LONGEST_FACT]


def _birth_year(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else None


def _tax_number(text: str) -> str:
    """Only a valid one counts: people are recognised by it, and ``0`` or ``-`` would be many people."""
    number = text.removeprefix("EL")
    return number if is_tax_number(number) else ""
