"""Digests of objects: read block by block from a store, or of bytes and files that came of it."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Literal

from pe_dvc.primitives.pools import generator_pool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from io import BufferedReader, FileIO

    from pe_dvc.store.port import ObjectSource, Progress

BLOCK_BYTES = 4 * 1024 * 1024


def object_digest(
    store: ObjectSource,
    key: str,
    size: int,
    *,
    algorithm: Literal["sha256", "md5"] = "sha256",
    progress: Progress | None = None,
) -> str:
    """Return the digest (hex) of an object's first ``size`` bytes.

    Raises FormatError for what is no file in a directory, NotFoundError and StoreError.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for block in blocks_of(store, key, size, ahead=1):
        digest.update(block)
        if progress is not None:
            progress(len(block))
    return digest.hexdigest()


def blocks_of(store: ObjectSource, key: str, size: int, *, ahead: int = 0) -> Iterator[bytes]:
    """Yield an object's first ``size`` bytes in order, in blocks of ``BLOCK_BYTES``.

    So many of the next ones as ``ahead`` says are read meanwhile: memory holds one more than that.
    Fewer bytes come of an object that is shorter. Raises as ``object_digest``.
    """

    def read(start: int) -> bytes:
        return store.read_range(key, start, min(BLOCK_BYTES, size - start))

    starts = range(0, max(size, 1), BLOCK_BYTES)  # an empty object is opened, too
    if not ahead or len(starts) == 1:
        yield from map(read, starts)
        return
    waiting: deque[Future[bytes]] = deque()
    with generator_pool(ahead, name="pe-dvc-block") as pool:
        for start in starts:
            waiting.append(pool.submit(read, start))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def md5_bytes(data: bytes) -> str:
    """Return the md5 (hex) of bytes, which DVC names objects by."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_file(file: BufferedReader | FileIO) -> str:
    """Return the md5 (hex) of an open file, from where it stands."""
    return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
