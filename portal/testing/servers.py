"""Real servers for tests: PostgreSQL, a store, a TURN relay, an IMAP server, and the browser's program.

Fixtures open them once for a session. Where a program is not installed the test is left out; with
``PORTAL_TEST_COMPLETE=1`` it fails instead, so that a complete run leaves nothing out unnoticed.
"""

from __future__ import annotations

import ctypes.util
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import pytest

from portal import embedded_store
from portal.testing import keycloak_program

T = TypeVar("T")

OLDEST_POSTGRES = 15
_ACCEPTED_JAVA = " or ".join(map(str, keycloak_program.SUPPORTED_JAVA))
PATIENCE = 30.0
"""Seconds that a server has to start, and again to stop."""
_TURN_SETTINGS = """\
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={port}
realm=portal.test
{who}
allow-loopback-peers
no-tls
no-dtls
no-cli
log-file=stdout
pidfile={folder}/turnserver.pid
userdb={folder}/turndb
"""

_IMAP_SETTINGS = """\
base_dir = {home}/run
state_dir = {home}/state
instance_name = portal-test
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = {uid}
mail_location = maildir:{home}/mail/%u
ssl = yes
ssl_cert = <{home}/certificate.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {ports.plain}
  }}
  inet_listener imaps {{
    port = {ports.tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0600
  }}
}}
"""


class ImapPorts(NamedTuple):
    """Where the IMAP server listens: for STARTTLS or nothing, and for TLS from the beginning."""

    plain: int
    tls: int


@contextmanager
def postgres_cluster(folder: Path, durable: bool = False) -> Iterator[str]:
    """A new, empty PostgreSQL; gives the URL of its database. Its log is written into ``folder``.

    Only a ``durable`` one waits for the disk at each commit, as in production; tests need not.

    The data lie elsewhere: the server refuses to work as root, and whom it works as instead may not
    look into the folders that pytest makes. It listens on a socket only, so no port can be taken.
    """
    programs = _needed(postgres_programs(), "PostgreSQL 15 or newer")
    owner = _unprivileged_user()
    with tempfile.TemporaryDirectory(prefix="pg-") as home:
        if owner:
            os.chown(home, owner.pw_uid, owner.pw_gid)
        data = Path(home, "data")
        _run_as(
            owner, programs / "initdb", "-D", data, "-U", "portal", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-k",
            home,
            "-c",
            "listen_addresses=",
            "-c",
            f"fsync={'on' if durable else 'off'}",
        ]
        command += ["-c", "max_connections=200"]
        with _server(command, folder / "postgres.log", signal.SIGINT, owner) as process:
            _wait(process, lambda: _answers(programs / "pg_isready", "-h", home), folder / "postgres.log")
            _run_as(owner, programs / "createdb", "-h", home, "-U", "portal", "portal")
            yield f"postgresql+psycopg://portal@/portal?host={home}"


@contextmanager
def store_server(folder: Path) -> Iterator[str]:
    """The embedded store with socket and data in ``folder``; gives its URL. What it kept is there again."""
    try:
        command = embedded_store.command(folder)
    except embedded_store.NoStore:
        left_out("Valkey or Redis")
    socket = embedded_store.socket_of(folder)
    with _server(command, folder / "store.log", signal.SIGTERM) as process:
        _wait(process, lambda: embedded_store.answers(socket), folder / "store.log")
        yield f"unix://{socket}"


@contextmanager
def turn_server(folder: Path, secret: str, port: int) -> Iterator[str]:
    """coturn on this machine alone, for who has a password made from ``secret``; gives its address.

    Without a ``secret`` it relays for everybody, which no real one should.
    """
    program = _needed(shutil.which("turnserver"), "coturn")
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "turnserver.conf"
    settings.touch(0o600)
    who = f"use-auth-secret\nstatic-auth-secret={secret}" if secret else "no-auth"
    settings.write_text(_TURN_SETTINGS.format(port=port, who=who, folder=folder))
    log = folder / "turnserver.log"
    with _server([program, "-c", settings], log, signal.SIGTERM) as process:
        _wait(process, lambda: listens(port), log)
        yield f"turn:127.0.0.1:{port}"


