"""The house keeps its shape: who imports whom, what stands in one place only, how long things get.

Read from the source with `ast`, without importing it.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "portal").rglob("*.py"))
PLUGINS = sorted(path for path in ROOT.glob("plugins/*/portal_*/**/*.py"))
PLUGIN_TESTS = sorted(ROOT.glob("plugins/*/tests/**/*.py"))
PLUGIN_NAMES = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir())
VERSIONS = ROOT / "portal" / "migrations" / "versions"
"""One migration is one list of tables, written by a program; its length says nothing."""
WRITTEN_BY_HAND = [path for path in [*CORE, *PLUGINS, *PLUGIN_TESTS] if VERSIONS not in path.parents]

ONLY_IN = {
    "botocore": {"portal/document_store/bucket.py", "portal/testing/bucket.py"},
    "flask_mail": {"portal/mail.py"},
    "rq": {"portal/queues.py", "portal/worker.py"},
    # The kit lets the tests of a plugin call its hooks as the portal does.
    "pluggy": {"portal/plugin_api/hooks.py", "portal/plugin_loader.py", "portal/testing/kit.py"},
    "flask_limiter": {"portal/security.py"},
    "flask_login": {"portal/people/visitor.py", "portal/people/login.py"},
    "holidays": {"portal/offices/holidays.py"},
    "icalendar": {"portal/appointments/calendar_file.py"},
    "jwcrypto": {
        "plugins/identity_keycloak/portal_identity_keycloak/tokens.py",
        "plugins/video_jitsi/portal_video_jitsi/tokens.py",
    },
    "keycloak": {"plugins/identity_keycloak/portal_identity_keycloak/server.py"},
    "phonenumbers": {"portal/forms.py"},
    "pikepdf": {
        "portal/certificates/marking.py",
        "portal/certificates/rendering.py",
        "portal/documents/papers/paper_cleaning.py",
        "portal/documents/issuing/pdf_check.py",
        "portal/demo/documents.py",
        "portal/testing/elta/services.py",
    },
    "PIL": {"portal/documents/papers/paper_cleaning.py"},
    "pillow_heif": {"portal/documents/papers/paper_cleaning.py"},
    "puremagic": {"portal/documents/papers/paper_cleaning.py"},
    "pyhanko": {"portal/certificates/sealing.py"},
    "segno": {"portal/qr.py", "plugins/delivery_pickup/portal_delivery_pickup/provider.py"},
    "weasyprint": {"portal/certificates/rendering.py"},
    "stdnum": {"portal/plugin_api/tax_number.py"},
    "zeep": {"plugins/delivery_elta/portal_delivery_elta/soap.py"},
}
"""A package that may be replaced one day is known in one or two places."""

MAX_FUNCTION = 40
MAX_FILE = 400
LONGER = {
    "portal/__init__.py create_app": 65,  # The wiring: one call after another, without a decision.
}
"""Functions that are longer, and how long they may be at most."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of all imported modules, wherever in the file they are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays in its own package and is told with its dots.
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def packages(tree: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in imported(tree)}


