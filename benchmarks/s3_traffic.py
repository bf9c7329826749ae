"""What passes through ``s3_server``: counted for the harness, and held to an emulated pace."""

from __future__ import annotations

import fcntl
import mmap
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from pathlib import Path

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
_SLOTS = len(METHODS) + 2
_UNPACED_BLOCK = 1 << 30
_PACED_BLOCK = 64 * 1024
MIB = 1024 * 1024


@dataclass(frozen=True)
class Counts:
    """Requests by method, and the bytes of bodies that were received and sent."""

    requests: dict[str, int]
    received: int
    sent: int

    def __sub__(self, other: Counts) -> Counts:
        requests = {name: n - other.requests[name] for name, n in self.requests.items()}
        return Counts(requests, self.received - other.received, self.sent - other.sent)

    @property
    def total(self) -> int:
        return sum(self.requests.values())


class Counters:
    """A file of counters that all workers write, each its own row, and the harness reads."""

    def __init__(self, path: Path, workers: int) -> None:
        size = workers * _SLOTS * 8
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._cells = memoryview(mmap.mmap(file.fileno(), size)).cast("Q")

    def row(self, worker: int) -> memoryview:
        return self._cells[worker * _SLOTS : (worker + 1) * _SLOTS]

    def read(self) -> Counts:
        columns = [sum(self._cells[slot::_SLOTS]) for slot in range(_SLOTS)]
        requests = dict(zip(METHODS, columns, strict=False))
        return Counts(requests, received=columns[-2], sent=columns[-1])


class Link:
    """A rate that all connections of all workers share, one way."""

    def __init__(self, path: Path, bytes_per_second: float) -> None:
        path.write_bytes(struct.pack("d", 0.0))
        self._rate = bytes_per_second
        self._path = path

    def pass_through(self, count: int) -> None:
        """Return once ``count`` bytes would have passed."""
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            now = time.monotonic()
            busy_until = max(now, struct.unpack("d", file.read(8))[0]) + count / self._rate
            file.seek(0)
            file.write(struct.pack("d", busy_until))
            file.flush()
        time.sleep(busy_until - now)


@dataclass(frozen=True)
class Pace:
    """The emulated network: per request, per connection and way, and for all together."""

    latency_ms: float = 0
    connection_mib: float = 0
    total_mib: float = 0


class Traffic:
    """One connection's traffic."""

    def __init__(
        self, pace: Pace, row: memoryview, lock: threading.Lock, links: tuple[Link, Link] | None
    ) -> None:
        self.latency = pace.latency_ms / 1000
        self._rate = pace.connection_mib * MIB
        self._row, self._lock, self._links = row, lock, links
        self.block = _PACED_BLOCK if self._rate or links else _UNPACED_BLOCK
        self._free_at = 0.0

    def request(self, method: str) -> None:
        if method in METHODS:
            self._add(METHODS.index(method), 1)

    def received(self, count: int) -> None:
        self._add(_SLOTS - 2, count)
        self._keep_pace(count, 0)

    def sent(self, count: int) -> None:
        self._add(_SLOTS - 1, count)
        self._keep_pace(count, 1)

    def _add(self, slot: int, count: int) -> None:
        with self._lock:
            self._row[slot] += count

    def _keep_pace(self, count: int, way: int) -> None:
        if self._links:
            self._links[way].pass_through(count)
        if self._rate:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + count / self._rate
            time.sleep(self._free_at - now)
