"""An S3 server for benchmarks alone: fast enough that the client is what is measured.

Forked workers share one listening socket on 127.0.0.1; a thread serves each connection; objects
lie in a memory file system where there is one and leave by ``sendfile``. Nothing is signed,
checked or durable. On request it is slow on purpose: a latency per request, a rate per
connection, a rate for all together.

    with S3Server(pace=Pace(latency_ms=30, connection_mib=80)) as server:
        subprocess.run([…], env=os.environ | server.environment)
        print(server.counts())
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.s3_api import answer
from benchmarks.s3_http import Connection
from benchmarks.s3_objects import Objects
from benchmarks.s3_traffic import MIB, Counters, Counts, Link, Pace, Traffic

if TYPE_CHECKING:
    from types import TracebackType

BUCKET = "bench"
_MEMORY = Path("/dev/shm")


class S3Server:
    """The server as a context manager: ``endpoint``, ``environment`` and ``counts()``.

    Unless it ``keeps_parts``, those of multipart uploads are counted and take no room: what was
    uploaded is zeros to who reads it.
    """

    def __init__(
        self, *, pace: Pace | None = None, workers: int = 4, keeps_parts: bool = True
    ) -> None:
        self._pace, self._workers, self._keeps_parts = pace or Pace(), workers, keeps_parts

    def __enter__(self) -> Self:
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="pe-dvc-bench-s3-", dir=memory))
        self._counters = Counters(self.root / "counters", self._workers)
        self._start(self._pace)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What any S3 client needs to be set to find the server."""
        return {
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "S3_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def counts(self) -> Counts:
        """Return what has been served since the start; subtract two for what lies between."""
        return self._counters.read()

    def clear(self) -> None:
        """Empty the bucket."""
        objects = Objects(self.root)
        for key in objects.keys(BUCKET, ""):
            objects.remove(BUCKET, key)

    def _start(self, pace: Pace) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.s3_server", str(self.root)),
                *(f"--workers={self._workers}", f"--latency-ms={pace.latency_ms}"),
                *(f"--rate-mib={pace.connection_mib}", f"--total-rate-mib={pace.total_mib}"),
                *([] if self._keeps_parts else ["--discard-parts"]),
            ],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())


def serve(root: Path, *, pace: Pace, workers: int, keeps_parts: bool = True) -> None:
    """Serve ``root`` until standard input ends, as it does when whoever started us is gone."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    objects = Objects(root, keeps_parts=keeps_parts)
    objects.create_bucket(BUCKET)
    Counters(root / "counters", workers)
    links = _links(root, pace.total_mib)
    children = []
    for worker in range(workers):
        child = os.fork()
        if not child:
            _work(listener, objects, root, pace, worker, workers, links)
        children.append(child)
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    shutil.rmtree(root)  # here, so that memory is freed even if the harness was killed


def _links(root: Path, total_mib: float) -> tuple[Link, Link] | None:
    if not total_mib:
        return None
    return Link(root / "link-in", total_mib * MIB), Link(root / "link-out", total_mib * MIB)


def _work(
    listener: socket.socket,
    objects: Objects,
    root: Path,
    pace: Pace,
    worker: int,
    workers: int,
    links: tuple[Link, Link] | None,
) -> None:
    row, lock = Counters(root / "counters", workers).row(worker), threading.Lock()
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        traffic = Traffic(pace, row, lock, links)
        threading.Thread(target=_converse, args=(sock, objects, traffic), daemon=True).start()


def _converse(sock: socket.socket, objects: Objects, traffic: Traffic) -> None:
    connection = Connection(sock, traffic)
    with sock:
        try:
            while request := connection.next_request():
                traffic.request(request.method)
                connection.pause()
                response = answer(objects, connection, request)
                try:
                    connection.send(response)
                finally:
                    if response.file is not None:
                        os.close(response.file)
        except ConnectionError:
            return  # the client has gone; what it had half sent was never made visible


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("root", type=Path)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--latency-ms", type=float, default=0, help="per request")
    parser.add_argument("--rate-mib", type=float, default=0, help="per connection and way")
    parser.add_argument("--total-rate-mib", type=float, default=0, help="of all, each way")
    parser.add_argument("--discard-parts", action="store_true", help="keep them as zeros")
    arguments = parser.parse_args()
    pace = Pace(arguments.latency_ms, arguments.rate_mib, arguments.total_rate_mib)
    keeps_parts = not arguments.discard_parts
    serve(arguments.root, pace=pace, workers=arguments.workers, keeps_parts=keeps_parts)


if __name__ == "__main__":
    main()
