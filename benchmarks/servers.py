"""What runs beside a benchmark: web servers and workers in processes of their own, and a mail relay."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 60.0


class DidNotStart(Exception):
    """A server that is needed does not answer; the end of its log is the message."""


@contextmanager
def web_server(what: str, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """``empty`` or ``portal`` (see `benchmarks.programs`), with two processes; gives its port."""
    port = free_port()
    with program([what, str(port)], environment, log) as process:
        end = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise DidNotStart(log.read_text(errors="replace")[-3000:])
            time.sleep(0.05)
        yield port


@contextmanager
def program(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m benchmarks.programs`` with these arguments for the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.programs", *arguments],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Relay:
    """A mail server that takes everything, counts it, and answers each command after a while."""

    def __init__(self, delay: float = 0.0) -> None:
        self.taken: list[float] = []
        """When each message had been taken."""
        self.last = b""
        """The last of them."""
        self.port = free_port()
        self._controller = _Slow(self, hostname="127.0.0.1", port=self.port)
        self._controller.delay = delay

    def __enter__(self) -> Relay:
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._controller.stop()

    def await_mails(self, many: int) -> None:
        """Wait until so many have been taken since the beginning. Raises TimeoutError after a minute."""
        end = time.monotonic() + PATIENCE
        while len(self.taken) < many:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.taken)} of {many} mails arrived")
            time.sleep(0.02)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each message."""
        self.last = bytes(envelope.content or b"")
        self.taken.append(time.perf_counter())
        return "250 taken"


class _Slow(Controller):
    delay = 0.0

    def factory(self) -> SMTP:
        delay = self.delay

        class Server(SMTP):
            async def push(self, status: str | bytes) -> None:
                if delay:
                    await asyncio.sleep(delay)
                await super().push(status)

        return Server(self.handler)


def free_port() -> int:
    """A port on which nobody listens at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
