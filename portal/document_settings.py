"""The table ``[documents]``: where documents lie, and what a bucket needs. Read by `portal.config`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

BUCKET_KEYS = ("PORTAL_S3_ACCESS_KEY", "PORTAL_S3_SECRET_KEY")
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def _service(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^/\s]+", value):
        raise ValueError("write scheme and host without a path, like https://s3.example.gr")
    if value.startswith("http://") and urlsplit(value).hostname not in THIS_MACHINE:
        raise ValueError("must begin with https://; plain http is for this machine only")
    return value


def _bucket(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value):
        raise ValueError("write the name alone: small letters, digits, dots and hyphens")
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"([A-Za-z0-9_-]+/)*", value):
        raise ValueError("write letters, digits and hyphens, and end with a slash, like portal/")
    return value


class DocumentSettings(BaseModel):
    """The keys of a bucket come from the environment alone."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    store: Literal["disk", "s3"] = "disk"
    endpoint: Annotated[str, AfterValidator(_service)] = ""
    """Where the service answers that keeps the bucket."""
    bucket: Annotated[str, AfterValidator(_bucket)] = ""
    region: str = Field(default="us-east-1", min_length=1)
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    """Stands before each name, where others use the bucket too."""

    def missing(self, environment: Mapping[str, str], source: str) -> list[str]:
        """What a bucket needs and is not told, a line for each."""
        if self.store == "disk":
            return []
        needed = {"endpoint": "the address of the service", "bucket": "the name of the bucket"}
        lines = [
            f'{source} documents.{key}: is missing; store = "s3" needs {what}'
            for key, what in needed.items()
            if not getattr(self, key)
        ]
        wanted = [key for key in BUCKET_KEYS if not environment.get(key)]
        return lines + [f'environment {key}: is missing; store = "s3" needs it' for key in wanted]
