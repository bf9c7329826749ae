"""Open: a dataset as a seekable file, of which only the chunks that are read are fetched."""

from __future__ import annotations

import io
from collections import OrderedDict
from functools import partial as bind
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import CHUNK_SIZE
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.usecases.chunks import IN_FLIGHT, RUN, ChunkFetcher, ChunkList, load_chunk_list
from pe_dvc.usecases.fetch import fetch, find_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from pe_dvc.store.cache import Cache
    from pe_dvc.store.links import Nearby
    from pe_dvc.store.partial import PartialFile
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.resolve import Resolved

SMALL = RUN * CHUNK_SIZE
"""A payload of at most so many bytes is fetched whole: one request, and no chunk list."""
WINDOW = RUN * IN_FLIGHT
"""Chunks that one read fetches at most, and that a file keeps in memory."""
TAIL = 512 * 1024
"""Bytes at the end that are fetched together: the footer of a parquet file with many columns."""
_BUFFER = 128 * 1024


def open_verified(
    resolved: Resolved,
    *,
    store: Store,
    cache: Cache,
    reporter: Reporter | None = None,
    nearby: Sequence[Nearby] = (),
) -> io.BufferedReader:
    """Return an artifact as a binary file to read and to seek in; every byte of it is verified.

    What is read is fetched in chunks and kept in the cache. The whole is fetched first where
    chunks could not be verified: nobody signed the manifest that vouches for the chunk list (a
    pinned reference), or there is no such list. Raises as ``fetch``; reading raises
    DigestMismatchError, NotFoundError and StoreError.
    """
    sha256, size = resolved.sha256, resolved.manifest.artifact.size
    cache.leases.hold(sha256)
    release = bind(cache.leases.release, sha256)
    try:
        path = find_here(resolved, cache, nearby, reporter)
        chunks = None
        if path is None and resolved.pointer is not None and size > SMALL:
            chunks = _chunk_list(resolved, store, cache)
        if chunks is None:
            path = path or fetch(resolved, store=store, cache=cache, reporter=reporter)
            return io.BufferedReader(_WholeFile(path, release), _BUFFER)
        partial = cache.partial(sha256, size)
    except BaseException:
        release()
        raise
    fetcher = ChunkFetcher(resolved, chunks, partial, store)
    return io.BufferedReader(_ChunkedFile(fetcher, chunks, partial, release), _BUFFER)


def _chunk_list(resolved: Resolved, store: Store, cache: Cache) -> ChunkList | None:
    try:
        return load_chunk_list(resolved, store=store, cache=cache)
    except NotFoundError:
        return None


class _WholeFile(io.FileIO):
    """A file of the cache, which stays there while it is open."""

    def __init__(self, path: Path, release: Callable[[], None]) -> None:
        self._release = release
        super().__init__(path)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._release()


class _ChunkedFile(io.RawIOBase):
    """A file whose chunks are fetched when they are read.

    Bytes are handed out from memory only, where they were verified: what happens to the cache
    in between cannot reach a reader.
    """

    def __init__(
        self,
        fetcher: ChunkFetcher,
        chunks: ChunkList,
        partial: PartialFile,
        release: Callable[[], None],
    ) -> None:
        self._fetcher, self._chunks = fetcher, chunks
        self._partial, self._release = partial, release
        self._position = 0
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._expected, self._ahead = 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._chunks.total}
        if base[whence] + offset < 0:
            raise ValueError(f"cannot seek to {base[whence] + offset}, before the start")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        """Read up to ``WINDOW`` chunks into a buffer."""
        view = memoryview(buffer).cast("B")
        start, size = self._position, self._chunks.size
        end = min(start + len(view), self._chunks.total)
        if start >= end:
            return 0
        first = start // size
        last = min(-(-end // size), first + WINDOW)
        end = min(end, self._chunks.start(last))
        for index, data in zip(range(first, last), self._load(first, last), strict=True):
            at = self._chunks.start(index)
            piece = memoryview(data)[max(start - at, 0) : end - at]
            into = max(at - start, 0)
            view[into : into + len(piece)] = piece
        self._position = end
        return end - start

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._recent.clear()
            self._partial.close()
            self._release()

    def _load(self, first: int, last: int) -> list[bytes]:
        """Return verified chunks, and keep them in memory with what will be read next."""
        lacking = [i for i in range(first, last) if i not in self._recent]
        if lacking:
            begin, end = self._extended(lacking[0], lacking[-1] + 1)
            for index, data in enumerate(self._fetcher.get(begin, end), begin):
                self._recent[index] = data
        wanted = []
        for index in range(first, last):
            self._recent.move_to_end(index)
            wanted.append(self._recent[index])
        while len(self._recent) > WINDOW:
            self._recent.popitem(last=False)
        return wanted

    def _extended(self, begin: int, end: int) -> tuple[int, int]:
        """Widen a range of chunks by what is likely to be read next."""
        sequential = begin == self._expected and begin > 0
        self._ahead = min(max(2 * self._ahead, 1), WINDOW // 2) if sequential else 0
        self._expected = end = min(end + self._ahead, begin + WINDOW, self._chunks.count)
        if end == self._chunks.count and self._chunks.total - self._chunks.start(begin) < TAIL:
            begin = max(begin - 1, 0)
        return begin, end
