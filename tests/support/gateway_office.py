"""A gateway as its keepers run it: a process of its own, or several on one ledger, and readers."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from tests.support.gateways import access_text
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.sandbox import Sandbox

SETTINGS = """
tokens = "tokens"
ledger = "{ledger}"
ledger_key = "ledger.key"

[countries.us]
store = "{store}"
access = "access.yaml"
"""


class Office:
    """A gateway as its keepers run it, in a process of its own, and readers who ask it."""

    def __init__(self, sandbox: Sandbox, ledger: str = "ledger.sqlite") -> None:
        self.sandbox, self.port, self.ledger = sandbox, free_port(), ledger
        self.place = sandbox.directory / "gateway"
        self.place.mkdir()
        (self.place / "gateway.toml").write_text(
            SETTINGS.format(store=sandbox.store, ledger=ledger)
        )
        self.grant({"datasets": "[cps_*, enhanced_*]"})
        self.token = self.pe_dvc("token", "create", "ada@example.org", "--project", "poverty")
        self.log = self.place / "log"

    def grant(self, *grants: dict[str, str]) -> None:
        (self.place / "access.yaml").write_text(access_text(*grants))

    def pe_dvc(self, *arguments: str) -> str:
        done = self.sandbox.pe_dvc("gateway", *arguments, cwd=self.place)
        return done.stdout.strip()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def open(
        self, end: signal.Signals = signal.SIGTERM, port: int | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run the gateway while the body runs, then end it as a service manager does."""
        port = port or self.port
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["pe-dvc", "gateway", "serve", "--port", str(port)],
                cwd=self.place,
                env=self.sandbox.environment,
                stderr=log,
            )
        try:
            self._wait(process, port)
            yield process
        finally:
            process.send_signal(end)
            code = process.wait(60)
        assert code == (0 if end == signal.SIGTERM else -end), self.log.read_text()

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if self.ask("/healthz", port=port)[0] == 200:
                    return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def ask(
        self, path: str, token: str | None = None, *, port: int | None = None, **headers: str
    ) -> tuple[int, bytes]:
        address = f"http://127.0.0.1:{port or self.port}{path}"
        request = urllib.request.Request(address, headers=headers)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def entries(self) -> int:
        """Return how many reads the ledger has."""
        query = "select count(*) from ledger_entries"
        if "://" in self.ledger:
            import psycopg

            with psycopg.connect(self.ledger) as connection:
                found = connection.execute(query).fetchone()
        else:
            with closing(sqlite3.connect(self.place / self.ledger)) as database:
                found = database.execute(query).fetchone()
        assert found is not None
        return int(found[0])

    def read_by_many(
        self, path: str, ports: Sequence[int], seconds: float, readers: int = 8
    ) -> int:
        """Return how many whole answers readers at once got in that time, whoever was killed."""
        deadline, got = time.monotonic() + seconds, [0] * readers

        def read(reader: int) -> None:
            while time.monotonic() < deadline:
                try:
                    status, body = self.ask(path, self.token, port=ports[reader % len(ports)])
                except (OSError, HTTPException):
                    continue
                assert (status, bool(body)) == (200, True)
                got[reader] += 1

        with ThreadPoolExecutor(readers) as pool:
            list(pool.map(read, range(readers)))
        return sum(got)

    def verify(self) -> dict[str, Any]:
        """Return what ``pe-dvc audit verify`` says of the ledger."""
        key = ["--key", str(self.place / "ledger.key"), "--ledger", self.ledger]
        done = self.sandbox.pe_dvc("audit", "verify", *key, "--json", cwd=self.place)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def served(self) -> list[dict[str, Any]]:
        """Return the lines of the gateway's log about answers with gated data."""
        lines = [line.partition("requests: ")[2] for line in self.log.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in found if one["entry"] is not None]

    def clone(self, name: str, *options: tuple[str, str]) -> Path:
        """Return a clone whose DVC remote is the gateway, by DVC's own configuration."""
        clone = self.sandbox.directory / name
        self.sandbox.run("git", "clone", "--quiet", str(self.sandbox.repo), str(clone))
        for option, value in [("url", f"{self.url}/us"), *options]:
            modify = ["dvc", "remote", "modify", "--local", "policyengine", option, value]
            if option == "url":
                modify = ["dvc", "remote", "add", "--local", "policyengine", value]
            self.sandbox.run(*modify, cwd=clone)
        return clone


def md5_path(path: Path) -> str:
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return f"/us/files/md5/{md5[:2]}/{md5[2:]}"
