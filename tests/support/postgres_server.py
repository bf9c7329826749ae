"""A real PostgreSQL on 127.0.0.1, where Debian's package of it is."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("postgres", "nobody")
_WAIT = "60"


@dataclass(frozen=True)
class PostgresServer:
    """A server that can be stopped and started again. It trusts all of this machine."""

    binaries: Path
    directory: Path
    port: int

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.directory} -c fsync=off"
        log = self.directory / "log"
        self._run("pg_ctl", "start", "-w", "-t", _WAIT, "-l", str(log), "-o", options)

    def stop(self, how: str = "immediate") -> None:
        """Stop it; ``immediate`` is as if it had been killed."""
        self._run("pg_ctl", "stop", "-w", "-t", _WAIT, "-m", how)

    def new_database(self) -> str:
        """Return the URL of a new and empty database."""
        import psycopg

        name = f"ledger_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.directory / "data"), *arguments]
        done = subprocess.run(
            command,
            user=_user(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"


def _user() -> str | None:
    """Return who runs the server, which refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    return next(name for name in _NAMES if name in {one.pw_name for one in pwd.getpwall()})


def _binaries() -> Path | None:
    found = shutil.which("postgres")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    needed = ("postgres", "initdb", "pg_ctl")
    return next((p for p in candidates if all((p / name).exists() for name in needed)), None)


@contextmanager
def new_server() -> Iterator[PostgresServer | None]:
    """Give a new server that runs, None where there is no PostgreSQL."""
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="pe-dvc-pg-"))
    if user := _user():
        shutil.chown(directory, user)
    server = PostgresServer(binaries, directory, free_port())
    try:
        server._run(
            "initdb", "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def _postgres() -> Iterator[PostgresServer | None]:
    with new_server() as server:
        yield server


@pytest.fixture
def postgres(_postgres: PostgresServer | None) -> PostgresServer:
    """A running server. A test that stops it starts it again."""
    if _postgres is None:
        pytest.skip("!!! ledgers in PostgreSQL are not tested: apt-get install postgresql")
    return _postgres
