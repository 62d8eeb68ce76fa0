"""The processes of `portal all`: forks that end with their parent and leave nothing behind.

Only `portal.supervisor` uses it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress

PATIENCE = 15.0
"""Seconds that a process has to stop by itself; then it is told that this is urgent, and at last killed."""
URGENT = 5.0

_PR_SET_PDEATHSIG = 1


def fork(job: Callable[[], object]) -> int:
    """Do ``job`` in a new process with a session of its own; the answer is its number.

    A session of its own, so that a Ctrl-C in the terminal reaches the supervisor alone.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        _end_with(parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        job()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait_for(pid: int) -> int:
    """Wait for a process; the answer is its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ended() -> Iterable[int]:
    """The numbers of the processes that have ended since the last call, strangers that we inherited too."""
    with suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            yield pid


def stop(pids: Iterable[int]) -> None:
    """End these processes together and wait until they are gone, with whatever they left behind."""
    groups = set(pids)
    running = set(groups)
    for patience in (PATIENCE, URGENT):
        for pid in running:
            _signal(pid, signal.SIGTERM)
        running = _wait_while_any(running, patience)
    for pid in groups:
        end_group(pid, signal.SIGKILL)
    for pid in running:
        os.waitpid(pid, 0)


def end_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to all that a process of ours has started and left behind."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_while_any(pids: set[int], seconds: float) -> set[int]:
    """Wait for these processes; the answer is who is left after ``seconds``."""
    running = set(pids)
    end = time.monotonic() + seconds
    while running and time.monotonic() < end:
        running -= {pid for pid in running if os.waitpid(pid, os.WNOHANG)[0]}
        time.sleep(0.02)
    return running


def _end_with(parent: int) -> None:
    """On Linux the kernel ends us when our parent dies, even when it was killed."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the supervisor is gone")
