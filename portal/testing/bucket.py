"""A real S3 service on this machine (SeaweedFS), and a line to it that fails when a test wants it to.

The service checks signatures, rights and clocks itself. The line passes all on as it came, or spoils it.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from portal.document_settings import DocumentSettings
from portal.document_store.bucket import Bucket
from portal.testing import servers

BUCKET, PUBLIC = "documents", "open-to-all"
ACCESS, SECRET = "portal-test", "secret-of-the-portal-test"
MAKER = "maker-of-buckets"
Fault = Literal["", "error", "slow_down", "cut", "answer_lost", "refused_forever"]
RIGHTS = {
    "identities": [
        {
            "name": "portal",
            "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
            "actions": [
                f"{right}:{name}" for right in ("Read", "Write", "List") for name in (BUCKET, PUBLIC)
            ],
        },
        # With all rights the service would make whatever bucket is missing.
        {"name": "maker", "credentials": [{"accessKey": MAKER, "secretKey": SECRET}], "actions": ["Admin"]},
        {"name": "anonymous", "actions": [f"Read:{PUBLIC}"]},
    ]
}


def program() -> str | None:
    """Path of SeaweedFS; its package puts it beside this Python."""
    return shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """SeaweedFS with its data in ``folder``; gives its address."""
    weed = program() or servers.left_out("SeaweedFS")
    folder.mkdir(parents=True, exist_ok=True)
    rights = folder / "rights.json"
    rights.write_text(json.dumps(RIGHTS))
    ports = {name: servers.free_port() for name in ("master", "volume", "filer", "s3")}
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={servers.free_port()}" for name in ports]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=20"]
    command += [f"-s3.config={rights}", "-master.volumeSizeLimitMB=64"]
    # Asked to end it takes half a minute to part from itself; nobody needs its data any more.
    with servers.running(command, folder / "weed.log", lambda: _answers(ports["s3"]), signal.SIGKILL):
        yield f"http://127.0.0.1:{ports['s3']}"


def _answers(port: int) -> bool:
    """It listens before it can keep anything; so the buckets are made first."""
    return servers.listens(port) and all(_make(port, name) for name in (BUCKET, PUBLIC))


def _make(port: int, name: str) -> bool:
    """Make a bucket; False while the service is not ready."""
    from botocore.exceptions import BotoCoreError, ClientError

    settings = DocumentSettings(store="s3", endpoint=f"http://127.0.0.1:{port}", bucket=name)
    try:
        Bucket(settings, (MAKER, SECRET), "test").client().create_bucket(Bucket=name)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou")
    except BotoCoreError:
        return False
    return True


@dataclass
class Line:
    """Stands between the portal and the service. ``fault`` spoils as many requests as ``times`` says."""

    service: str
    fault: Fault = ""
    times: int = 0
    only: str = ""
    """Spoil requests of this method alone."""
    passed: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers of everything that came."""

    def spoil(self, fault: Fault, times: int = 1, only: str = "") -> None:
        """Let the next requests fail."""
        self.fault, self.times, self.only = fault, times, only

    def fault_of(self, method: str) -> Fault:
        """What becomes of this request."""
        if not self.times or (self.only and self.only != method):
            return ""
        self.times -= 1
        return self.fault


@contextmanager
def line_to(service: str) -> Iterator[tuple[str, Line]]:
    """The address of a line to the service, and the line itself."""
    line = Line(service)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"line": line}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", line
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    line: Line

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.line.passed.append((self.command, self.path, dict(self.headers)))
        self.close_connection = True
        fault = self.line.fault_of(self.command)
        spoiled: dict[str, Callable[[], None]] = {
            "error": lambda: self._answer(500, b"<Error><Code>InternalError</Code></Error>"),
            "slow_down": lambda: self._answer(503, b"<Error><Code>SlowDown</Code></Error>"),
            "refused_forever": lambda: None,
        }
        if fault in spoiled:
            spoiled[fault]()
        else:
            self._pass_on(body, fault)

    def _pass_on(self, body: bytes, fault: Fault) -> None:
        there = http.client.HTTPConnection(urlsplit(self.line.service).netloc, timeout=20)
        try:
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            content = answer.read()
        finally:
            there.close()
        if fault == "answer_lost":
            return
        told = content[: len(content) // 2] if fault == "cut" else content
        self._answer(answer.status, told, dict(answer.headers))

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        headers = headers or {"Content-Length": str(len(content)), "Content-Type": "application/xml"}
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if not any(name.lower() == "content-length" for name in headers):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `Line.passed` instead."""
