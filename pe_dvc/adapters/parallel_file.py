"""A file filled by parallel transfers, or read for one, while its sha256 runs beside them.

Knows nothing of any store: what moves the bytes is handed in.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from pe_dvc.adapters.file_failures import naming_failures
from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from typing_extensions import Buffer

    from pe_dvc.store.port import Progress

    FetchRange = Callable[[int, int], Iterable[Buffer]]
    """Gives the bytes from an offset (first argument), as many as the second says."""

_HASH_BLOCK = 1024 * 1024


def fill_file(
    path: Path,
    size: int,
    fetch: FetchRange,
    *,
    range_size: int,
    in_flight: int,
    progress: Progress | None,
) -> Sha256:
    """Write ``size`` bytes, fetched in parallel ranges, to ``path``; return their sha256.

    The digest follows the ranges in order and reads them back from the page cache: memory holds
    no more than what is in flight, and what is hashed is what the file holds.
    """
    with naming_failures("download to", str(path)), path.open("w+b") as file:
        descriptor = file.fileno()
        os.ftruncate(descriptor, size)

        def transfer(start: int, length: int) -> None:
            for block in fetch(start, length):
                written = _write_all(descriptor, block, start)
                start += written
                if progress is not None:
                    progress(written)

        if 0 < size <= range_size:  # the many small files of a release need no threads of their own
            transfer(0, size)
            return _hash_in_order(descriptor, [(0, size)])

        pool = ThreadPoolExecutor(in_flight, thread_name_prefix="pe-dvc-range")
        try:
            ranges = [(at, min(range_size, size - at)) for at in range(0, size, range_size)]
            transfers = [pool.submit(transfer, *each) for each in ranges]
            return _hash_in_order(descriptor, _once_arrived(ranges, transfers))
        finally:
            # After a failure nobody wants the ranges that wait, but those under way must have
            # let go of the file before it closes.
            pool.shutdown(cancel_futures=True)


def _write_all(descriptor: int, block: Buffer, start: int) -> int:
    view = memoryview(block)
    written = 0
    while written < len(view):
        written += os.pwrite(descriptor, view[written:], start + written)
    return written


def _once_arrived(
    ranges: list[tuple[int, int]], transfers: list[Future[None]]
) -> Iterator[tuple[int, int]]:
    for each, transfer in zip(ranges, transfers, strict=True):
        transfer.result()
        yield each


def _hash_in_order(descriptor: int, ranges: Iterable[tuple[int, int]]) -> Sha256:
    digest = hashlib.sha256()
    block = memoryview(bytearray(_HASH_BLOCK))
    for start, length in ranges:
        position, end = start, start + length
        while position < end:
            got = os.preadv(descriptor, [block[: end - position]], position)
            digest.update(block[:got])
            position += got
    return Sha256(digest.hexdigest())


def hashed_blocks(
    path: Path,
    block_size: int,
    *,
    check: Callable[[Sha256], None],
    progress: Progress | None,
) -> Iterator[bytes]:
    """Yield a file's blocks while a thread hashes them; hand ``check`` the sha256 at the end.

    What ``check`` raises comes out before the iteration ends, so that whoever consumes the
    blocks never takes them for complete.
    """
    digest = hashlib.sha256()
    with (
        naming_failures("upload", str(path)),
        path.open("rb", buffering=0) as file,
        ThreadPoolExecutor(1, thread_name_prefix="pe-dvc-sha256") as pool,
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
