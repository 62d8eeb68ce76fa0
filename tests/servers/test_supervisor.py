"""`portal all` as an administrator meets it: it serves, mends itself and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

PORTAL = Path(sys.executable).with_name("portal")
MOST_MEMORY = 500
"""Megabytes for the whole demonstration."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


@dataclass
class House:
    """One `portal all` in a folder of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        self.process = self.portal_all()
        until(lambda: self.health().get("status") == "ok")

    def portal_all(self) -> subprocess.Popen[str]:
        address = f"127.0.0.1:{self.port}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        environment |= {
            "PORTAL_INSTANCE": str(self.folder),
            "PORTAL_BIND": address,
            "PORTAL_BASE_URL": f"http://{address}",
        }
        return subprocess.Popen(
            [PORTAL, "all"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def health(self) -> dict[str, object]:
        try:
            return dict(httpx.get(f"http://127.0.0.1:{self.port}/health").json())
        except httpx.TransportError:
            return {}

    def processes(self) -> list[int]:
        """Everybody who works in this folder, the supervisor too."""
        folder = str(self.folder).encode()
        # The store overwrites its environment, but was told the folder as an argument.
        return [
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if folder in _read(entry / "environ") + _read(entry / "cmdline")
        ]

    def parts(self) -> list[int]:
        return [pid for pid in self.processes() if _parent(pid) == self.process.pid]


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    words = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(words[1]) if words else 0


def _megabytes(pid: int) -> float:
    """The memory of a process; what it shares with others is shared out among them."""
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).decode().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "instance", _free_port())
    try:
        house.start()
        yield house
    finally:
        for pid in house.processes():
            with suppress(ProcessLookupError):  # it was about to end by itself
                os.kill(pid, signal.SIGKILL)
        house.process.communicate()


def test_it_says_where_to_go_serves_and_closes_cleanly(house: House) -> None:
    assert httpx.get(f"http://127.0.0.1:{house.port}/").status_code == 200
    assert len(house.parts()) == 7
    assert sum(map(_megabytes, house.processes())) < MOST_MEMORY
    house.process.send_signal(signal.SIGINT)
    told, _ = house.process.communicate(timeout=30)
    assert f"http://127.0.0.1:{house.port}/staff/" in told
    assert "Traceback" not in told
    assert house.process.returncode == 0
    assert house.processes() == []


def test_nothing_is_left_behind_when_the_supervisor_is_killed(house: House) -> None:
    house.process.kill()
    until(lambda: not house.processes())


def test_each_part_that_dies_is_started_again(house: House) -> None:
    before = set(house.parts())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(house.parts()) - before) == 7)
    until(lambda: house.health().get("status") == "ok")


def test_a_second_start_in_the_same_folder_is_refused(house: House) -> None:
    second = house.portal_all()
    told, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "already running" in told
    assert "Traceback" not in told
    assert house.health()["status"] == "ok"


def test_a_folder_whose_path_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    house = House(tmp_path / ("deep" * 25), _free_port())
    house.process = house.portal_all()
    told, _ = house.process.communicate(timeout=60)
    assert house.process.returncode == 1
    assert "set PORTAL_INSTANCE to a shorter one" in told
    assert "Traceback" not in told


def test_it_opens_again_in_the_same_folder(house: House) -> None:
    house.process.terminate()
    assert house.process.wait(30) == 0
    house.process.communicate()
    house.start()
    assert httpx.get(f"http://127.0.0.1:{house.port}/").status_code == 200
