"""A small town with only an outbox: its jobs hand parcels to a carrier, which is a folder.

The tests import it and also start it as processes: ``python town.py work mail``, ``python town.py dispatch``,
``python town.py claim 20``. ``TOWN_…`` variables tell it what shall go wrong.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from flask import Flask

from portal import clock, config, db, outbox, worker
from portal.plugin_api import TemporaryFailure
from portal.providers import Providers
from portal.testing.fakes import FakeIdentity


def make_app(environment: dict[str, str]) -> Flask:
    """The demo's configuration, the tables of the outbox, and no provider of anything."""
    app = Flask("town")
    app.config["PORTAL"] = config.load(environment)
    app.config["SQLALCHEMY_DATABASE_URI"] = app.config["PORTAL"].database_url
    db.init_app(app)
    nobody = FakeIdentity({})
    app.extensions["portal.providers"] = Providers({}, {}, nobody, nobody)
    return app


def post_parcel(name: str, kind: str = "parcel.send") -> None:
    """Post the sending of one parcel."""
    with db.transaction():
        outbox.post(
            kind,
            f"parcel:{name}",
            {"name": name},
            key=f"{kind}:{name}",
            give_up_at=clock.now() + timedelta(days=5),
        )


def carrier() -> Path:
    return Path(os.environ["TOWN_CARRIER"])


def parcels() -> list[str]:
    """What arrived at the carrier, once for each parcel."""
    return sorted(file.name for file in carrier().glob("*/*"))


@outbox.job("parcel.send", queue="mail")
def send_parcel(name: str) -> None:
    """A carrier that knows our key: the same parcel twice is one parcel."""
    time.sleep(float(os.environ.get("TOWN_SLOW", "0")))
    folder = carrier() / "keyed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{os.getpid()}")
    _perhaps_crash(name)


@outbox.job("parcel.send_unkeyed", queue="mail")
def send_unkeyed_parcel(name: str) -> None:
    """The control: a carrier without keys takes the same parcel as often as it is brought."""
    folder = carrier() / "unkeyed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{time.time_ns()}").touch()
    _perhaps_crash(name)


@outbox.job("parcel.refuse", queue="delivery")
def refuse_parcel(name: str) -> None:
    raise TemporaryFailure("the carrier is on strike")


def _perhaps_crash(name: str) -> None:
    """Die between the carrier's yes and our commit, at the first attempt only; with one parcel or any."""
    crash = os.environ.get("TOWN_CRASH")
    once = carrier() / "crashed"
    if not crash or once.exists() or name != os.environ.get("TOWN_CRASH_AT", name):
        return
    once.write_text(crash)
    if crash == "worker":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _claim_all(app: Flask) -> None:
    """Claim whatever is due and print the numbers of the rows."""
    with app.app_context():
        for row_id, _ in outbox.due(limit=1000):
            with db.transaction():
                claimed = outbox.claim(row_id)
            if claimed:
                print(row_id)


def main() -> None:
    ahead = timedelta(seconds=int(os.environ.get("TOWN_CLOCK_AHEAD", "0")))
    present = clock.now
    clock.now = lambda: present() + ahead
    app = make_app(dict(os.environ))
    match sys.argv[1:]:
        case ["work", queue]:
            worker.work(app, queue)
        case ["dispatch"]:
            worker.dispatch(app)
        case ["claim"]:
            _claim_all(app)


if __name__ == "__main__":
    main()
