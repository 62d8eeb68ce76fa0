"""The `portal` command. Each subcommand is one short function; what is misconfigured is told in plain lines.

Imports stand inside the functions, so that ``portal --help`` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from portal.config import Config, ConfigProblems, load

if TYPE_CHECKING:
    from flask import Flask

    from portal.plugin_api import Finding

DEFAULT_BIND = "127.0.0.1:8000"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the answer is the exit code."""
    options = _parser().parse_args(arguments)
    # What we write holds personal data: nobody but our own user may read it.
    os.umask(0o077)
    try:
        return int(options.run(options) or 0)
    except ConfigProblems as problems:
        print(problems, file=sys.stderr)
        return 1
    except _CannotStart as reason:
        print(f"portal cannot start: {reason}", file=sys.stderr)
        return 1


class _CannotStart(Exception):
    """What a process needs is not in order; the text says what, and how it is mended."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portal", description="The municipal counter by video.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int | None], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    command("all", _all, "everything at once: store, web server, workers, dispatcher")
    web = command("web", _web, "answer web requests at PORTAL_BIND")
    web.add_argument("--processes", type=int, default=2, help="how many, each with eight threads (2)")
    work = command("work", _work, "do the work of one queue, or of all of them")
    work.add_argument("queue", nargs="?", choices=_queues())
    command("dispatch", _dispatch, "put due work before the workers")
    check = command("check", _check, "check the configuration and the plugins")
    check.add_argument("--live", action="store_true", help="ask database, store and outside systems too")
    _add_trials(command)
    command("plugins", _plugins, "list the enabled plugins")
    database = command("db", _database, "bring the database up to date, or ask whether it is")
    database.add_argument("action", choices=["upgrade", "check"])
    command("rotate-keys", _rotate_keys, "bring what lies under an older secret key under the first one")
    _add_imports(command)
    show = command("demo", _demo, "fill the demonstration's database")
    show.add_argument(
        "--scale",
        choices=["municipality", "national"],
        default="municipality",
        help="how much of it: two offices, or 1,023 with 3,000 clerks and fourteen months of appointments",
    )
    return parser


def _add_trials(command: Callable[..., argparse.ArgumentParser]) -> None:
    tried = command("try", _try_identity, "exercise one configured provider and tell what is wrong with it")
    kinds = tried.add_subparsers(required=True, metavar="KIND")
    identity = kinds.add_parser("identity", help="does the login work? Nobody is logged in")
    video = kinds.add_parser("video", help="open a test room, make a way in, close the room")
    video.set_defaults(run=_try_video)
    video.add_argument("--role", choices=["clerk", "citizen", "interpreter"], default="clerk")
    video.add_argument("--keep-open", action="store_true", help="leave the room for 15 minutes")
    delivery = kinds.add_parser(
        "delivery", help="does the way of delivery work? Nothing is sent to a citizen"
    )
    delivery.set_defaults(run=_try_delivery)
    delivery.add_argument("--to", default="", metavar="ADDRESS", help="send a mail to this address of yours")
    for kind in (identity, video, delivery):
        kind.add_argument("provider", help="its name in [providers]")
        kind.add_argument("--json", action="store_true", help="the same for programs")


def _add_imports(command: Callable[..., argparse.ArgumentParser]) -> None:
    catalogue = command("import", _import, "import the municipality's catalogue")
    catalogue.add_argument("file", type=Path)
    bring_in = command("import-appointments", _import_appointments, "import appointments of a former system")
    bring_in.add_argument("file", type=Path, help="CSV; docs/running.md names its columns")
    bring_in.add_argument("--check", action="store_true", help="tell what would happen and write nothing")
    bring_in.add_argument("--keep-going", action="store_true", help="import what is possible, list the rest")
    bring_in.add_argument(
        "--notify", action="store_true", help="send confirmations and reminders to citizens"
    )


def _queues() -> list[str]:
    from portal.queues import QUEUES

    return list(QUEUES)


def _app() -> Flask:
    from portal import create_app

    return create_app(load())


def _app_at_work() -> Flask:
    """The application for a process that serves; zone data must agree before it begins."""
    from portal import zone_check

    app = _app()
    try:
        zone_check.expect_agreement(app)
    except zone_check.ZonesDisagree as reason:
        raise _CannotStart(reason) from None
    return app


def _bind() -> str:
    return os.environ.get("PORTAL_BIND", DEFAULT_BIND)


def _all(options: argparse.Namespace) -> int:
    from portal import supervisor

    app = _app_at_work()
    config: Config = app.config["PORTAL"]
    try:
        supervisor.run_all(app, _bind(), lambda: _prepare(app, config), lambda: _announce(config))
    except supervisor.CannotStart as reason:
        print(f"portal cannot start: {reason}", file=sys.stderr)
        return 1
    return 0


def _prepare(app: Flask, config: Config) -> None:
    from portal import demo, migrations

    migrations.upgrade(app)
    if config.demo:
        demo.prepare(app)


def _announce(config: Config) -> None:
    address = config.portal.base_url
    lines = [f"{config.municipality.name.in_language('en')} is open: {address}"]
    if config.demo:
        lines += [
            "This is a demonstration; the login page lists the people you can be.",
            f"  citizens  {address}/",
            f"  staff     {address}/staff/",
            f"  mails     {address}/demo/mailbox",
        ]
    print("\n".join([*lines, "Ctrl-C closes it."]), flush=True)


def _web(options: argparse.Namespace) -> None:
    from portal import web

    web.serve(_app_at_work(), _bind(), options.processes)


def _work(options: argparse.Namespace) -> None:
    from portal import supervisor, worker

    if options.queue:
        worker.work(_app_at_work(), options.queue)
    else:
        supervisor.run_workers(_app_at_work())


def _dispatch(options: argparse.Namespace) -> None:
    from portal import worker

    worker.dispatch(_app_at_work())


def _check(options: argparse.Namespace) -> int:
    from portal import rotation_words
    from portal.certificates import checking
    from portal.live_check import troubles

    app = _app()
    print("configuration: in order")
    with app.app_context():
        print(rotation_words.waiting(), end="")
        found = [*_told(checking.troubles()), *_told(rotation_words.troubles())]
        found += list(_told(troubles())) if options.live else []
    return 1 if found else 0


def _rotate_keys(options: argparse.Namespace) -> int:
    from portal import migrations, rotation_words

    with _app().app_context():
        if not migrations.is_current():
            print("the database is old: run `portal db upgrade`", file=sys.stderr)
            return 1
        lines, code = rotation_words.rotated(lambda what, count: print(f"{what}: {count}", flush=True))
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


def _try_identity(options: argparse.Namespace) -> int:
    from portal import trial

    return _try_out("identity", options, trial.identity)


def _try_delivery(options: argparse.Namespace) -> int:
    from portal import trial

    return _try_out("delivery", options, lambda app, name: trial.delivery(app, name, options.to))


def _try_out(
    kind: str, options: argparse.Namespace, try_it: Callable[[Flask, str], Sequence[Finding]]
) -> int:
    from portal import trial

    try:
        # A program reads the answer from standard output; the log goes beside it.
        with redirect_stdout(sys.stderr):
            findings = try_it(_app(), options.provider)
    except trial.NotChosen as reason:
        print(reason, file=sys.stderr)
        return 1
    tried = [{"tried": found.tried, "trouble": found.trouble} for found in findings]
    problems = [found.trouble for found in findings if found.trouble]
    told = {"kind": kind, "provider": options.provider, "tried": tried, "problems": problems}
    return _tell_trial(findings, told if options.json else None)


def _try_video(options: argparse.Namespace) -> int:
    from portal import trial

    try:
        with redirect_stdout(sys.stderr):
            tried = trial.video(_app(), options.provider, options.role, options.keep_open)
    except trial.NotChosen as reason:
        print(reason, file=sys.stderr)
        return 1
    told = {
        "provider": tried.provider,
        "room": tried.room,
        "join_url": tried.join_url,
        "opened": tried.opened,
        "closed": tried.closed,
        "problems": tried.problems,
    }
    failed = _tell_trial(tried.findings, told if options.json else None)
    if options.keep_open and tried.join_url and not options.json:
        print(tried.join_url)
    return failed


def _tell_trial(findings: Sequence[Finding], told: Mapping[str, object] | None) -> int:
    """Print ``told`` for a program, or each finding for people. The answer is the exit code."""
    if told is not None:
        print(json.dumps(told, ensure_ascii=False))
    else:
        for found in findings:
            print(f"{found.tried}: {found.trouble or 'in order'}")
    return 1 if any(found.trouble for found in findings) else 0


def _told(answers: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Print each answer; give the names of those that are not in order."""
    for name, trouble in answers:
        print(f"{name}: {trouble or 'in order'}", file=sys.stderr if trouble else sys.stdout, flush=True)
        if trouble:
            yield name


