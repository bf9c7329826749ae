"""Open: a dataset as a seekable file, of which only the chunks that are read are fetched."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.digest import CHUNK_SIZE
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.read.byte_sources import FetchedChunks, WholeFile
from pe_dvc.usecases.read.chunks import CHUNKS_PER_REQUEST, ChunkFetcher, ChunkList, load_chunk_list
from pe_dvc.usecases.read.fetch import fetch, note_wait, slot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from pe_dvc.store.cache import Cache
    from pe_dvc.store.local_copies import LocalCopy
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.read.byte_sources import ByteSource
    from pe_dvc.usecases.read.resolve import Resolved

    Again = tuple[Callable[[Resolved], "VerifiedFile"], Resolved]

WHOLE_FETCH_MAX_BYTES = CHUNKS_PER_REQUEST * CHUNK_SIZE
"""Up to this size a payload is fetched whole: one request, and no chunk list."""


def open_verified(
    resolved: Resolved,
    *,
    store: ReadableStore,
    cache: Cache,
    reporter: Reporter | None = None,
    copies: Sequence[LocalCopy] = (),
    open_location: OpenLocation | None = None,
    again: Callable[[], Again] | None = None,
) -> VerifiedFile:
    """Return an artifact as a binary file to read and to seek in; every byte of it is verified.

    ``again`` says how another process opens it, which unpickles it.

    What is read is fetched in chunks and kept in the cache. The whole is fetched first where
    chunks could not be verified: the manifest that has the digest of the chunk list is not signed
    (a pinned reference), or there is no such list. Raises as ``fetch``; reading raises
    DigestMismatchError, NotFoundError and StoreError.
    """
    reporter = reporter or Silent()
    slot = slot_of(resolved, cache)
    slot.hold()
    try:
        path = slot.find(copies, on_wait=lambda: note_wait(resolved, reporter))
        chunks = None if path else _chunk_list(resolved, store, cache)
        if chunks is None:
            path = path or fetch(
                resolved, store=store, cache=cache, reporter=reporter, open_location=open_location
            )
            return VerifiedFile(WholeFile(path), slot.release, again)
        partial, payload = slot.partial(), resolved.payload
        fetcher = ChunkFetcher(
            resolved,
            chunks,
            partial,
            lambda: find_place(payload.key, payload.location, store, open_location),
        )
        return VerifiedFile(FetchedChunks(fetcher, chunks, partial), slot.release, again)
    except BaseException:
        slot.release()
        raise


def _chunk_list(resolved: Resolved, store: ReadableStore, cache: Cache) -> ChunkList | None:
    """Return by what parts of the artifact can be verified; None if the whole is to be fetched."""
    payload = resolved.payload
    if payload.chunks_sha256 is None or resolved.pointer is None:
        return None
    if resolved.payload.size <= WHOLE_FETCH_MAX_BYTES:
        return None
    try:
        return load_chunk_list(resolved, store=store, cache=cache)
    except NotFoundError:
        return None


class VerifiedFile(io.BufferedIOBase):
    """A binary file to read and to seek in, all of whose bytes were verified.

    Threads may share it, and read side by side. A thread that has sought reads there even if
    another one seeks in between: libraries exist that share a file between threads and seek and
    read in two steps (DuckDB), and would otherwise get each other's bytes.
    """

    def __init__(
        self,
        source: ByteSource,
        release: Callable[[], None],
        again: Callable[[], Again] | None = None,
    ) -> None:
        self._source, self._release, self._again = source, release, again
        self._lock = threading.Lock()
        self._last = _Seek(0)
        self._mine = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what it is and where it stands: it is opened again where it arrives."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._again is None:
            raise TypeError("cannot pickle an open file whose store is no address")
        opener, resolved = self._again()
        return _opened_again, (opener, resolved, self.tell())

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position: where this thread has sought, else where the last read ended."""
        with self._lock:
            return self._current().position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position and return it; it may lie behind the end."""
        position = offset
        if whence == io.SEEK_CUR:
            position += self.tell()
        elif whence == io.SEEK_END:
            position += self._source.size
        if position < 0:
            raise ValueError(f"cannot seek to {position}, before the start")
        with self._lock:
            self._last = self._mine.seek = _Seek(position)
        return position

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, or to the end; fewer only there."""
        start, end = self._range(-1 if size is None else size)
        data = b"".join(self._source.pieces(start, end))
        self._move(start + len(data))
        return data

    def read1(self, size: int = -1) -> bytes:
        """Read what can be had in one step, up to ``size`` bytes."""
        at_hand = self._source.granule - self.tell() % self._source.granule
        return self.read(at_hand if size < 0 else min(size, at_hand))

    def readinto(self, buffer: Buffer) -> int:
        """Read as many bytes as ``buffer`` holds; fewer only at the end."""
        view, filled = memoryview(buffer).cast("B"), 0
        start, end = self._range(len(view))
        for piece in self._source.pieces(start, end):
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._move(start + filled)
        return filled

    def peek(self, size: int = 0) -> bytes:
        """Return bytes at the position without moving it: what makes ``readline`` fast."""
        position = self.tell()
        data = self.read1(max(size, 1024))
        self.seek(position)
        return data

    def close(self) -> None:
        """Close the file; what it has brought stays in the cache."""
        if not self.closed:
            super().close()
            self._source.close()
            self._release()

    def _range(self, size: int) -> tuple[int, int]:
        """Return where this thread reads, from its own last seek or the last position of all."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        with self._lock:
            seek = self._current()
            seek.used = True
            end = self._source.size if size < 0 else min(seek.position + size, self._source.size)
        return seek.position, end

    def _move(self, position: int) -> None:
        with self._lock:
            self._last = _Seek(position)

    def _current(self) -> _Seek:
        """Return this thread's seek that no read has followed yet, else where the last read ended.

        A seek that another thread read from was made for it, and counts no more.
        """
        mine: _Seek | None = getattr(self._mine, "seek", None)
        return mine if mine is not None and not mine.used else self._last


def _opened_again(
    opener: Callable[[Resolved], VerifiedFile], resolved: Resolved, position: int
) -> VerifiedFile:
    file = opener(resolved)
    file.seek(position)
    return file


class _Seek:
    """A position, and whether it was read from."""

    def __init__(self, position: int) -> None:
        self.position, self.used = position, False
