"""Where an open file's bytes come from: a whole file of the cache, or chunks fetched on demand.

Both are read by offset and by any number of threads at once.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from pe_dvc.usecases.read.chunks import IN_FLIGHT, RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.store.partial import PartialFile
    from pe_dvc.usecases.read.chunks import ChunkFetcher, ChunkList

    Guard = Callable[[], AbstractContextManager[None]]
    """A context that says errors of the store as its caller wants them said."""

WINDOW = RUN * IN_FLIGHT
"""Chunks that are fetched at a time, and that a file keeps in memory."""
TAIL = 512 * 1024
"""Bytes at the end that are fetched together: the footer of a parquet file with many columns."""


class Source(Protocol):
    """Verified bytes. ``size`` is how many there are."""

    size: int
    granule: int
    """Bytes that cost no more to read than one byte of them does."""

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes from ``start`` to before ``end``, in order."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class WholeSource:
    """A verified file of the cache."""

    granule = 128 * 1024

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """See Source.pieces."""
        while start < end and (data := os.pread(self._descriptor, end - start, start)):
            yield memoryview(data)
            start += len(data)

    def close(self) -> None:
        """See Source.close."""
        os.close(self._descriptor)


class ChunkSource:
    """Chunks, fetched when they are read and then kept: in memory the last, on disk all.

    Bytes are handed out from memory only, where they were verified: what happens to the cache
    in between cannot reach a reader.
    """

    def __init__(
        self, fetcher: ChunkFetcher, chunks: ChunkList, partial: PartialFile, guard: Guard
    ) -> None:
        self._fetcher, self._chunks, self._partial = fetcher, chunks, partial
        self._guard = guard
        self.size, self.granule = chunks.total, chunks.size
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._read_to, self._in_a_row, self._ahead = -1, 0, 0
        self._lock = threading.Lock()

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """See Source.pieces; ``WINDOW`` chunks at a time."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if start == self._read_to else 0
            self._read_to = end
        while start < end:
            first = start // self._chunks.size
            last = min(-(-end // self._chunks.size), first + WINDOW)
            with self._guard():
                loaded = self._load(first, last)
            for index, data in zip(range(first, last), loaded, strict=True):
                at = self._chunks.start(index)
                yield memoryview(data)[max(start - at, 0) : end - at]
            start = self._chunks.start(last)

    def close(self) -> None:
        """See Source.close."""
        self._recent.clear()
        self._partial.close()

    def _load(self, first: int, last: int) -> list[bytes]:
        """Return verified chunks, and keep them in memory with what will be read next."""
        with self._lock:
            here = {i: self._recent[i] for i in range(first, last) if i in self._recent}
            lacking = [i for i in range(first, last) if i not in here]
            begin, end = self._widened(lacking[0], lacking[-1] + 1) if lacking else (0, 0)
        here.update(zip(range(begin, end), self._fetcher.get(begin, end), strict=True))
        with self._lock:
            for index, data in sorted(here.items()):
                self._recent[index] = data
                self._recent.move_to_end(index)
            while len(self._recent) > WINDOW:
                self._recent.popitem(last=False)
        return [here[i] for i in range(first, last)]

    def _widened(self, begin: int, end: int) -> tuple[int, int]:
        """Widen a range of chunks by what is likely to be read next.

        Whoever has read on three times, as no reader of single columns does, will read on.
        """
        self._ahead = min(max(2 * self._ahead, 1), WINDOW // 2) if self._in_a_row > 1 else 0
        end = min(end + self._ahead, max(end, begin + WINDOW), self._chunks.count)
        if end == self._chunks.count and self.size - self._chunks.start(begin) < TAIL:
            begin = max(begin - 1, 0)
        return begin, end
