"""Several processes under one roof: `portal all`, and `portal work` for all queues.

The application is made once, before the forks, so the parts share its memory and start at once. The
supervisor itself keeps no thread and no connection, which could not be shared. A part that dies is started
again; when the supervisor ends, in whatever way, its parts end too.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from flask import Flask

from portal import embedded_store, processes, web, worker
from portal.config import Config
from portal.queues import QUEUES

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds before a part that died is started again; doubled with each death in a row."""
STEADY_AFTER = 30.0
"""Seconds after which a part counts as steady, and its next death as the first one."""
STARTING_TIME = 15.0
"""Seconds that the store and the web server have to answer at the start."""
LONGEST_SOCKET = 100
"""Systems allow paths of 103 to 107 bytes for a socket."""


class CannotStart(Exception):
    """Something on this machine is in the way; the text says what."""


@dataclass
class Part:
    """One process that is kept alive."""

    name: str
    job: Callable[[], object]
    stage: int
    """Parts of a higher stage stop before those of a lower one."""
    pid: int = 0
    started_at: float = 0.0
    deaths: int = 0
    not_before: float = 0.0


class Supervisor:
    """Keeps its parts running until it is told to stop."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def add(self, part: Part) -> None:
        """Start one more part."""
        self.parts.append(part)
        self._begin(part)

    def wait_until(self, answers: Callable[[], bool]) -> bool:
        """Wait for a part to answer; False when it does not, or when we are told to stop."""
        end = time.monotonic() + STARTING_TIME
        while not self.stopping and time.monotonic() < end:
            if answers():
                return True
            time.sleep(0.05)
        return False

    def keep_alive(self) -> None:
        """Start again whatever dies; returns when we are told to stop."""
        while not self.stopping:
            for pid in processes.ended():
                for part in self.parts:
                    if part.pid == pid:
                        self._note_death(part)
            for part in self.parts:
                if not part.pid and time.monotonic() >= part.not_before:
                    self._begin(part)
            time.sleep(0.1)

    def stop_parts(self) -> None:
        """End the parts stage by stage."""
        for stage in sorted({part.stage for part in self.parts}, reverse=True):
            processes.stop(part.pid for part in self.parts if part.stage == stage and part.pid)

    def _begin(self, part: Part) -> None:
        part.pid, part.started_at = processes.fork(part.job), time.monotonic()

    def _note_death(self, part: Part) -> None:
        processes.end_group(part.pid, signal.SIGTERM)
        steady = time.monotonic() - part.started_at > STEADY_AFTER
        part.deaths = 1 if steady else part.deaths + 1
        pause = min(FIRST_PAUSE * 2 ** (part.deaths - 1), LONGEST_PAUSE)
        part.pid, part.not_before = 0, time.monotonic() + pause
        print(f"portal: the {part.name} ended; it starts again in {pause:g} s", file=sys.stderr, flush=True)

    def _stop(self, *_: object) -> None:
        self.stopping = True


def run_all(app: Flask, bind: str, prepare: Callable[[], object], announce: Callable[[], object]) -> None:
    """Everything that a municipality needs, until SIGTERM or Ctrl-C.

    ``prepare`` works in a process of its own once the store is there, ``announce`` is called when the web
    server answers. Raises CannotStart.
    """
    config: Config = app.config["PORTAL"]
    with closing(_lock(config.instance)):
        if not web.is_free(bind):
            raise CannotStart(f"{bind} is taken by another program; set PORTAL_BIND to another address")
        supervisor = Supervisor()
        try:
            if not config.environment.get("PORTAL_REDIS_URL"):
                _start_store(supervisor, config.instance)
            _prepare(prepare)
            # The store stops last, because all others use it; the web server first, so that nobody is
            # promised anything by a house that closes.
            _add_workers(supervisor, app)
            supervisor.add(Part("dispatcher", lambda: worker.dispatch(app), stage=2))
            supervisor.add(Part("web server", lambda: web.serve(app, bind, processes=1), stage=3))
            if supervisor.wait_until(lambda: web.answers(bind)):
                announce()
            supervisor.keep_alive()
        finally:
            supervisor.stop_parts()


def run_workers(app: Flask) -> None:
    """One worker for each queue, until SIGTERM or Ctrl-C."""
    supervisor = Supervisor()
    try:
        _add_workers(supervisor, app)
        supervisor.keep_alive()
    finally:
        supervisor.stop_parts()


def _start_store(supervisor: Supervisor, folder: Path) -> None:
    socket = embedded_store.socket_of(folder)
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise CannotStart(f"the path {folder} is too long for a socket; set PORTAL_INSTANCE to a shorter one")
    try:
        command = embedded_store.command(folder)
    except embedded_store.NoStore as error:
        raise CannotStart(str(error)) from None
    supervisor.add(Part("store", lambda: os.execv(command[0], command), stage=0))
    if not supervisor.wait_until(lambda: embedded_store.answers(socket)) and not supervisor.stopping:
        raise CannotStart("the embedded store did not start")


def _prepare(prepare: Callable[[], object]) -> None:
    if processes.wait_for(processes.fork(prepare)):
        raise CannotStart("the database could not be prepared; the reason stands above")


def _add_workers(supervisor: Supervisor, app: Flask) -> None:
    """One process for each queue: rq may lose what it fetches when one worker listens on several."""
    for queue in QUEUES:
        supervisor.add(Part(f"worker of {queue}", partial(worker.work, app, queue), stage=1))


def _lock(folder: Path) -> IO[str]:
    """One supervisor in a folder at a time.

    Its forks hold the lock with it, so after a kill nobody starts before the last part is gone.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise CannotStart(f"it is already running in the folder {folder}; stop it there first") from None
    return lock
