"""Many processes that begin at the same moment, each of them one client."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

PATIENCE = 1800.0

_fork = multiprocessing.get_context("fork")

Prepare = Callable[[int], Callable[[], Any]]
"""Called in each process with its number before the start; gives what is done after it."""


class ClientFailed(Exception):
    """A client ended with an error; its traceback is the message."""


def together(count: int, prepare: Prepare) -> tuple[float, list[Any]]:
    """Run ``count`` forked clients. The answer: seconds from the start to the last end, and what they gave.

    The caller must hold no connection that a child could use by mistake.
    """
    start = _fork.Barrier(count + 1)
    pipes, clients = [], []
    for number in range(count):
        ours, theirs = _fork.Pipe(duplex=False)
        client = _fork.Process(target=_live, args=(number, prepare, start, theirs), daemon=True)
        client.start()
        theirs.close()
        pipes.append(ours)
        clients.append(client)
    try:
        start.wait(PATIENCE)
        begin = time.perf_counter()
        told = [_result(pipe) for pipe in pipes]
        return max(ended for ended, _ in told) - begin, [result for _, result in told]
    finally:
        for client in clients:
            client.join(5)
            client.kill()


def _live(number: int, prepare: Prepare, start: Barrier, pipe: Connection) -> None:
    try:
        act = prepare(number)
        start.wait(PATIENCE)
        result = act()
        pipe.send((time.perf_counter(), result, ""))
    except BaseException:
        start.abort()
        pipe.send((0.0, None, traceback.format_exc()))
    finally:
        pipe.close()


def _result(pipe: Connection) -> tuple[float, Any]:
    if not pipe.poll(PATIENCE):
        raise ClientFailed("a client gave no answer")
    ended, result, failure = pipe.recv()
    if failure:
        raise ClientFailed(failure)
    return ended, result
