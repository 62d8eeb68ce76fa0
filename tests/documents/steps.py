"""A worker in a process of its own that is killed, or falls asleep, at one of its steps.

Steps are found, not listed: before each commit, before and after each call of a provider, each request over
HTTP, each answer of a mail server, each file. Work that gets a further step is walked without a change here.
After a commit nothing happens that the next step does not know too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import httpx
from sqlalchemy import event
from time_machine import Traveller

from portal import files, providers
from portal.certificates import seal
from portal.db import db
from portal.outbox import run_due

FORK = multiprocessing.get_context("fork")
LONGEST = 60
LATER = timedelta(minutes=15)
"""Longer than any lease, and than ELTA Courier may still be at work on a lost call."""
OUTSIDE: tuple[tuple[Any, str], ...] = (
    (providers, "_timed"),
    (httpx.Client, "send"),
    (smtplib.SMTP, "getreply"),
    (files, "store"),
    (files, "forget"),
    (seal, "put_on"),
)
"""Whatever a worker does beside the database goes through these."""


@dataclass
class Steps:
    """Notes the steps of a worker, and sends it ``deed`` at the one that was chosen."""

    chosen: int = 0
    deed: signal.Signals = signal.SIGKILL
    names: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        writing = "writing: " if db.session().info.get("writing") else ""
        self.names.append(writing + name)
        if len(self.names) == self.chosen:
            os.kill(os.getpid(), self.deed)

    def watch(self) -> None:
        """From now on everything in this process is counted."""
        for owner, name in OUTSIDE:
            setattr(owner, name, self._around(name, getattr(owner, name)))
        event.listen(db.engine, "commit", lambda connection: self.step("before commit"))

    def _around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            called = f"{given[0]}.{given[1]}" if name == "_timed" else name
            self.step(f"before {called}")
            result = real(*given, **named)
            if name != "getreply":  # the next command is sent, or the message is taken: both are steps too
                self.step(f"after {called}")
            return result

        return wrapped


class Worker:
    """A forked worker that does what is due, in as many ``rounds`` with a pause between them."""

    def __init__(self, app: Any, clock: Traveller, steps: Steps, rounds: int = 1) -> None:
        # No connection may be shared with the child.
        db.session.remove()
        db.engine.dispose()
        self._ear, mouth = FORK.Pipe(duplex=False)
        self._child: BaseProcess = FORK.Process(target=_work, args=(app, clock, steps, mouth, rounds))
        self._child.start()
        self._ended = False
        mouth.close()

    def fall_asleep(self) -> None:
        """Wait until it has stopped at its step."""
        _pid, status = os.waitpid(self._child.pid or 0, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the worker has not reached the step"

    def wake_up(self) -> None:
        os.kill(self._child.pid or 0, signal.SIGCONT)

    def kill(self) -> None:
        """End it now, also one that is still asleep because its test has failed."""
        if not self._ended:
            self._child.kill()

    def end(self) -> tuple[int, list[str]]:
        """Wait for its end; the answers are the exit code and its steps, which only a survivor tells."""
        try:
            names = self._ear.recv() if self._ear.poll(LONGEST) else []
        except EOFError:
            names = []
        self._child.join(LONGEST)
        code = self._child.exitcode
        self._ear.close()
        self._child.close()
        self._ended = True
        return code or 0, names


def _work(app: Any, clock: Traveller, steps: Steps, mouth: Connection, rounds: int) -> None:
    try:
        steps.watch()
        for number in range(rounds):
            if number:
                clock.shift(LATER)
            run_due(app)
        mouth.send(steps.names)
    finally:
        os._exit(0)
