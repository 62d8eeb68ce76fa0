"""The `portal` command. Each subcommand is one short function; wrong configuration is told in plain lines."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from portal.config import Config, ConfigProblems, load

DEFAULT_BIND = "127.0.0.1:8000"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the answer is the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except ConfigProblems as problems:
        print(problems, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portal", description="The municipal counter by video.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    everything = commands.add_parser("all", help="everything in one: store, web, workers, dispatcher")
    everything.set_defaults(run=_all)
    web = commands.add_parser("web", help="answer web requests")
    web.add_argument("--workers", type=int, default=int(os.environ.get("PORTAL_WEB_WORKERS", "2")))
    web.set_defaults(run=_web)
    work = commands.add_parser("work", help="do the work of one queue")
    work.add_argument("queue", choices=_queues())
    work.set_defaults(run=_work)
    commands.add_parser("dispatch", help="put due work before the workers").set_defaults(run=_dispatch)
    check = commands.add_parser("check", help="check the configuration; with --live the outside systems too")
    check.add_argument("--live", action="store_true")
    check.set_defaults(run=_check)
    commands.add_parser("plugins", help="list the enabled plugins").set_defaults(run=_plugins)
    database = commands.add_parser("db", help="bring the database up to date, or say whether it is")
    database.add_argument("action", choices=["upgrade", "check"])
    database.set_defaults(run=_database)
    catalogue = commands.add_parser("import", help="import the municipality's catalogue")
    catalogue.add_argument("file", type=Path)
    catalogue.set_defaults(run=_import)
    return parser


def _queues() -> list[str]:
    from portal.outbox import QUEUES

    return list(QUEUES)


def _all(options: argparse.Namespace) -> None:
    from portal import create_app, demo, supervisor

    app = create_app(load())
    config: Config = app.config["PORTAL"]

    def prepare() -> None:
        _upgrade(app)
        if config.demo:
            demo.prepare(app)

    everything = supervisor.Supervisor(app, os.environ.get("PORTAL_BIND", DEFAULT_BIND))
    try:
        everything.run(prepare, lambda: _announce(config))
    except supervisor.AlreadyRunning as error:
        raise SystemExit(str(error)) from None


def _announce(config: Config) -> None:
    lines = [f"{config.municipality.name.in_language('en')}: {config.portal.base_url}"]
    if config.demo:
        lines += [
            f"  citizens   {config.portal.base_url}/         log in as any of the persons on the login page",
            f"  staff      {config.portal.base_url}/staff/   log in as a clerk or as the supervisor",
            f"  mails      {config.portal.base_url}/demo/mailbox   what the portal would have sent",
        ]
    print("\n".join([*lines, "Stop with Ctrl-C."]), flush=True)


def _web(options: argparse.Namespace) -> None:
    from portal import create_app, supervisor

    supervisor.serve(create_app(load()), os.environ.get("PORTAL_BIND", DEFAULT_BIND), options.workers)


def _work(options: argparse.Namespace) -> None:
    from portal import create_app, worker

    worker.work(create_app(load()), options.queue)


def _dispatch(options: argparse.Namespace) -> None:
    from portal import create_app, worker

    worker.dispatch(create_app(load()))


def _check(options: argparse.Namespace) -> int:
    from portal import create_app

    app = create_app(load())
    print("configuration: ok")
    return _check_live(app) if options.live else 0


def _check_live(app: object) -> int:
    from flask import Flask

    from portal.plugin_api import ProviderFailure
    from portal.providers import current_providers

    assert isinstance(app, Flask)
    failed = 0
    with app.app_context():
        providers = current_providers()
        asked = {**providers.video, **providers.delivery}
        for identity in (providers.identity_citizens, providers.identity_staff):
            asked[identity.name] = identity  # type: ignore[assignment]
        for name, provider in asked.items():
            try:
                provider.check()
                print(f"{name}: ok")
            except ProviderFailure as failure:
                failed = 1
                print(f"{name}: {failure}", file=sys.stderr)
    return failed


def _plugins(options: argparse.Namespace) -> None:
    from portal import plugin_loader

    for plugin in plugin_loader.find(load()):
        print(plugin.name)


def _database(options: argparse.Namespace) -> int:
    from portal import create_app

    app = create_app(load())
    if options.action == "upgrade":
        _upgrade(app)
        return 0
    from portal.migrations import is_current

    with app.app_context():
        current = is_current()
    print("database: up to date" if current else "database: run `portal db upgrade`")
    return 0 if current else 1


def _upgrade(app: object) -> None:
    from portal.migrations import upgrade

    upgrade(app)  # type: ignore[arg-type]


def _import(options: argparse.Namespace) -> int:
    from portal import create_app
    from portal.catalogue import CatalogueProblems, import_file

    config = load()
    app = create_app(config)
    with app.app_context():
        try:
            report = import_file(options.file, config.providers.identity.staff, config.providers.delivery)
        except CatalogueProblems as problems:
            print(problems, file=sys.stderr)
            return 1
    print(report.in_words())
    return 0
