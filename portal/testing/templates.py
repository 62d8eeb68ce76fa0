"""Keeps compiled templates for the next application of the same process."""

from __future__ import annotations

from types import CodeType
from typing import Any

from jinja2.bccache import Bucket, BytecodeCache


class CompiledTemplates(BytecodeCache):
    """What was compiled, by its source and by what else decides about the outcome."""

    def __init__(self) -> None:
        self._kept: dict[Any, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get(_key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._kept[_key(bucket)] = bucket.code


def _key(bucket: Bucket) -> Any:
    environment = bucket.environment
    return (
        bucket.key,
        bucket.checksum,
        tuple(sorted(environment.extensions)),
        getattr(environment, "newstyle_gettext", None),
        environment.trim_blocks,
        environment.lstrip_blocks,
    )
