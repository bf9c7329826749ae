"""Fetch: from a resolved reference to a verified local file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, VerificationError
from pe_dvc.store.cache import Cache, kept_suffix
from pe_dvc.store.eviction import make_room
from pe_dvc.usecases.checkout.download import AT_ONCE
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.read.chunks import (
    IN_FLIGHT,
    RUN,
    ChunkFetcher,
    ChunkList,
    load_chunk_list,
    missing_payload,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.local_copies import Nearby
    from pe_dvc.store.partial import PartialFile
    from pe_dvc.store.port import Progress, Store
    from pe_dvc.usecases.read.resolve import Resolved


def fetch(
    resolved: Resolved,
    *,
    store: Store,
    cache: Cache,
    reporter: Reporter | None = None,
    nearby: Iterable[Nearby] = (),
) -> Path:
    """Return the path of the artifact in the cache, downloaded and verified if it was not there.

    Bytes that are here already are not downloaded: those of a download that broke off, those of
    ranged reads, and the files ``nearby`` if one is the artifact. Of many processes that fetch
    one artifact at once, one downloads and the others wait. The file is read-only, and stays as
    long as this process lives. Raises DigestMismatchError, which leaves nothing behind,
    NotFoundError and StoreError, which leaves what verified for the next attempt.
    """
    reporter = reporter or Silent()
    cache.leases.hold(resolved.sha256)
    path = find_here(resolved, cache, nearby, reporter)
    if path is None:
        with _alone(resolved, cache, reporter):
            path = _cached(resolved, cache) or _download(resolved, store, cache, reporter)
    return path


def find_here(
    resolved: Resolved, cache: Cache, nearby: Iterable[Nearby], reporter: Reporter | None = None
) -> Path | None:
    """Return the artifact's verified file if its bytes are on this machine, else None.

    Hold a lease before. Bytes of ``nearby`` are taken into the cache.
    """
    path = _cached(resolved, cache)
    size = resolved.payload.size
    likely = [source for source in nearby if source.size() == size] if path is None else []
    if not likely:
        return path
    with _alone(resolved, cache, reporter or Silent()):
        final = _final(resolved, cache)
        adopted = any(cache.adopt(source, resolved.sha256, final) for source in likely)
        return final if adopted else _cached(resolved, cache)


def _final(resolved: Resolved, cache: Cache) -> Path:
    return cache.artifact_path(resolved.sha256, kept_suffix(resolved.payload.path))


def _cached(resolved: Resolved, cache: Cache) -> Path | None:
    return cache.find(resolved.sha256, kept_suffix(resolved.payload.path))


def _alone(resolved: Resolved, cache: Cache, reporter: Reporter) -> AbstractContextManager[None]:
    """Hold the right to bring the artifact into the cache; say so while another has it."""
    text = f"waiting for another process that is downloading {resolved.reference}"
    return cache.single_flight(resolved.sha256, on_wait=lambda: reporter.note(text))


def _download(resolved: Resolved, store: Store, cache: Cache, reporter: Reporter) -> Path:
    payload = resolved.payload
    source = f"{store.url}/{payload.key}"
    make_room(cache, payload.size)
    if payload.size <= AT_ONCE and not cache.has_partial(resolved.sha256):
        return _read_at_once(resolved, store, cache, reporter)
    with (
        cache.partial(resolved.sha256, payload.size) as partial,
        reporter.task(payload.name, payload.size) as progress,
    ):
        try:
            _check(resolved, _fill(resolved, partial, store, cache, progress), source)
        except VerificationError:
            partial.path.unlink(missing_ok=True)
            raise
        except NotFoundError:
            partial.path.unlink(missing_ok=True)
            raise missing_payload(resolved, source) from None
        final = _final(resolved, cache)
        cache.admit(partial.path, final)
    return final


def _read_at_once(resolved: Resolved, store: Store, cache: Cache, reporter: Reporter) -> Path:
    """Bring a small artifact by one request, whose answer needs no file of its own to grow in."""
    payload = resolved.payload
    source = f"{store.url}/{payload.key}"
    with reporter.task(payload.name, payload.size) as progress:
        try:
            data = store.read_range(payload.key, 0, payload.size + 1)
        except NotFoundError:
            raise missing_payload(resolved, source) from None
        _check(resolved, sha256_bytes(data), source)
        final = _final(resolved, cache)
        cache.keep(final, data)
        progress(len(data))
    return final


def _fill(
    resolved: Resolved, partial: PartialFile, store: Store, cache: Cache, progress: Progress
) -> Sha256:
    """Complete a partial file and return its sha256.

    With nothing here the digest of the whole is all that is needed, and the transfer is the
    fastest there is. Where something is here, the chunk list tells what of it is good.
    """
    if not partial.is_empty():
        try:
            chunks = load_chunk_list(resolved, store=store, cache=cache)
        except NotFoundError:
            pass  # published without one: from the start, then
        else:
            return _resume(
                ChunkFetcher(resolved, chunks, partial, store), chunks, partial, progress
            )
    payload = resolved.payload
    return store.download(payload.key, partial.path, size=payload.size, progress=progress)


def _resume(
    fetcher: ChunkFetcher, chunks: ChunkList, partial: PartialFile, progress: Progress
) -> Sha256:
    firsts = range(0, chunks.count, RUN)
    pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="pe-dvc-chunk")
    try:
        return partial.sha256(pool.map(lambda first: fetcher.bring(first, progress), firsts))
    finally:
        pool.shutdown(cancel_futures=True)


def _check(resolved: Resolved, actual: Sha256, source: str) -> None:
    if actual != resolved.sha256:
        raise DigestMismatchError(
            what=str(resolved.reference),
            expected=f"sha256:{resolved.sha256}",
            actual=f"sha256:{actual}",
            source=source,
            remedy="The payload was altered or damaged in the bucket: tell the maintainers "
            "of the data. Nothing was kept.",
        )
