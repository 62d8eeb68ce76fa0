"""`portal all`: the store, the web server, the workers and the dispatcher under one roof.

The application is made once, before the forks, so the children share its memory and start at once. The
supervisor itself keeps no thread and no connection, which could not be shared. A part that dies is started again; when the
supervisor ends, in whatever way, its children end too.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from portal import embedded_store, worker
from portal.config import Config
from portal.outbox import QUEUES

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds before a part that died is started again; doubled with each death in a row."""
STEADY_AFTER = 30.0
"""Seconds after which a part counts as steady and its next death as the first one."""
PATIENCE = 15.0
"""Seconds that a part has to stop by itself."""


class AlreadyRunning(Exception):
    """Another supervisor works in this instance folder."""


@dataclass
class Part:
    """One process that is kept alive."""

    name: str
    start: Callable[[], int]
    """Starts the process and returns its number."""
    pid: int = 0
    started_at: float = 0.0
    deaths: int = 0
    not_before: float = field(default=0.0)


class Supervisor:
    """Keeps the parts of one municipality running until it is told to stop."""

    def __init__(self, app: Flask, bind: str) -> None:
        self.app = app
        self.config: Config = app.config["PORTAL"]
        self.bind = bind
        self.parts: list[Part] = []
        self.stopping = False

    def run(self, prepare: Callable[[], None], announce: Callable[[], None]) -> None:
        """Start everything, keep it alive, stop in order. Returns when it was told to stop.

        ``prepare`` runs in a process of its own once the store is up; raises AlreadyRunning.
        """
        lock = _lock(self.config.instance)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        try:
            if not self.config.environment.get("PORTAL_REDIS_URL"):
                self._add("store", self._start_store)
                _wait_for_store(self.config.redis_url)
            _in_child_and_wait(prepare)
            for queue in QUEUES:
                self._add(f"worker {queue}", lambda queue=queue: _fork(lambda: worker.work(self.app, queue)))
            self._add("dispatcher", lambda: _fork(lambda: worker.dispatch(self.app)))
            self._add("web", lambda: _fork(lambda: serve(self.app, self.bind, workers=1)))
            announce()
            while not self.stopping:
                self._keep_alive()
                time.sleep(0.1)
        finally:
            self._stop_parts()
            lock.close()

    def _add(self, name: str, start: Callable[[], int]) -> None:
        part = Part(name, start)
        self.parts.append(part)
        self._begin(part)

    def _begin(self, part: Part) -> None:
        part.pid, part.started_at = part.start(), time.monotonic()

    def _start_store(self) -> int:
        command = embedded_store.command(self.config.instance)
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, preexec_fn=_die_with_parent
        )
        # Its end is noticed by waitpid below like everybody's.
        process.returncode = 0
        return process.pid

    def _keep_alive(self) -> None:
        for part in self.parts:
            if part.pid and os.waitpid(part.pid, os.WNOHANG)[0]:
                self._note_death(part)
            elif not part.pid and time.monotonic() >= part.not_before:
                self._begin(part)

    def _note_death(self, part: Part) -> None:
        _end_group(part.pid, signal.SIGTERM)
        steady = time.monotonic() - part.started_at > STEADY_AFTER
        part.deaths = 1 if steady else part.deaths + 1
        pause = min(FIRST_PAUSE * 2 ** (part.deaths - 1), LONGEST_PAUSE)
        part.pid, part.not_before = 0, time.monotonic() + pause
        print(f"{part.name} ended; it starts again in {pause:g} s", file=sys.stderr)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _stop_parts(self) -> None:
        """Web first, so that nobody is promised anything; the store last, because all others use it."""
        for part in reversed(self.parts):
            if part.pid:
                _end(part.pid)
                part.pid = 0


def serve(app: Flask, bind: str, workers: int) -> None:
    """Answer web requests until SIGTERM. No access log: addresses carry links of citizens."""
    from gunicorn.app.base import BaseApplication

    class WebServer(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    settings = {
        "bind": bind,
        "workers": workers,
        "worker_class": "gthread",
        "threads": 8,
        "accesslog": None,
        "loglevel": "warning",
        "graceful_timeout": 10,
        "timeout": 60,
        "control_socket_disable": True,
    }
    WebServer().run()


def _lock(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"portal is already running in {folder.name}; stop it first") from None
    return lock


def _fork(job: Callable[[], None]) -> int:
    """Run ``job`` in a new process and session; answers its number at once."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        _die_with_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        job()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _in_child_and_wait(job: Callable[[], None]) -> None:
    """Run ``job`` in a child, so that the supervisor itself keeps no connection. Raises SystemExit."""
    _, status = os.waitpid(_fork(job), 0)
    if status:
        raise SystemExit(1)


def _wait_for_store(url: str) -> None:
    store = Redis.from_url(url)
    for _ in range(100):
        try:
            store.ping()
        except RedisError:
            time.sleep(0.05)
        else:
            store.close()
            return
    raise SystemExit("the embedded store did not start")


def _die_with_parent() -> None:
    """On Linux the kernel ends a child whose parent was killed, so nothing is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _end(pid: int) -> None:
    """Ask a process to stop; after a while it is not asked any more."""
    _end_one(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                break
        except ChildProcessError:
            break
        time.sleep(0.05)
    _end_group(pid, signal.SIGKILL)


def _end_one(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _end_group(pid: int, number: int) -> None:
    """Whatever a part has left behind: the part began a session of its own."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