def calls(tree: ast.AST) -> Iterator[str]:
    """Called attributes with what they are called on: ``datetime.now``, ``session.commit``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


# --- Who imports whom ------------------------------------------------------------------------------------


def test_scheduling_stands_on_the_standard_library_alone() -> None:
    modules = sorted((ROOT / "portal" / "scheduling").glob("*.py"))
    assert len(modules) >= 4
    for path in modules:
        outside = {name for name in imported(tree_of(path)) if not name.startswith("portal.scheduling.")}
        assert {name.split(".")[0] for name in outside} <= sys.stdlib_module_names, name_of(path)


def test_what_changes_a_state_knows_nothing_of_the_web() -> None:
    pure = [path for path in CORE if path.name in ("lifecycle.py", "states.py")]
    assert len(pure) >= 3
    for path in [*pure, ROOT / "portal" / "appointments" / "call.py"]:
        web = {package for package in packages(tree_of(path)) if package.startswith(("flask", "werkzeug"))}
        assert not web, f"{name_of(path)} imports {web}"


def test_a_plugin_sees_of_the_portal_only_what_is_promised() -> None:
    assert len(PLUGINS) >= 8
    for path in PLUGINS:
        for name in imported(tree_of(path)):
            if name.split(".")[0] == "portal":
                assert name.startswith("portal.plugin_api."), f"{name_of(path)} imports {name}"


def test_a_plugin_does_not_import_another_plugin() -> None:
    for path in PLUGINS:
        own = path.relative_to(ROOT).parts[2]
        foreign = {name for name in packages(tree_of(path)) if name.startswith("portal_")} - {own}
        assert not foreign, f"{name_of(path)} imports {foreign}"


def test_the_core_does_not_know_the_names_of_plugins() -> None:
    assert len(PLUGIN_NAMES) >= 4
    plugin = re.compile("|".join(map(re.escape, PLUGIN_NAMES)))
    demonstration = ROOT / "portal" / "demo" / "municipality.toml"
    assert plugin.search(demonstration.read_text(encoding="utf-8"))
    texts = [
        path
        for path in (ROOT / "portal").rglob("*")
        if path.suffix in {".py", ".html", ".js", ".css", ".toml", ".txt"}
    ]
    for path in texts:
        found = plugin.search(path.read_text(encoding="utf-8"))
        assert path == demonstration or not found, f"{name_of(path)} names {found}"


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_known_in_its_places_only(package: str) -> None:
    places = {name_of(path) for path in [*CORE, *PLUGINS] if package in packages(tree_of(path))}
    assert places == ONLY_IN[package]


# --- What stands in one place only -----------------------------------------------------------------------


def test_the_present_comes_from_the_clock() -> None:
    present = re.compile(r"\b(datetime|date)\.(now|utcnow|today)$")
    asking = {name_of(path) for path in [*CORE, *PLUGINS] if any(map(present.search, calls(tree_of(path))))}
    assert asking == {"portal/clock.py"}


def test_only_the_transaction_commits() -> None:
    committing = {
        name_of(path)
        for path in [*CORE, *PLUGINS]
        if any(call.endswith(".commit") for call in calls(tree_of(path)))
    }
    assert committing == {"portal/db.py", "portal/migrations/env.py"}


# --- How things are written ------------------------------------------------------------------------------


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(path) for path in WRITTEN_BY_HAND if not ast.get_docstring(tree_of(path))]
    assert not silent


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in WRITTEN_BY_HAND}
    assert not {name: length for name, length in lengths.items() if length > MAX_FILE}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{name_of(path)} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in WRITTEN_BY_HAND
        for function in functions(tree_of(path))
    }
    too_long = {name: length for name, length in lengths.items() if length > LONGER.get(name, MAX_FUNCTION)}
    assert not too_long
    short_again = [name for name in LONGER if lengths.get(name, 0) <= MAX_FUNCTION]
    assert not short_again, "these need no exception any more"


# --- States ----------------------------------------------------------------------------------------------

Transitions = Mapping[tuple[str, str], str]


def table(path: str, name: str) -> Transitions:
    """A table of transitions, read from the source."""
    for node in tree_of(ROOT / path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no {name}")


def states(transitions: Transitions) -> set[str]:
    return {state for state, _event in transitions} | set(transitions.values())


def reachable(transitions: Transitions, first: str) -> set[str]:
    found: set[str] = {first}
    while new := {to for (state, _), to in transitions.items() if state in found} - found:
        found |= new
    return found


APPOINTMENTS = "portal/appointments/lifecycle.py"
DOCUMENTS = "portal/documents/states.py"


@pytest.mark.parametrize(
    ("path", "name", "first", "final"),
    [
        (APPOINTMENTS, "TRANSITIONS", "held", {"expired", "cancelled", "missed", "done"}),
        (DOCUMENTS, "REQUEST_TRANSITIONS", "to_issue", {"withdrawn"}),
        (DOCUMENTS, "DELIVERY_TRANSITIONS", "waiting", {"returned", "cancelled"}),
    ],
)
def test_every_state_is_reached_and_left(path: str, name: str, first: str, final: set[str]) -> None:
    transitions = table(path, name)
    assert reachable(transitions, first) == states(transitions)
    assert states(transitions) - {state for state, _event in transitions} == final


def test_a_state_that_nothing_reaches_is_noticed() -> None:
    assert reachable({("held", "confirm"): "booked", ("lost", "find"): "booked"}, "held") == {
        "held",
        "booked",
    }


# --- The record ------------------------------------------------------------------------------------------

CASE_WORDS = "portal/appointments/staff/case_words.py"
NOT_OF_A_CASE = ("f'person:", "f'outbox:")
"""Subjects whose record no page shows."""


def deeds_of_cases(tree: ast.AST) -> set[str]:
    """The deeds that are written down about appointments, and so are read in their cases."""
    return {
        ast.literal_eval(node.args[1])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "audit.record"
        and not ast.unparse(node.args[2]).startswith(NOT_OF_A_CASE)
    }


def words_of_deeds() -> set[str]:
    for node in tree_of(ROOT / CASE_WORDS).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DEEDS":
            assert isinstance(node.value, ast.Dict)
            # That each of these words is Greek too, the tests of the catalogues see to.
            assert all(ast.unparse(words).startswith("_l(") for words in node.value.values)
            return {ast.literal_eval(deed) for deed in node.value.keys if deed}
    raise AssertionError(f"{CASE_WORDS} has no DEEDS")


def test_every_deed_in_the_record_of_a_case_is_told_in_words() -> None:
    recorded: set[str] = set().union(*(deeds_of_cases(tree_of(path)) for path in CORE))
    assert len(recorded) > 30
    assert recorded == words_of_deeds()


def test_a_deed_without_words_is_noticed() -> None:
    assert deeds_of_cases(ast.parse("audit.record(None, 'wondered at', subject(row))")) == {"wondered at"}
    assert deeds_of_cases(ast.parse("audit.record(None, 'seen', f'person:{row.id}')")) == set()


def doers(event: str) -> set[str]:
    """Functions of appointments that let the event happen: they call ``change(…, "event")``."""
    return {
        f"{path.stem}.{function.name}"
        for path in (ROOT / "portal" / "appointments").rglob("*.py")
        for function in functions(tree_of(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("change", "lifecycle.change")
        and ast.unparse(node.args[1]) == repr(event)
    }


def test_every_transition_of_an_appointment_is_made_in_a_test() -> None:
    """The test calls it, or bears its name: what lapses does so by a job, which a test only lets run."""
    here = Path(__file__).parent
    trees = [tree_of(path) for path in (ROOT / "tests").rglob("test_*.py") if here not in path.parents]
    called = {call for tree in trees for call in calls(tree)}
    titles = " ".join(function.name for tree in trees for function in functions(tree)).replace("_", " ")
    for _state, event in table(APPOINTMENTS, "TRANSITIONS"):
        assert doers(event), f"nothing lets {event} happen"
        assert doers(event) & called or f" {event} " in titles, f"no test lets {event} happen"


# --- Packaging -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["://", "file:", " @ ", "--index", "--extra-index"])
def test_the_lock_file_names_no_place_to_load_from(origin: str) -> None:
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert locked.count("--hash=sha256:") > 50
    assert origin not in locked


def test_every_bundled_plugin_is_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["portal.plugins"] == {name: f"portal_{name}" for name in PLUGIN_NAMES}
    for name in PLUGIN_NAMES:
        assert (ROOT / "plugins" / name / f"portal_{name}" / "__init__.py").is_file()
