"""A file filled by parallel transfers, or read for one, while its sha256 runs beside them.

Knows nothing of any store: what moves the bytes is handed in.
"""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, wait
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores.os_errors import translate_os_errors
from pe_dvc.primitives.cancellation import INTERRUPT_POLL, CancelScope, check_cancelled
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.pools import Pool, generator_pool
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.store.atomic_write import open_to_fill
from pe_dvc.store.disk import writing_to
from pe_dvc.store.file_ranges import BLOCK, hash_range, write_at
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from typing_extensions import Buffer

    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Progress

    FetchRange = Callable[[int, int], Iterable[Buffer]]
    """Gives the bytes from an offset (first argument), as many as the second says."""

_MIB = 1024 * 1024

FIRST_BYTE_WAIT_SECONDS = 0.01
"""Seconds within which a server that is near begins to answer."""
FAST = 250 * _MIB
"""Bytes a second from which on one connection keeps a thread busy that writes and hashes."""
LONGEST = 64 * _MIB
"""Bytes that one connection is asked for at once, at most."""


def fill_file(
    path: Path | OpenFile,
    size: int,
    fetch: FetchRange,
    *,
    range_size: int,
    in_flight: int,
    progress: Progress | None,
) -> Sha256:
    """Write ``size`` bytes, fetched in ranges, to ``path``; return their sha256.

    One connection is used while it is fast, ``in_flight`` of them where more help. Memory holds
    the blocks in hand and no more.
    """
    with (
        blocking_wait(),
        translate_os_errors("download to", str(path)),
        writing_to(path),
        open_to_fill(path, size) as file,
    ):
        return _Filling(file.fileno(), size, fetch, range_size, progress).run(in_flight)


class _Filling:
    """A file being filled by threads, each taking the next range in order.

    Who has the range that the digest has come to hashes its blocks as they arrive. Ranges that
    arrived before their turn are read back, from the page cache, when it has come.
    """

    def __init__(
        self,
        descriptor: int,
        size: int,
        fetch: FetchRange,
        range_size: int,
        progress: Progress | None,
    ) -> None:
        self._descriptor, self._size, self._fetch = descriptor, size, fetch
        self._range_size, self._progress = range_size, progress
        self._lock = threading.Lock()
        self._claimed = 0
        self._digest, self._hashed = hashlib.sha256(), 0
        self._hashing = False
        self._arrived: dict[int, int] = {}
        self._answered, self._want_help = threading.Event(), threading.Event()

    def run(self, in_flight: int) -> Sha256:
        """Fill the file with ``in_flight`` threads at most; return its sha256."""
        if self._size <= self._range_size:  # the many small files of a release need no threads
            self._lead()
        else:
            with Pool(in_flight, name="pe-dvc-range") as pool, CancelScope() as scope:
                self._run_in(pool, in_flight, scope)
        return Sha256(self._digest.hexdigest())

    def _run_in(self, pool: Executor, in_flight: int, scope: CancelScope) -> None:
        lead, follow = scope.wrap(self._lead), scope.wrap(self._follow)
        under_way = {pool.submit(lead)}
        try:
            if self._answered.wait(FIRST_BYTE_WAIT_SECONDS):
                while not self._want_help.wait(INTERRUPT_POLL):
                    pass
            left = -(-(self._size - self._claimed) // self._range_size)
            under_way |= {pool.submit(follow) for _ in range(min(in_flight - 1, left))}
            while under_way:
                done, under_way = wait(under_way, INTERRUPT_POLL, FIRST_EXCEPTION)
                for each in done:
                    each.result()
        except BaseException:
            scope.cancel()  # what is under way ends with its next block
            raise
        finally:
            # After a failure no more ranges are wanted, but those under way must have let go of
            # the file before it closes.
            self._stop()

    def _lead(self) -> None:
        """Bring ranges; alone, and ever longer ones, while one connection is fast.

        More connections would then only take turns with it for the processor: one thread that
        hashes what another receives is all that two cores can do.
        """
        length = self._range_size
        try:
            while claim := self._claim(length):
                began = time.perf_counter()
                blocks = self._fetch(claim[0], claim[1] - claim[0])
                self._answered.set()
                self._bring(*claim, blocks)
                rate = (claim[1] - claim[0]) / (time.perf_counter() - began)
                if rate < FAST:
                    self._want_help.set()
                length = self._range_size if self._want_help.is_set() else min(4 * length, LONGEST)
        finally:
            self._stop()
            self._answered.set()
            self._want_help.set()

    def _follow(self) -> None:
        while claim := self._claim(self._range_size):
            self._bring(*claim, self._fetch(claim[0], claim[1] - claim[0]))

    def _stop(self) -> None:
        with self._lock:
            self._claimed = self._size

    def _claim(self, length: int) -> tuple[int, int] | None:
        """Take the next range; None if none is left."""
        with self._lock:
            start = self._claimed
            if start >= self._size:
                return None
            self._claimed = min(start + length, self._size)
            return start, self._claimed

    def _bring(self, start: int, end: int, blocks: Iterable[Buffer]) -> None:
        with self._lock:
            in_turn = not self._hashing and self._hashed == start
            self._hashing = self._hashing or in_turn
        position = start
        for block in blocks:
            check_cancelled()
            written = write_at(self._descriptor, block, position)
            if in_turn:
                self._digest.update(block)
            position += written
            if self._progress is not None:
                self._progress(written)
        with self._lock:
            if in_turn:
                self._hashed, self._hashing = end, False
            else:
                self._arrived[start] = end
        self._catch_up()

    def _catch_up(self) -> None:
        """Hash what has arrived and whose turn it is, unless another thread does."""
        block = None
        while True:
            with self._lock:
                if self._hashing or self._hashed not in self._arrived:
                    return
                start, end = self._hashed, self._arrived.pop(self._hashed)
                self._hashing = True
            block = block or memoryview(bytearray(BLOCK))
            hash_range(self._digest, self._descriptor, start, end, block)
            with self._lock:
                self._hashed, self._hashing = end, False


def hashed_blocks(
    path: Path,
    block_size: int,
    *,
    check: Callable[[Sha256], None],
    progress: Progress | None,
) -> Iterator[bytes]:
    """Yield a file's blocks while a thread hashes them; hand ``check`` the sha256 at the end.

    What ``check`` raises comes out before the iteration ends, so that the consumer of the
    blocks never takes them for complete.
    """
    digest = hashlib.sha256()
    with (
        translate_os_errors("upload", str(path)),
        open_to_read(path) as file,
        generator_pool(1, name="pe-dvc-sha256") as pool,
    ):
        hashing: Future[None] | None = None
        while block := file.read(block_size):
            if hashing is not None:
                hashing.result()  # one block behind at most, so that memory stays bounded
            hashing = pool.submit(digest.update, block)
            yield block
            if progress is not None:
                progress(len(block))
    check(Sha256(digest.hexdigest()))
