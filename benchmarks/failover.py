"""What a mirror costs that lies: bytes fetched twice when it has altered 1 chunk of 256.

``python -m benchmarks.failover``: one dataset of 256 MiB in two buckets, of which the one that is
asked first has a byte altered. Beside it, the same with two good ones and with one alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data_repo import COUNTRY, PE_DVC, DataRepo
from benchmarks.measure import MIB, as_users_run
from benchmarks.s3_objects import Objects
from benchmarks.s3_server import BUCKET, S3Server

if TYPE_CHECKING:
    from pe_dvc.store.port import Store

CHUNKS = 256
ALTERED = 100
"""Number of the chunk in which a byte is altered."""

MIRROR = "copy"
READ_ON = (
    "import sys, pe_dvc\nwith pe_dvc.open(sys.argv[1]) as file:\n  while file.read(1 << 22): pass"
)


class Reader:
    """Reads the dataset by new processes, each without cache and state; prints what that took."""

    def __init__(self, server: S3Server, repo: DataRepo) -> None:
        self._server, self._repo = server, repo
        self.reference = f"{COUNTRY}/{repo.path.stem}@latest"

    def read(self, what: str, *stores: str) -> None:
        """Fetch the whole, then read it chunk by chunk, each from ``stores``."""
        whole = [PE_DVC, "get", self.reference]
        by_chunks = [sys.executable, "-c", READ_ON, f"pe-data://{self.reference}"]
        for how, command in {"pe-dvc get": whole, "pe_dvc.open": by_chunks}.items():
            before, began = self._server.counts(), time.monotonic()
            self._run(command, "\n".join(stores))
            took, counts = time.monotonic() - began, self._server.counts() - before
            more = counts.sent - self._repo.path.stat().st_size
            print(
                f"{how:12} {what:30} {counts.sent / MIB:7.2f} MiB sent, {more / MIB:5.2f} more "
                f"than the file; {counts.total:3} requests, {took:5.2f} s"
            )

    def _run(self, command: list[str], stores: str) -> None:
        with tempfile.TemporaryDirectory() as fresh:
            own = {"PE_DVC_CACHE_DIR": f"{fresh}/c", "PE_DVC_STATE_DIR": f"{fresh}/s"}
            subprocess.run(
                command,
                cwd=self._repo.elsewhere,
                env={**as_users_run(), **self._repo.environment, **own, "PE_DVC_STORE": stores},
                check=True,
                capture_output=True,
            )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server() as server:
        Objects(server.root).create_bucket(MIRROR)
        repo = DataRepo(Path(home), server.endpoint, count=1, size=CHUNKS * MIB)
        repo.build()
        repo.publish()
        good, other = f"s3://{BUCKET}", f"s3://{MIRROR}"
        for command in (("mirror", "add", "copy", other), ("mirror", "sync")):
            subprocess.run(
                [PE_DVC, *command],
                cwd=repo.root,
                env={**as_users_run(), **repo.environment},
                check=True,
                capture_output=True,
            )
        reader = Reader(server, repo)
        reader.read("one good store", good)
        reader.read("two good stores", other, good)
        _alter(_store_at(other, server))
        reader.read(f"1 of {CHUNKS} chunks altered", other, good)


def _store_at(url: str, server: S3Server) -> Store:
    from pe_dvc.project.stores import open_store

    keys = {"access_key_id": "bench", "secret_access_key": "bench", "region": "us-east-1"}
    return open_store(url, options={"endpointurl": server.endpoint, **keys})


def _alter(store: Store) -> None:
    _, key = max((info.size, info.key) for info in store.list(f"{COUNTRY}/files"))
    data, _ = store.read(key, limit=(CHUNKS + 1) * MIB)
    at = ALTERED * MIB + 7
    store.overwrite(key, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


if __name__ == "__main__":
    main()
