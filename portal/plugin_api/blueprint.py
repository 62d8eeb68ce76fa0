"""The blueprint that the core makes for a plugin: it may add routes and nothing application-wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from flask import Blueprint

F = TypeVar("F", bound=Callable[..., Any])

_REFUSED = (
    "add_app_template_filter",
    "add_app_template_global",
    "add_app_template_test",
    "after_app_request",
    "app_context_processor",
    "app_errorhandler",
    "app_template_filter",
    "app_template_global",
    "app_template_test",
    "app_url_defaults",
    "app_url_value_preprocessor",
    "before_app_request",
    "teardown_app_request",
)


class PluginBlueprint(Blueprint):
    """A Flask blueprint without the methods that reach beyond the plugin's own addresses."""


def _refuse(name: str) -> Callable[..., NoReturn]:
    def refused(self: PluginBlueprint, *args: object, **kwargs: object) -> NoReturn:
        raise PermissionError(f"a plugin may not call blueprint.{name}: it reaches beyond its own routes")

    return refused


for _name in _REFUSED:
    setattr(PluginBlueprint, _name, _refuse(_name))


def signed_access(view: F) -> F:
    """Mark a route whose caller proves himself with a token the plugin signed; the view checks it.

    Such a route is open to people without login and free of the form token. The view must answer 403
    to a request without a valid token; the contract kit tries.
    """
    view.portal_access = "signed"  # type: ignore[attr-defined]
    return view


def webhook(view: F) -> F:
    """Mark a route for an outside system; the view must answer 4xx to an unsigned or replayed call."""
    view.portal_access = "webhook"  # type: ignore[attr-defined]
    return view


def public_page(view: F) -> F:
    """Mark a page that anybody may see. Its forms carry the form token as all of ours do."""
    view.portal_access = "public"  # type: ignore[attr-defined]
    return view
