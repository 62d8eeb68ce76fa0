"""A plugin adds routes below its own address, and nothing to the rest of the portal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from .conftest import COMPLETE, Install, Start

Problems = Callable[..., list[str]]


def routes(body: str) -> str:
    """A complete plugin whose `portal_routes` does ``body``."""
    return f"{COMPLETE}\n@hookimpl\ndef portal_routes(context, blueprint):\n    {body}\n"


def test_routes_lie_below_the_plugins_own_address(install: Install, start: Start, bare_app: Flask) -> None:
    install("acme", routes("blueprint.get('/hello')(public_page(lambda: context.url_for('<lambda>')))"))
    start("acme")
    assert bare_app.test_client().get("/plugins/acme/hello").text == "/plugins/acme/hello"


def test_static_files_and_templates_are_found_by_their_folders(
    install: Install, start: Start, bare_app: Flask
) -> None:
    body = "blueprint.get('/page')(public_page(lambda: context.render('page.html', 'el', who='<Άννα>')))"
    folder = install("acme", routes(body))
    (folder / "static").mkdir()
    (folder / "static" / "acme.css").write_text("p { margin: 0 }")
    (folder / "templates" / "portal_acme").mkdir(parents=True)
    (folder / "templates" / "portal_acme" / "page.html").write_text("<p>{{ who }}</p>")
    start("acme")
    from flask_babel import Babel

    Babel(bare_app)
    browser = bare_app.test_client()
    assert browser.get("/plugins/acme/page").text == "<p>&lt;Άννα&gt;</p>"
    with browser.get("/plugins/acme/static/acme.css") as answer:
        assert answer.text == "p { margin: 0 }"


def test_a_route_without_an_access_mark(install: Install, problems: Problems) -> None:
    install("acme", routes("blueprint.add_url_rule('/x', 'x', lambda: '')"))
    (line,) = problems("acme")
    assert line.startswith("plugin acme  route x: has no access mark; put @signed_access")


@pytest.mark.parametrize(
    "method", ["before_app_request", "app_errorhandler(404)", "app_context_processor", "after_app_request"]
)
def test_application_wide_methods_are_refused(install: Install, problems: Problems, method: str) -> None:
    install("acme", routes(f"blueprint.{method}(lambda *a: None)"))
    (line,) = problems("acme")
    assert "a plugin may not call blueprint." in line


@pytest.mark.parametrize(
    ("code", "table"),
    [
        ("s.app.before_request(lambda: 'mine')", "before_request_funcs"),
        ("s.app.after_request(lambda r: r)", "after_request_funcs"),
        ("s.app.register_error_handler(404, lambda e: 'mine')", "error_handler_spec"),
        ("s.app.context_processor(lambda: {})", "template_context_processors"),
        ("s.app.jinja_env.filters.update(text=str)", "template filters"),
        ("setattr(s.app, 'wsgi_app', lambda e, r: None)", "wsgi_app"),
    ],
)
def test_reaching_around_the_blueprint_is_noticed(
    install: Install, problems: Problems, code: str, table: str
) -> None:
    install("acme", routes(f"blueprint.record(lambda s: {code})"))
    assert problems("acme") == [
        f"plugin acme  portal_routes changes {table} of the whole application; "
        "only its own routes are allowed"
    ]


def test_a_foreign_route_is_noticed(install: Install, problems: Problems) -> None:
    install("acme", routes("blueprint.record(lambda s: s.app.add_url_rule('/login', 'login', lambda: ''))"))
    assert problems("acme") == ["plugin acme  portal_routes adds the foreign route login"]


def test_handlers_of_its_own_routes_are_a_plugins_own_matter(install: Install, start: Start) -> None:
    install("acme", routes("blueprint.before_request(lambda: None)"))
    start("acme")


def test_templates_outside_the_plugins_own_folder(install: Install, problems: Problems) -> None:
    folder = install("acme", COMPLETE)
    (folder / "templates").mkdir()
    (folder / "templates" / "base.html").write_text("mine")
    assert problems("acme") == [
        "plugin acme  templates/base.html: templates belong into templates/portal_acme/"
    ]
