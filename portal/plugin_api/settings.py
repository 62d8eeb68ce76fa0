"""Rules for a plugin's settings: strict types, unknown keys refused, secrets only from the environment."""

from __future__ import annotations

import ssl
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

Secret = SecretStr
"""A value that prints as asterisks and is read only from ``PORTAL_<PLUGIN>_<FIELD>`` or ``..._FILE``."""


def _is_web_address(value: str) -> str:
    if not value.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ValueError("must begin with https://")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_is_web_address)]
"""An https address without trailing slash; plain http only on this machine."""


def _holds_certificates(file: str) -> str:
    try:
        if file:
            ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError):
        raise ValueError("is no file with certificates (PEM); mend the path, or delete it") from None
    return file


CertificateFile = Annotated[str, AfterValidator(_holds_certificates)]
"""Path of a file with certificates (PEM) to trust, read once at the start; empty for those of the machine."""


class PluginSettings(BaseModel):
    """Parent of every plugin's settings."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)
