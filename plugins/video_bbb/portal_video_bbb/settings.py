"""Where BigBlueButton is, the secret shared with it, and how calls are signed."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, field_validator

from portal.plugin_api import PluginSettings, Secret, Url

Checksum = Literal["sha1", "sha256", "sha384", "sha512"]


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _is_base(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", value):
        raise ValueError("write only host and path, like https://bbb.example.gr/bigbluebutton")
    return value if value.endswith("/api") else f"{value}/api"


BaseUrl = Annotated[Url, BeforeValidator(_stripped), AfterValidator(_is_base)]


class BbbSettings(PluginSettings):
    """``base_url`` and ``secret`` are what ``bbb-conf --secret`` prints on the server."""

    base_url: BaseUrl
    """Kept with ``/api`` at its end, whether it was written or not."""
    secret: Secret
    checksum: Checksum = "sha256"

    @field_validator("secret")
    @classmethod
    def _secret_is_whole(cls, secret: Secret) -> Secret:
        value = secret.get_secret_value().strip()
        if not re.fullmatch(r"[!-~]+", value):
            raise ValueError("copy it again: it is empty, has a space, or a letter that is not Latin")
        return SecretStr(value)

    @property
    def origin(self) -> str:
        """Scheme and host, where browsers are sent."""
        address = urlsplit(self.base_url)
        return f"{address.scheme}://{address.netloc}"
