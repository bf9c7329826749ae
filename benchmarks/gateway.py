"""A gateway against its bucket, by one plain HTTP client: ``python -m benchmarks.gateway``.

Readers at once of a file of 200 KB, each with a connection that it keeps, then one file of 256 MiB:
from the bucket, by ``how = "stream"`` and by ``how = "presigned"``, where a read is two requests.
The ledger is a real one, in SQLite. The CPU time is the gateway process's own.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.measure import MIB
from benchmarks.s3_server import BUCKET, S3Server
from pe_dvc.adapters.stores.presigned import signer_of
from pe_dvc.documents.keys import payload_key
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.limits import Rate
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.project.stores import open_store
from tests.support.country import Country
from tests.support.gateways import GatewayHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

SMALL, LARGE = 200_000, 256 * MIB
READERS = (1, 16, 64)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each row")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server() as server:
        os.environ |= server.environment
        country = Country(Path(home) / "country", open_store(f"s3://{BUCKET}"))
        files = {"small": os.urandom(SMALL), "large": os.urandom(LARGE)}
        small, large = (payload_key("us", one.artifact.dvc.md5) for one in country.publish(files))
        del files
        print(f"{'':24}{'readers':>8}{'requests/s':>12}{'ratio':>8}{'gateway CPU':>16}")
        direct = _rows("the bucket itself", f"{server.endpoint}/{BUCKET}", small, large, seconds)
        for how in ("stream", "presigned"):
            with _gateway(Path(home) / how, country, how) as (url, token, asked):
                _rows(how, url, small, large, seconds, token, direct, asked)


def _rows(
    name: str,
    url: str,
    small: str,
    large: str,
    seconds: float,
    token: str | None = None,
    direct: list[float] | None = None,
    asked: Connection | None = None,
) -> list[float]:
    """Print the rows of one way, and return its figures."""
    found = []
    for readers in READERS:
        before = _cpu(asked)
        count, took = _read_for(f"{url}/{small}", token, readers, seconds)
        found.append(count / took)
        cpu = f"{(_cpu(asked) - before) / count * 1e3:.2f} ms each" if asked else ""
        ratio = f"{found[-1] / direct[len(found) - 1]:.2f}" if direct else ""
        print(f"{name:24}{readers:>8}{found[-1]:>12.0f}{ratio:>8}{cpu:>16}", flush=True)
    before, began = _cpu(asked), time.monotonic()
    assert _Reader(token).read(f"{url}/{large}") == LARGE
    took = time.monotonic() - began
    found.append(LARGE / MIB / took)
    cpu = f"{_cpu(asked) - before:.2f} s" if asked else ""
    ratio = f"{found[-1] / direct[-1]:.2f}" if direct else ""
    print(f"{name:24}{'256 MiB':>8}{found[-1]:>7.0f} MiB/s{ratio:>7}{cpu:>16}", flush=True)
    return found


class _Reader:
    """One connection to each host, kept."""

    def __init__(self, token: str | None) -> None:
        self._token, self._open = token, dict[str, http.client.HTTPConnection]()

    def read(self, url: str) -> int:
        """Return how many bytes came, from where a redirect led, if there was one."""
        parts, headers = urlsplit(url), dict[str, str]()
        if self._token and "X-Amz-Signature" not in url:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = self._open.setdefault(parts.netloc, http.client.HTTPConnection(parts.netloc))
        connection.request("GET", url.removeprefix(f"http://{parts.netloc}"), headers=headers)
        answer, count = connection.getresponse(), 0
        while block := answer.read(MIB):
            count += len(block)
        if answer.status == 307:
            return self.read(answer.headers["Location"])
        assert answer.status == 200, answer.status
        return count


def _read_for(url: str, token: str | None, readers: int, seconds: float) -> tuple[int, float]:
    began = time.monotonic()

    def read(_: int) -> int:
        reader, count = _Reader(token), 0
        while time.monotonic() < began + seconds:
            assert reader.read(url) == SMALL
            count += 1
        return count

    with ThreadPoolExecutor(readers) as pool:
        total = sum(pool.map(read, range(readers)))
    return total, time.monotonic() - began


@contextmanager
def _gateway(directory: Path, country: Country, how: str) -> Iterator[tuple[str, str, Connection]]:
    """Run a gateway in a process of its own, and give its address, a token, and whom to ask."""
    directory.mkdir()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(directory, country.root, how, theirs)
    )
    process.start()
    try:
        url, token = ours.recv()
        yield url, token, ours
    finally:
        ours.send(None)
        process.join(30)


def _serve(directory: Path, root: bytes, how: str, asked: Connection) -> None:
    country = object.__new__(Country)  # what is published, read only
    country.store, country.root = open_store(f"s3://{BUCKET}"), root
    sign = signer_of(country.store) if how == "presigned" else None
    house = GatewayHouse(directory, country, sign=sign)
    signer = LedgerSigner.open(directory / "key.pem", create=True)
    with SqlLedger(str(directory / "ledger.db"), signer) as ledger:
        house.gateway.access_control.ledger = ledger
        house.gateway.access_control.requests = Rate(10**9, 10**9, time.monotonic)
        with house.running():
            asked.send((house.url, house.token()))
            while asked.recv() is not None:
                used = os.times()
                asked.send(used.user + used.system)


def _cpu(asked: Connection | None) -> float:
    """Return the seconds of CPU that the gateway's process has used."""
    if asked is None:
        return 0.0
    asked.send("cpu")
    used: float = asked.recv()
    return used


if __name__ == "__main__":
    main()
