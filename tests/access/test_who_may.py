"""Who may do what: every address is tried by everybody, and the table says what each of them gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask

from portal.people import access

from . import table
from .table import Row
from .world import CALLERS, World

COLUMNS, ROWS = table.read()
HOW_TO_ADD = (
    f"Add a line for each to {table.FILE.name}, with ? for every caller, and run this file: it prints the "
    "line as it is. Judge each word of it before you put it in."
)


def routes(app: Flask) -> set[tuple[str, str]]:
    """Method and address of everything that can be called."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def unwritten(app: Flask, rows: Iterable[Row]) -> set[tuple[str, str]]:
    """Addresses that have no line."""
    return routes(app) - {(row.method, row.address) for row in rows}


def view_of(app: Flask, row: Row) -> Any:
    """The function that answers."""
    rules = app.url_map.iter_rules()
    found = (rule for rule in rules if rule.rule == row.address and row.method in (rule.methods or ()))
    return app.view_functions[next(found).endpoint]


def row_of(method: str, path: str) -> Row:
    return next(row for row in ROWS if (row.method, row.path) == (method, path))


def tried(row: Row, ask: Callable[..., Any], *callers: str) -> Row:
    """The row as it is, for all callers or for some."""
    words = {name: table.word_for(ask(name, row.method, row.path)) for name in callers or COLUMNS}
    return row._replace(cells=tuple(words.get(name, "") for name in COLUMNS))


def test_the_table_has_a_column_for_everybody() -> None:
    assert tuple(CALLERS) == COLUMNS


def test_every_address_has_a_line(world: World) -> None:
    assert unwritten(world.app, ROWS) == set(), HOW_TO_ADD
    gone = {(row.method, row.address) for row in ROWS} - routes(world.app)
    assert not gone, "these addresses are gone; take their lines out"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_everybody_gets_what_the_table_says(row: Row, ask: Callable[..., Any]) -> None:
    assert tried(row, ask).line() == row.line()


# --- The controls: with a guard taken away the table notices it ------------------------------------


def test_an_address_without_a_line_is_noticed(world: World) -> None:
    assert unwritten(world.app, ROWS[1:]) == {(ROWS[0].method, ROWS[0].address)}


def test_a_view_without_its_mark_is_noticed(
    world: World, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = [row for row in ROWS if set(row.cells[:1]) & {"login", "staff"}]
    assert len(guarded) > 60
    for row in guarded:
        with monkeypatch.context() as without:
            without.setattr(view_of(world.app, row), "portal_access", "public")
            assert tried(row, ask, "nobody").cells[0] != row.cells[0], row


@pytest.mark.parametrize(
    ("mark", "weaker", "caller"),
    [
        ("citizen", "logged_in", "clerk"),
        ("supervisor", "staff", "clerk"),
        ("staff", "interpreter", "interp"),
        ("interpreter", "staff", "clerk"),
    ],
)
def test_a_view_with_a_weaker_mark_is_noticed(
    world: World,
    ask: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    mark: str,
    weaker: str,
    caller: str,
) -> None:
    column = COLUMNS.index(caller)
    views = {row: view_of(world.app, row) for row in ROWS}
    marked = [row for row, view in views.items() if getattr(view, "portal_access", "") == mark]
    assert marked
    for row in marked:
        with monkeypatch.context() as without:
            without.setattr(views[row], "portal_access", weaker)
            assert tried(row, ask, caller).cells[column] != row.cells[column], row


@pytest.mark.parametrize(
    ("check", "method", "path", "caller"),
    [
        ("may_see_own", "GET", "/appointments/<key>", "other"),
        ("may_see_own", "GET", "/documents/<key>/file", "other"),
        ("may_serve", "GET", "/staff/appointments/<key>", "desk"),
        ("may_serve", "GET", "/staff/appointments/<key>/document", "away"),
        ("may_see_office", "POST", "/staff/deliveries/<key>/handed-over", "away"),
        ("may_record_absence", "GET", "/staff/absences/<int:number>", "desk"),
        ("may_settle", "POST", "/staff/attention/<int:row_id>/<any('retry', 'close'):deed>", "sup-2"),
    ],
)
def test_a_view_without_its_question_whose_object_it_is_is_noticed(
    world: World,
    ask: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    method: str,
    path: str,
    caller: str,
) -> None:
    monkeypatch.setattr(access, check, lambda *_asked: True)
    assert tried(row_of(method, path), ask, caller).cells[COLUMNS.index(caller)] == "in"