def _plugins(options: argparse.Namespace) -> None:
    from portal import plugin_loader

    for plugin in plugin_loader.find(load()):
        print(f"{plugin.name}: {plugin.problem}" if plugin.problem else plugin.name)


def _database(options: argparse.Namespace) -> int:
    from portal import migrations, zone_check

    app = _app()
    if options.action == "upgrade":
        migrations.upgrade(app)
    with app.app_context():
        current = migrations.is_current()
        trouble = zone_check.of_this_portal(app.config["PORTAL"]) if current else ""
    print("the database is up to date" if current else "the database is old: run `portal db upgrade`")
    if trouble:
        print(trouble, file=sys.stderr)
    return 0 if current and not trouble else 1


def _import(options: argparse.Namespace) -> int:
    from portal.catalogue import CatalogueProblems, import_file

    app = _app()
    chosen = app.config["PORTAL"].providers
    try:
        with app.app_context():
            report = import_file(options.file, chosen.delivery)
    except CatalogueProblems as problems:
        print(problems, file=sys.stderr)
        return 1
    print(report.in_words())
    return 0


def _import_appointments(options: argparse.Namespace) -> int:
    from portal.appointments.importing import ImportProblems, import_appointments

    app = _app()
    config: Config = app.config["PORTAL"]
    try:
        with app.app_context():
            report, problems = import_appointments(
                options.file, config, options.check, options.keep_going, options.notify
            )
    except ImportProblems as refused:
        print(refused, file=sys.stderr)
        return 1
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    print(f"nothing was written; it would be: {report.in_words()}" if options.check else report.in_words())
    return 1 if problems else 0


def _demo(options: argparse.Namespace) -> int:
    app = _app()
    config: Config = app.config["PORTAL"]
    if not config.demo:
        print("this is no demonstration: [portal] demo is not true", file=sys.stderr)
        return 1
    if options.scale == "national":
        return _demo_of_the_country(app, config)
    _prepare(app, config)
    return 0


def _demo_of_the_country(app: Flask, config: Config) -> int:
    from portal import migrations
    from portal.demo import national
    from portal.demo.progress import Progress

    migrations.upgrade(app)
    with app.app_context():
        try:
            national.expect_own_data()
        except national.OtherData as reason:
            print(reason, file=sys.stderr)
            return 1
        there = national.is_there()
    _prepare(app, config)
    if there:
        print("the national demonstration is there already")
        return 0
    with app.app_context():
        count = national.fill(config, national.Size(), Progress(sys.stderr, "national demonstration"))
    print(f"the national demonstration is there: {count:,} appointments")
    return 0
