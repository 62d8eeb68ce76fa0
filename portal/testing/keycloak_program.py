"""A real Keycloak for tests: finds Java, fetches the server through Maven, makes it ready for quick starts.

``python -m portal.testing.keycloak_program`` does the fetching; `scripts/install-test-servers` calls that,
never a test. `portal.testing.keycloak` runs what lies here.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
UNPACK = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack"
SUPPORTED_JAVA = (17, 21, 25)
"""What Keycloak 26.7 runs on, by its own guide."""
ADMINISTRATOR = ("admin", "admin")
"""Of servers that listen on this machine only and live as long as the tests."""

PARTS = ("lib", "conf", "providers", "themes", "version.txt")
READY = "prepared-data"
"""A database with Keycloak's tables and its first realm; a start that finds them takes half the time."""
PATIENCE = 240.0
"""Seconds that a start may take on a busy machine."""


def folder() -> Path:
    """Where this machine keeps its one copy."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "thyrida" / f"keycloak-{VERSION}"


def is_ready() -> bool:
    """True when the server was fetched and built."""
    return (folder() / READY).is_dir()


def java() -> Path | None:
    """The program ``java`` of the newest Java that Keycloak accepts."""
    homes = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    if on_path := shutil.which("java"):
        homes.append(Path(on_path).resolve().parents[1])
    versions = {home: _major_version(home) for home in homes if (home / "bin" / "java").is_file()}
    accepted = [home for home, version in versions.items() if version in SUPPORTED_JAVA]
    newest = max(accepted, key=lambda home: versions[home], default=None)
    return newest / "bin" / "java" if newest else None


def _major_version(home: Path) -> int:
    try:
        told = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    number = re.search(r'^JAVA_VERSION="(\d+)', told, re.MULTILINE)
    return int(number.group(1)) if number else 0


def command(home: Path, *arguments: str) -> list[str]:
    """How Keycloak is called with its folders in ``home``; what its own start script would call."""
    program = java()
    if program is None:
        raise RuntimeError(f"Keycloak needs Java {', '.join(map(str, SUPPORTED_JAVA))}")
    opened = ("java.util", "java.util.concurrent", "java.security", "java.lang")
    factory = "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory"
    return [
        str(program),
        "-Xms64m",
        "-Xmx400m",
        "-XX:MaxMetaspaceSize=256m",
        "-Dfile.encoding=UTF-8",
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        f"-Djava.util.concurrent.ForkJoinPool.common.threadFactory={factory}",
        f"-Dkc.home.dir={home}",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opened),
        "--enable-native-access=ALL-UNNAMED",
        *("-cp", str(home / "lib" / "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint"),
        *arguments,
    ]


def start_command(home: Path, port: int) -> list[str]:
    """How the built server is started; it listens on this machine only and on one port only."""
    return command(
        home,
        "start",
        "--optimized",
        "--cache=local",
        "--import-realm",
        "--http-enabled=true",
        "--hostname-strict=false",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
    )


def environment(**variables: str) -> dict[str, str]:
    """The variables of a start: those of this process, the administrator, and what realm files name."""
    name, password = ADMINISTRATOR
    own = {"KC_BOOTSTRAP_ADMIN_USERNAME": name, "KC_BOOTSTRAP_ADMIN_PASSWORD": password}
    return {**os.environ, **own, **variables}


def make_home(home: Path) -> None:
    """A home for one server: the program by links, the database as a copy of its own."""
    _link_program(home)
    shutil.copytree(folder() / READY, home / "data")


def _link_program(home: Path) -> None:
    home.mkdir(parents=True)
    for part in PARTS:
        (home / part).symlink_to(folder() / part)


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the server answers; raise with the end of its log when it does not."""
    end = time.monotonic() + PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Keycloak did not start: {log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/realms/master", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and insist when it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def install() -> None:
    """Fetch and build the server unless that was done; several callers at once do it once."""
    folder().parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder().parent / "lock"):
        if is_ready():
            return
        shutil.rmtree(folder(), ignore_errors=True)
        _fetch()
        build = ("build", "--db=dev-file", "--health-enabled=false", "--metrics-enabled=false")
        _run(command(folder(), *build))
        _prepare()


def _fetch() -> None:
    with tempfile.TemporaryDirectory(prefix="keycloak-", dir=folder().parent) as place:
        # Maven leaves marks of what it unpacked in the folder where it is called.
        _run(["mvn", "-q", "-B", "-C", UNPACK, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={place}"], place)
        Path(place, f"keycloak-{VERSION}").rename(folder())


def _prepare() -> None:
    """Start once, so that the tables are there, and keep the database."""
    with tempfile.TemporaryDirectory(prefix="keycloak-") as place:
        home, port, log = Path(place, "home"), free_port(), Path(place, "log")
        _link_program(home)
        with log.open("wb") as output:
            process = subprocess.Popen(
                start_command(home, port), env=environment(), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_until_it_answers(process, port, log)
        finally:
            end(process)
        shutil.copytree(home / "data" / "h2", folder() / f"{READY}.part" / "h2")
    (folder() / f"{READY}.part").rename(folder() / READY)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(told: list[str], place: str | Path = "/") -> None:
    done = subprocess.run(
        told, cwd=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"{Path(told[0]).name} failed: {(done.stdout + done.stderr)[-3000:]}")


if __name__ == "__main__":
    try:
        install()
    except (OSError, RuntimeError) as problem:
        sys.exit(f"Keycloak could not be made ready: {problem}")
