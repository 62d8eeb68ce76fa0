"""What an application compiles, kept for the next one of the same process: tests make one each."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


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


Builder = Callable[..., tuple[str, str]]


class CompiledRule(Rule):
    """An address whose building function is compiled once; of all that making an application takes the most.

    The function takes the rule itself as an argument, and so serves each rule that is written the same.
    """

    _kept: dict[Any, Builder] = {}  # noqa: RUF012 - one for all rules, on purpose

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        if self.defaults or self.host or self.subdomain:
            return super()._compile_builder(append_unknown)
        key = (self.rule, self.merge_slashes, append_unknown)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


def share_compiled_statements() -> None:
    """From now on each connection takes over the statements that another one of its kind has compiled.

    SQLAlchemy keeps them by dialect, and each engine has one of its own; those of a kind count as equal.
    """
    kept: Any = LRUCache(3000)
    equality: Any = DefaultDialect
    equality.__hash__ = lambda one: hash(type(one))
    equality.__eq__ = lambda one, other: type(one) is type(other)

    @event.listens_for(Engine, "engine_connect")
    def take_over(connection: Connection) -> None:
        connection.execution_options(compiled_cache=kept)
