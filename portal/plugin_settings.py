"""Reads the settings of one plugin: its table of the TOML file, its secrets from the environment."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from portal.config import Config, explain
from portal.plugin_api import PluginSettings


def read(
    config: Config, name: str, model: type[PluginSettings] | None
) -> tuple[PluginSettings | None, list[str]]:
    """The checked settings, or None and every problem in one line each."""
    table = config.plugin_tables.get(name, {})
    prefix = f"plugin {name}  [plugin.{name}]"
    if model is None:
        return None, [f"{prefix} {key}: unknown setting; this plugin has none" for key in table]
    secrets = {field for field, info in model.model_fields.items() if _is_secret(info.annotation)}
    values: dict[str, Any] = {key: value for key, value in table.items() if key not in secrets}
    complaints: dict[str, str] = {}
    for field in sorted(secrets):
        try:
            secret = _secret(config.environment, name, field, given_in_file=field in table)
        except ValueError as error:
            complaints[field] = f"{prefix} {field}: {error}"
            continue
        if secret:
            values[field] = SecretStr(secret)
        elif model.model_fields[field].is_required():
            complaints[field] = f"{prefix} {field}: is missing; set {variable(name, field)}"
    return _validated(model, values, prefix, complaints)


def variable(plugin: str, field: str) -> str:
    """The environment variable that carries one secret."""
    return f"PORTAL_{plugin}_{field}".upper()


def _validated(
    model: type[PluginSettings], values: dict[str, Any], prefix: str, complaints: dict[str, str]
) -> tuple[PluginSettings | None, list[str]]:
    problems = list(complaints.values())
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        told = tuple(f"{prefix} {field}:" for field in complaints)
        lines = explain(error, prefix, model.model_fields)
        problems += [line for line in lines if not line.startswith(told)]
        return None, problems
    return (None if problems else settings), problems


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in typing.get_args(annotation))


def _secret(environment: Mapping[str, str], plugin: str, field: str, given_in_file: bool) -> str:
    """The secret's value, empty when it is not set. Raises ValueError with the words for the problem."""
    name = variable(plugin, field)
    if given_in_file:
        raise ValueError(f"is a secret; set {name} and delete it here")
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"cannot read the file named by {name}_FILE") from None
