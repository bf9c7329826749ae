"""Where an open file's bytes come from: a whole file of the cache, or chunks fetched on demand.

Both are read by offset and by any number of threads at once.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from pe_dvc.store.plain_files import open_plain
from pe_dvc.usecases.read.chunks import CHUNKS_PER_REQUEST, REQUESTS_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.store.partial import PartialFile
    from pe_dvc.usecases.read.chunks import ChunkFetcher, ChunkList

WINDOW_CHUNKS = CHUNKS_PER_REQUEST * REQUESTS_IN_FLIGHT
"""Chunks that are fetched at a time, and that a file keeps in memory."""
FOOTER_PREFETCH_BYTES = 512 * 1024
"""Bytes at the end that are fetched together: the footer of a parquet file with many columns."""


class ByteSource(Protocol):
    """Verified bytes. ``size`` is how many there are."""

    size: int
    granule: int
    """Bytes that cost no more to read than one byte of them does."""

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes from ``start`` to before ``end``, in order."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class WholeFile:
    """A verified file of the cache."""

    granule = 128 * 1024

    def __init__(self, path: Path) -> None:
        self._descriptor = open_plain(path, os.O_RDONLY | os.O_NOFOLLOW)
        self.size = os.fstat(self._descriptor).st_size

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """See ByteSource.pieces."""
        while start < end and (data := os.pread(self._descriptor, end - start, start)):
            yield memoryview(data)
            start += len(data)

    def close(self) -> None:
        """See ByteSource.close."""
        os.close(self._descriptor)


class FetchedChunks:
    """Chunks, fetched when they are read and then kept: in memory the last, on disk all.

    Bytes are handed out from memory only, where they were verified: what happens to the cache
    in between cannot reach a reader.
    """

    def __init__(self, fetcher: ChunkFetcher, chunks: ChunkList, partial: PartialFile) -> None:
        self._fetcher, self._chunks, self._partial = fetcher, chunks, partial
        self.size, self.granule = chunks.total, chunks.size
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._read_to, self._in_a_row, self._ahead = -1, 0, 0
        self._lock = threading.Lock()

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """See ByteSource.pieces; ``WINDOW_CHUNKS`` chunks at a time."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if start == self._read_to else 0
            self._read_to = end
        while start < end:
            first = start // self._chunks.size
            last = min(-(-end // self._chunks.size), first + WINDOW_CHUNKS)
            for index, data in zip(range(first, last), self._load(first, last), strict=True):
                at = self._chunks.start(index)
                yield memoryview(data)[max(start - at, 0) : end - at]
            start = self._chunks.start(last)

    def close(self) -> None:
        """See ByteSource.close."""
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
            while len(self._recent) > WINDOW_CHUNKS:
                self._recent.popitem(last=False)
        return [here[i] for i in range(first, last)]

    def _widened(self, begin: int, end: int) -> tuple[int, int]:
        """Widen a range of chunks by what is likely to be read next.

        A reader that has read on three times, as no reader of single columns does, will go on.
        """
        self._ahead = min(max(2 * self._ahead, 1), WINDOW_CHUNKS // 2) if self._in_a_row > 1 else 0
        end = min(end + self._ahead, max(end, begin + WINDOW_CHUNKS), self._chunks.count)
        if (
            end == self._chunks.count
            and self.size - self._chunks.start(begin) < FOOTER_PREFETCH_BYTES
        ):
            begin = max(begin - 1, 0)
        return begin, end
