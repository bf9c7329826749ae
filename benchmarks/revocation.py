"""How long readers get what is withdrawn, counted from the start of the push that publishes it.

``python -m benchmarks.revocation``: one dataset of 256 MiB in S3 and in a mirror. Readers that run
all along, and new processes of the bucket and of the mirror, ask until they are refused.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data_repo import COUNTRY, PE_DVC, DataRepo
from benchmarks.measure import MIB, as_users_run
from benchmarks.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REFUSED = 4
"""Exit code of what was withdrawn."""

ASKS_ON = """
import sys, time
import pe_dvc
from pe_dvc.errors import RevokedError

while True:
    try:
        pe_dvc.fetch(sys.argv[1])
    except RevokedError:
        print(time.time(), flush=True)
        break
    print("read", flush=True)
    time.sleep(0.1)
"""


class Readers:
    """Readers that ask until they are refused; ``refused`` has the time of each, in seconds."""

    def __init__(self, repo: DataRepo) -> None:
        self._repo = repo
        self._threads: list[threading.Thread] = []
        self.reference = f"{COUNTRY}/{repo.path.stem}@latest"
        self.refused: dict[str, float] = {}

    def run_on(self, name: str, **environment: str) -> None:
        """Start a process that reads on and on, and return when it has read once."""
        process = subprocess.Popen(
            [sys.executable, "-c", ASKS_ON, self.reference],
            cwd=self._repo.elsewhere,
            env=self._environment(environment),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        if process.stdout.readline() != "read\n":
            raise RuntimeError(f"{name}: it cannot read")

        def wait(lines: list[str]) -> None:
            self.refused[name] = float(lines[-1])

        said = process.stdout
        self._start(lambda: wait(list(said)))

    def ask_anew(self, name: str, **environment: str) -> None:
        """Ask by new processes, each without cache and state, one after the other."""

        def ask() -> None:
            while True:
                with tempfile.TemporaryDirectory() as fresh:
                    own = {"PE_DVC_CACHE_DIR": f"{fresh}/c", "PE_DVC_STATE_DIR": f"{fresh}/s"}
                    done = subprocess.run(
                        [PE_DVC, "show", self.reference],
                        cwd=self._repo.elsewhere,
                        env=self._environment(environment | own),
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                if done.returncode == REFUSED:
                    self.refused[name] = time.time()
                    return
                if done.returncode:
                    raise RuntimeError(f"{name}: {done.stderr}")

        self._start(ask)

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def _environment(self, own: Mapping[str, str]) -> dict[str, str]:
        return {**as_users_run(), **self._repo.environment, **own}

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        self._threads.append(thread)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server() as server:
        repo = DataRepo(Path(home), server.endpoint, count=1, size=256 * MIB)
        repo.build()
        repo.publish()
        mirror = f"{home}/mirror"
        _run(repo, PE_DVC, "mirror", "add", "copy", mirror)
        _run(repo, PE_DVC, "mirror", "sync")
        readers = Readers(repo)
        statement = ("--reason", "The licence ended.", "--authority", "Census Bureau")
        _run(repo, PE_DVC, "revoke", readers.reference, *statement, "--contact", "a@example.org")
        _run(repo, "git", "add", "--all")
        _run(repo, "git", "commit", "--quiet", "--message", "Withdraw")
        readers.run_on("a process that reads on")
        began = time.time()
        readers.ask_anew("new processes")
        readers.ask_anew("new processes at the mirror", PE_DVC_STORE=mirror)
        _run(repo, PE_DVC, "push")
        pushed = time.time()
        _run(repo, PE_DVC, "mirror", "sync")
        synced = time.time()
        readers.wait()
    print(
        f"pe-dvc push took {pushed - began:.2f} s, pe-dvc mirror sync {synced - pushed:.2f} s more"
    )
    for name, when in readers.refused.items():
        print(f"{name:28} refused after {when - began:6.2f} s")


def _run(repo: DataRepo, *command: str) -> None:
    subprocess.run(
        command,
        cwd=repo.root,
        env={**as_users_run(), **repo.environment},
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
