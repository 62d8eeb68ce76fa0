"""A running Keycloak for tests, shared by all test processes of one run, and its administrator.

``with running(folder) as keycloak`` starts one or joins the one that runs for ``folder``; it ends when nobody
uses it any more. `keycloak.realm("portal")` is the realm file of the documentation, imported as it stands.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from portal.testing import keycloak_program as program
from portal.testing import servers
from portal.testing.keycloak_realms import CLIENT_SECRET, PORTAL_URL, taxisnet_realm, written_realm

USERS, START, ADDRESS, LOG = "users.lock", "start.lock", "address", "keycloak.log"


@contextmanager
def running(folder: Path) -> Iterator[Keycloak]:
    """The Keycloak of ``folder``, started when this is the first to ask; several processes may ask at once.

    Everybody holds a shared lock. The process that watches over the server gets it alone when the last one
    has gone, however they went, and ends the server.
    """
    if not program.is_ready() or program.java() is None:
        servers.left_out(f"Keycloak {program.VERSION} with a Java that it accepts")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / USERS).open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (folder / START).open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not (folder / ADDRESS).exists():
                _start(folder)
        with httpx.Client(timeout=60) as client:
            yield Keycloak((folder / ADDRESS).read_text(), client)


def _start(folder: Path) -> None:
    watcher = [sys.executable, "-m", "portal.testing.keycloak", str(folder)]
    with (folder / LOG).open("ab") as output:
        done = subprocess.run(
            watcher, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise RuntimeError(f"Keycloak did not start: {(folder / LOG).read_text(errors='replace')[-3000:]}")


def watch(folder: Path) -> None:
    """Run the server until nobody of ``folder`` uses it; returns in the caller when the server answers."""
    watcher = os.fork()
    if watcher:
        while not (folder / ADDRESS).exists():
            if os.waitpid(watcher, os.WNOHANG)[0]:
                sys.exit(1)
            time.sleep(0.1)
        return
    os.setsid()
    try:
        _serve(folder)
    finally:
        os._exit(1)


def _serve(folder: Path) -> None:
    port = program.free_port()
    home = folder / f"home-{port}"
    program.make_home(home)
    (home / "data" / "import").mkdir()
    for name, realm in (("portal", written_realm()), ("taxisnet", taxisnet_realm())):
        (home / "data" / "import" / f"{name}-realm.json").write_text(realm, encoding="utf-8")
    variables = program.environment(PORTAL_BASE_URL=PORTAL_URL, PORTAL_CLIENT_SECRET=CLIENT_SECRET)
    # On Linux the server ends with its watcher, even when that is killed.
    tied = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    process = subprocess.Popen([*tied, *program.start_command(home, port)], env=variables)
    try:
        program.wait_until_it_answers(process, port, folder / LOG)
        # Written aside and renamed, so that nobody reads half an address.
        (folder / f"{ADDRESS}.part").write_text(f"http://127.0.0.1:{port}")
        (folder / f"{ADDRESS}.part").rename(folder / ADDRESS)
        with (folder / USERS).open("a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            (folder / ADDRESS).unlink()
            program.end(process)
    finally:
        program.end(process)


@dataclass
class Keycloak:
    """One running server, seen by its administrator."""

    url: str
    _client: httpx.Client = field(repr=False)
    _token: str = field(default="", repr=False)
    _token_until: float = 0.0

    def realm(self, name: str) -> Realm:
        """A realm that is there: ``portal``, or ``taxisnet``, which stands for the one of the state."""
        return Realm(self, name)

    def new_realm(self, name: str, portal_url: str) -> Realm:
        """The realm file of the documentation once more, for a portal at ``portal_url``."""
        self.ask("POST", "/admin/realms", content=written_realm(name, portal_url))
        return Realm(self, name)

    def ask(self, method: str, path: str, json: Any = None, content: str | None = None) -> Any:
        """One call of the administrator; the answer, or of what was made its id."""
        answer = self._client.request(
            method,
            self.url + path,
            json=json,
            content=content,
            headers={"Authorization": f"Bearer {self._fresh_token()}", **_as_json(content)},
        )
        answer.raise_for_status()
        if answer.status_code == 201:
            return answer.headers["Location"].rpartition("/")[2]
        return answer.json() if answer.content else None

    def _fresh_token(self) -> str:
        if time.monotonic() > self._token_until:
            name, password = program.ADMINISTRATOR
            answer = self._client.post(
                f"{self.url}/realms/master/protocol/openid-connect/token",
                data={
                    "grant_type": "password",
                    "client_id": "admin-cli",
                    "username": name,
                    "password": password,
                },
            )
            self._token = answer.raise_for_status().json()["access_token"]
            self._token_until = time.monotonic() + 30
        return self._token


def _as_json(content: str | None) -> dict[str, str]:
    return {"Content-Type": "application/json"} if content is not None else {}


@dataclass
class Realm:
    """What an administrator of the municipality does in its realm."""

    server: Keycloak
    name: str

    @property
    def url(self) -> str:
        """The issuer of its tokens."""
        return f"{self.server.url}/realms/{self.name}"

    def add_person(
        self,
        username: str,
        password: str,
        roles: tuple[str, ...] = (),
        attributes: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Somebody who can log in, with roles of the client ``portal``; the answer is his subject."""
        person = {
            "username": username,
            "enabled": True,
            "attributes": {name: [value] for name, value in (attributes or {}).items()},
            "credentials": [{"type": "password", "value": password, "temporary": False}],
            **fields,
        }
        subject: str = self._ask("POST", "/users", person)
        if roles:
            self.grant(subject, *roles)
        return subject

    def change_person(self, subject: str, **fields: Any) -> None:
        """For instance ``enabled=False``."""
        self._ask("PUT", f"/users/{subject}", {**self._ask("GET", f"/users/{subject}"), **fields})

    def grant(self, subject: str, *roles: str) -> None:
        """Give roles of the client ``portal``; those that are not there yet are made."""
        self._ask("POST", *self._mapping(subject, roles))

    def withdraw(self, subject: str, *roles: str) -> None:
        """Take roles of the client ``portal``."""
        self._ask("DELETE", *self._mapping(subject, roles))

    def log_out(self, subject: str) -> None:
        """End all sessions of a person; Keycloak tells the portal so at once."""
        self._ask("POST", f"/users/{subject}/logout")

    def rotate_keys(self) -> None:
        """A new signing key with a higher priority than all others."""
        realm = self._ask("GET", "")["id"]
        there = self._ask("GET", "/components?type=org.keycloak.keys.KeyProvider")
        priorities = [int(key["config"].get("priority", ["0"])[0]) for key in there]
        key = {
            "name": f"rsa-{len(there)}",
            "parentId": realm,
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(max(priorities) + 1)], "algorithm": ["RS256"]},
        }
        self._ask("POST", "/components", key)

    def change_client(self, client: str = "portal", **fields: Any) -> None:
        """Change what is said; ``attributes`` are added to those that are there."""
        there = self._client(client)
        attributes = {**there["attributes"], **fields.pop("attributes", {})}
        self._ask("PUT", f"/clients/{there['id']}", {**there, **fields, "attributes": attributes})

    def copy_client(self, name: str, **fields: Any) -> None:
        """One more client like ``portal``, except for what is said."""
        there = self._client("portal")
        attributes = {**there["attributes"], **fields.pop("attributes", {})}
        mappers = [
            {key: value for key, value in mapper.items() if key != "id"}
            for mapper in there["protocolMappers"]
        ]
        kept = {key: value for key, value in there.items() if key not in ("id", "access")}
        changed = {"clientId": name, "attributes": attributes, "protocolMappers": mappers}
        self._ask("POST", "/clients", {**kept, **changed, **fields})

    def add_identity_provider(self, provider: dict[str, Any], mappers: list[dict[str, Any]]) -> None:
        """Let people log in with the codes that they have elsewhere."""
        self._ask("POST", "/identity-provider/instances", provider)
        for mapper in mappers:
            self._ask("POST", f"/identity-provider/instances/{provider['alias']}/mappers", mapper)

    def _mapping(self, subject: str, roles: tuple[str, ...]) -> tuple[str, list[dict[str, Any]]]:
        client = self._client("portal")["id"]
        known = {role["name"]: role for role in self._ask("GET", f"/clients/{client}/roles")}
        for role in set(roles) - set(known):
            self._ask("POST", f"/clients/{client}/roles", {"name": role})
        known = {role["name"]: role for role in self._ask("GET", f"/clients/{client}/roles")}
        return f"/users/{subject}/role-mappings/clients/{client}", [known[role] for role in roles]

    def _client(self, client: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"/clients?clientId={client}")[0]
        return found

    def _ask(self, method: str, path: str, json: Any = None) -> Any:
        return self.server.ask(method, f"/admin/realms/{self.name}{path}", json)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
