"""What the loader demands of a plugin's providers, folders and routes; each answer is a list of problems."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from portal.plugin_api import DeliveryProvider, PluginBlueprint, RecipientField, VideoProvider

ACCESS_MARKS = frozenset({"public", "signed", "webhook"})
LONGEST_TIMEOUT = 60

_NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
_ORIGIN = re.compile(r"(https://[^/\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)")


def provider_problems(provider: object, base: type) -> list[str]:
    """Everything wrong with one provider, as far as it shows without calling it."""
    label = type(provider).__name__
    if not isinstance(provider, base):
        return [f"{label} is no {base.__name__}; inherit from it"]
    problems = [*_static_problems(provider), *signature_problems(type(provider), base)]
    if isinstance(provider, VideoProvider):
        problems += _video_problems(provider)
    if isinstance(provider, DeliveryProvider):
        problems += _delivery_problems(provider)
    return [f"{label}.{problem}" for problem in problems]


def signature_problems(implementation: type, base: type) -> list[str]:
    """Methods that cannot be called the way the base class says."""
    problems = []
    for name, expected in inspect.getmembers(base, inspect.isfunction):
        written = getattr(implementation, name)
        if name.startswith("_") or written is expected:
            continue
        if not _fits(inspect.signature(written), inspect.signature(expected)):
            wanted = ", ".join(inspect.signature(expected).parameters)
            found = ", ".join(inspect.signature(written).parameters)
            problems.append(f"{name}({found}): must be {name}({wanted})")
    return problems


def folder_problems(name: str, folder: Path) -> list[str]:
    """A plugin's templates lie below its own name, so that it can shadow nobody's."""
    templates = folder / "templates"
    if not templates.is_dir():
        return []
    foreign = sorted(entry.name for entry in templates.iterdir() if entry.name != f"portal_{name}")
    return [f"templates/{entry}: templates belong into templates/portal_{name}/" for entry in foreign]


def add_blueprint(app: Flask, blueprint: PluginBlueprint, add_routes: Callable[[], object]) -> list[str]:
    """Let the plugin add its routes, register them, and tell what reached beyond them."""
    before = _application_wide(app, blueprint.name)
    views = dict(app.view_functions)
    add_routes()
    app.register_blueprint(blueprint)
    after = _application_wide(app, blueprint.name)
    problems = [
        f"portal_routes changes {table} of the whole application; only its own routes are allowed"
        for table in before
        if before[table] != after[table]
    ]
    return problems + _route_problems(app, blueprint, views)


def _route_problems(app: Flask, blueprint: PluginBlueprint, views: dict[str, Any]) -> list[str]:
    own = f"{blueprint.name}."
    problems = []
    for endpoint, view in app.view_functions.items():
        if views.get(endpoint) is view or endpoint == f"{own}static":
            continue
        if not endpoint.startswith(own):
            problems.append(f"portal_routes adds the foreign route {endpoint}")
        elif getattr(view, "portal_access", None) not in ACCESS_MARKS:
            mend = "put @signed_access, @webhook or @public_page above the view"
            problems.append(f"route {endpoint.removeprefix(own)}: has no access mark; {mend}")
    return problems


def _application_wide(app: Flask, blueprint: str) -> dict[str, Any]:
    """The application's handlers, without those which the blueprint keeps to itself."""
    tables = (
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "template_context_processors",
        "url_value_preprocessors",
        "url_default_functions",
        "error_handler_spec",
    )
    # Flask fills these tables with empty entries when it looks a blueprint up; those mean nothing.
    kept: dict[str, Any] = {
        name: {scope: _plain(value) for scope, value in getattr(app, name).items() if scope != blueprint}
        for name in tables
    }
    kept = {name: {scope: value for scope, value in table.items() if value} for name, table in kept.items()}
    for name in ("filters", "globals", "tests"):
        kept[f"template {name}"] = dict(getattr(app.jinja_env, name))
    kept["teardown_appcontext_funcs"] = list(app.teardown_appcontext_funcs)
    kept["wsgi_app"] = app.wsgi_app
    return kept


def _plain(value: Any) -> Any:
    """A copy that later changes do not reach."""
    if isinstance(value, dict):
        copies = {key: _plain(entry) for key, entry in value.items()}
        return {key: entry for key, entry in copies.items() if entry}
    return list(value) if isinstance(value, list) else value


def _static_problems(provider: Any) -> list[str]:
    problems = []
    name = getattr(provider, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems.append("name: must be 2 to 30 small letters, digits and underscores, a letter first")
    if not str(getattr(provider, "title", "")).strip():
        problems.append('title: is missing; write title = lazy("…")')
    timeout = provider.timeout
    if not isinstance(timeout, int) or not 1 <= timeout <= LONGEST_TIMEOUT:
        problems.append(f"timeout: must be a whole number of seconds from 1 to {LONGEST_TIMEOUT}")
    return problems


def _video_problems(provider: VideoProvider) -> list[str]:
    problems = []
    if provider.can_forbid_recording is not True:
        problems.append("can_forbid_recording: must be True; calls at the counter are never recorded")
    if not _is_set_of(provider.origins, str) or not all(map(_ORIGIN.fullmatch, provider.origins)):
        problems.append('origins: must be a frozenset of origins like "https://meet.example.gr"')
    fresh_for = provider.fresh_for
    if fresh_for is not None and not (isinstance(fresh_for, timedelta) and fresh_for > timedelta()):
        problems.append("fresh_for: must be None or a positive timedelta")
    return problems


SHORTEST = {
    "news_every": timedelta(minutes=5),
    "overdue_after": timedelta(days=1),
    "kept_for": timedelta(days=1),
    "remind_after": timedelta(hours=1),
}
"""What a way of delivery may ask the portal to wait for, and how long that is at least."""


def _delivery_problems(provider: DeliveryProvider) -> list[str]:
    problems = []
    if not _is_set_of(provider.needs, RecipientField):
        problems.append("needs: must be a frozenset of RecipientField")
    elif RecipientField.PICKUP_POINT in provider.needs and not _is_written(provider, "points"):
        problems.append("points: must be written, since needs has PICKUP_POINT")
    if not (isinstance(provider.settles_after, timedelta) and provider.settles_after >= timedelta()):
        problems.append("settles_after: must be a timedelta, not a negative one")
    for name, shortest in SHORTEST.items():
        value = getattr(provider, name)
        if value is not None and not (isinstance(value, timedelta) and value >= shortest):
            problems.append(f"{name}: must be None or a timedelta of at least {shortest}")
    return problems


def _is_written(provider: DeliveryProvider, method: str) -> bool:
    return getattr(type(provider), method) is not getattr(DeliveryProvider, method)


def _is_set_of(value: object, kind: type) -> bool:
    return isinstance(value, frozenset) and all(isinstance(entry, kind) for entry in value)


def _fits(written: inspect.Signature, expected: inspect.Signature) -> bool:
    own, wanted = list(written.parameters.values()), list(expected.parameters.values())
    if [(p.name, p.kind) for p in own[: len(wanted)]] != [(p.name, p.kind) for p in wanted]:
        return False
    return all(_may_be_left_out(parameter) for parameter in own[len(wanted) :])


def _may_be_left_out(parameter: inspect.Parameter) -> bool:
    gathers = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return gathers or parameter.default is not parameter.empty
