"""Many processes that begin to read one store at the same moment: 200 unless told.

``python -m benchmarks.readers``: one dataset of 16 MiB, read by ``pe-dvc get``. All share a cold
cache, as the jobs of one machine; then each has its own, as 200 machines; last all share a
warm one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.data_repo import COUNTRY, PE_DVC, DataRepo
from benchmarks.measure import MIB, as_users_run
from benchmarks.s3_server import BUCKET, S3Server

SIZE = 16 * MIB


class Crowd:
    """Starts readers together, and prints what became of them."""

    def __init__(self, server: S3Server, repo: DataRepo, count: int) -> None:
        self._server, self._repo, self._count = server, repo, count
        self._reference = f"{COUNTRY}/{repo.path.stem}@latest"

    def read(self, what: str, homes: list[Path]) -> None:
        """Let a reader start for each of ``homes``, which has its cache and state."""
        before, began = self._server.counts(), time.monotonic()
        running = [self._start(home) for home in homes]
        for process in running:
            said = process.communicate()[1]
            if process.returncode:
                print(f"FAILED with {process.returncode}: {said.decode()}")
        took = time.monotonic() - began
        failed = sum(1 for process in running if process.returncode)
        counts = self._server.counts() - before
        print(
            f"{what:28} {len(homes)} readers, {failed} failed, {took:6.1f} s for all; "
            f"{counts.total:6} requests, {counts.sent / SIZE:6.1f} times the file sent"
        )

    def _start(self, home: Path) -> subprocess.Popen[bytes]:
        own = {"PE_DVC_CACHE_DIR": f"{home}/c", "PE_DVC_STATE_DIR": f"{home}/s"}
        return subprocess.Popen(
            [PE_DVC, "get", self._reference],
            cwd=self._repo.elsewhere,
            env={
                **as_users_run(),
                **self._repo.environment,
                **own,
                "PE_DVC_STORE": f"s3://{BUCKET}",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers", description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    count = parser.parse_args().readers
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server() as server:
        repo = DataRepo(Path(home), server.endpoint, count=1, size=SIZE)
        repo.build()
        repo.publish()
        crowd = Crowd(server, repo, count)
        one = Path(home) / "one"
        print(f"{os.cpu_count()} cores")
        crowd.read("one cold cache for all", [one] * count)
        crowd.read("a cold cache for each", [Path(home) / f"own{n}" for n in range(count)])
        crowd.read("one warm cache for all", [one] * count)


if __name__ == "__main__":
    main()