@contextmanager
def imap_server(folder: Path, users: dict[str, str], certificate: str, key: str) -> Iterator[ImapPorts]:
    """Dovecot on this machine alone, with an empty mailbox for each of ``users`` (name and password).

    ``certificate`` and ``key`` are PEM texts. Its log is written into ``folder``.
    """
    program = _needed(dovecot(), "Dovecot 2.3")
    owner = _unprivileged_user() or pwd.getpwuid(os.geteuid())
    ports = ImapPorts(free_port(), free_port())
    with tempfile.TemporaryDirectory(prefix="imap-") as home:
        group = grp.getgrgid(owner.pw_gid).gr_name
        files = {
            "dovecot.conf": _IMAP_SETTINGS.format(
                home=home, user=owner.pw_name, group=group, uid=owner.pw_uid, ports=ports
            ),
            "users": "".join(f"{name}:{{PLAIN}}{password}\n" for name, password in users.items()),
            "certificate.pem": certificate,
            "key.pem": key,
        }
        for name, text in files.items():
            Path(home, name).write_text(text, encoding="utf-8")
            os.chown(Path(home, name), owner.pw_uid, owner.pw_gid)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        command: list[str | Path] = [program, "-F", "-c", Path(home, "dovecot.conf")]
        log = folder / "dovecot.log"
        with _server(command, log, signal.SIGTERM, owner if os.geteuid() == 0 else None) as process:
            _wait(process, lambda: listens(ports.plain) and listens(ports.tls), log)
            yield ports


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    """Any other server, for the block, from the moment when it is ``ready`` until the signal that ends it."""
    with _server(command, log, end) as process:
        _wait(process, ready, log)
        yield


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def chromium() -> str:
    """Path of the browser: ``PORTAL_CHROMIUM``, or the system's."""
    return _needed(_chromium(), "Chromium")


def missing() -> list[str]:
    """What is not installed here, each with what is left out because of it."""
    wanted = {
        "PostgreSQL 15 or newer: nothing is tested on it, only on SQLite": postgres_programs(),
        "Valkey or Redis: no test with real workers or a real store": _store_program(),
        "Chromium: no test in a browser (calls, journeys)": _chromium(),
        "coturn: no call through a TURN relay": shutil.which("turnserver"),
        "Dovecot 2.3: no delivery report is read from a mailbox": dovecot(),
        "Pango: no certificate is drawn": ctypes.util.find_library("pangoft2-1.0"),
        "a font with Greek letters: browsers show boxes instead": _greek_font(),
        f"Java ({_ACCEPTED_JAVA}): no login with a real Keycloak": keycloak_program.java(),
        f"Keycloak {keycloak_program.VERSION}, which Maven (mvn) fetches: no login with a real one": (
            keycloak_program.is_ready()
        ),
    }
    return [name for name, found in wanted.items() if not found]


def dovecot() -> str | None:
    """The IMAP server's program, if it reads settings of our kind; those of version 2.4 are others."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return program if told.startswith("2.3.") else None


def postgres_programs() -> Path | None:
    """Folder of the newest PostgreSQL that is new enough."""
    folders = [Path(found).parent] if (found := shutil.which("initdb")) else []
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    versions = {folder: _major_version(folder) for folder in folders if _is_complete(folder)}
    newest = max(versions, key=lambda folder: versions[folder], default=None)
    return newest if newest and versions[newest] >= OLDEST_POSTGRES else None


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("initdb", "postgres", "pg_isready", "createdb"))


def left_out(what: str) -> NoReturn:
    """Leave this test out because ``what`` is not installed; in a complete run it fails."""
    if os.environ.get("PORTAL_TEST_COMPLETE") == "1":
        pytest.fail(f"{what} is not installed, and this run shall leave nothing out")
    pytest.skip(f"{what} is not installed")


def _needed(found: T | None, what: str) -> T:
    if found is None:
        left_out(what)
    return found


def _chromium() -> str | None:
    return os.environ.get("PORTAL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def _store_program() -> str | None:
    try:
        return embedded_store.find_program()
    except embedded_store.NoStore:
        return None


def _greek_font() -> str | None:
    if not shutil.which("fc-list"):
        return None
    found = subprocess.run(["fc-list", ":lang=el", "family"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _major_version(folder: Path) -> int:
    told = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+", told)
    return int(number.group()) if number else 0


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL works as when we are root; None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither postgres nor nobody here")


def _identity(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}


def _run_as(owner: pwd.struct_passwd | None, *command: str | Path) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **_identity(owner))
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr or done.stdout}")


@contextmanager
def _server(
    command: Sequence[str | Path], log: Path, stop: signal.Signals, owner: pwd.struct_passwd | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the block; ``stop`` ends it. On Linux it ends with us even when we are killed."""
    tied = ["setpriv", "--pdeathsig", stop.name[3:]] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*tied, *command],
            cwd="/",
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **_identity(owner),
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def listens(port: int) -> bool:
    """True when somebody accepts connections at this port of this machine."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not answers():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
