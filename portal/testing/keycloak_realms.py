"""The realms of the Keycloak that tests run: the file of the documentation, and one that stands for GSIS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import portal

PORTAL_URL = "https://kep.example"
CLIENT_SECRET = "the-secret-of-the-portal-at-keycloak"  # noqa: S105 - of tests
BROKER_SECRET = "the-secret-of-keycloak-at-taxisnet"  # noqa: S105 - of tests
TAXISNET_CLAIMS = ("userid", "taxid", "lastname", "firstname", "fathername", "birthyear")
"""What GSIS tells about a person, by its own names; here as claims, for a broker reads claims."""


def written_realm(name: str = "portal", portal_url: str = "") -> str:
    """``docs/keycloak/portal-realm.json``; its placeholders stay unless a ``portal_url`` is given."""
    file = Path(portal.__file__).parents[1] / "docs" / "keycloak" / "portal-realm.json"
    text = file.read_text(encoding="utf-8").replace('"realm": "portal"', f'"realm": "{name}"')
    if portal_url:
        text = text.replace("${PORTAL_BASE_URL}", portal_url)
        text = text.replace("${PORTAL_CLIENT_SECRET}", CLIENT_SECRET)
    return text


def taxisnet_realm() -> str:
    """A realm for people with taxisnet codes; it knows no mail address, as GSIS does not."""
    realm = {
        "realm": "taxisnet",
        "enabled": True,
        "sslRequired": "none",
        "clients": [
            {
                "clientId": "municipality",
                "secret": BROKER_SECRET,
                "redirectUris": ["http://127.0.0.1:*", "/realms/*"],
                "defaultClientScopes": ["basic"],
                "protocolMappers": [_claim(name) for name in TAXISNET_CLAIMS],
            }
        ],
        "components": {
            "org.keycloak.userprofile.UserProfileProvider": [
                {
                    "providerId": "declarative-user-profile",
                    "config": {"kc.user.profile.config": [json.dumps(_profile())]},
                }
            ]
        },
    }
    return json.dumps(realm)


def taxisnet_broker(server_url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The identity provider and its mappers that put taxisnet behind a municipality's realm."""
    address = f"{server_url}/realms/taxisnet"
    paths = {"authorizationUrl": "auth", "tokenUrl": "token", "userInfoUrl": "userinfo", "jwksUrl": "certs"}
    provider = {
        "alias": "taxisnet",
        "displayName": "Κωδικοί taxisnet",
        "providerId": "oidc",
        "enabled": True,
        "trustEmail": False,
        "config": {
            **{name: f"{address}/protocol/openid-connect/{path}" for name, path in paths.items()},
            "issuer": address,
            "clientId": "municipality",
            "clientSecret": BROKER_SECRET,
            "clientAuthMethod": "client_secret_post",
            "defaultScope": "openid",
            "useJwksUrl": "true",
            "validateSignature": "true",
            "syncMode": "FORCE",
        },
    }
    attributes = {
        "taxid": "afm",
        "lastname": "lastName",
        "firstname": "firstName",
        "fathername": "fathers_name",
        "birthyear": "birth_year",
    }
    return provider, [_imported(claim, attribute) for claim, attribute in attributes.items()]


def _imported(claim: str, attribute: str) -> dict[str, Any]:
    config = {"claim": claim, "user.attribute": attribute, "syncMode": "FORCE"}
    return {
        "name": claim,
        "identityProviderAlias": "taxisnet",
        "identityProviderMapper": "oidc-user-attribute-idp-mapper",
        "config": config,
    }


def _claim(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": "oidc-usermodel-attribute-mapper",
        "config": {
            "user.attribute": "username" if name == "userid" else name,
            "claim.name": name,
            "jsonType.label": "String",
            "id.token.claim": "true",
            "access.token.claim": "false",
            "userinfo.token.claim": "true",
        },
    }


def _profile() -> dict[str, Any]:
    # Keycloak insists on these two; names are unmanaged here, as all that the registry tells.
    required = [{"name": "username"}, {"name": "email"}]
    return {"attributes": required, "unmanagedAttributePolicy": "ADMIN_EDIT"}
