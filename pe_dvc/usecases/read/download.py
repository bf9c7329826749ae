"""Download an artifact into the cache, as a whole or by verified chunks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pe_dvc.primitives.cancellation import CancelScope
from pe_dvc.primitives.digest import ALTERED, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.store.port import SINGLE_REQUEST_MAX_BYTES
from pe_dvc.store.several import PASSED_OVER, SeveralStores, first_good, pass_over, stores_of
from pe_dvc.usecases.progress import Moved, Reporter
from pe_dvc.usecases.read.chunks import (
    CHUNKS_PER_REQUEST,
    REQUESTS_IN_FLIGHT,
    ChunkFetcher,
    ChunkList,
    load_chunk_list,
    missing_payload,
)

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.partial import PartialFile
    from pe_dvc.store.port import ObjectSource, Progress, ReadableStore
    from pe_dvc.store.slot import Slot
    from pe_dvc.usecases.payload_place import PayloadPlace
    from pe_dvc.usecases.read.resolve import Resolved

log = logging.getLogger(__name__)


def download(
    resolved: Resolved,
    slot: Slot,
    store: ReadableStore,
    place: PayloadPlace,
    cache: Cache,
    reporter: Reporter,
) -> None:
    """Download what is at ``place`` into ``slot``. Call this within the slot's ``admission``.

    Raises DigestMismatchError, after which nothing is kept, NotFoundError, and StoreError, after
    which verified chunks are kept for the next attempt.
    """
    payload = resolved.payload
    with reporter.task(payload.name, payload.size) as progress:
        try:
            if payload.size <= SINGLE_REQUEST_MAX_BYTES and not slot.has_partial():
                # One request, kept in memory. Asking for one byte more detects an object that is
                # too long.
                data = first_good(
                    place.source, lambda one: _read_small(resolved, place, one), key=place.key
                )
                slot.keep(data)
                progress(len(data))
                return
            if not resolved.manifest_verified:
                first_good(
                    place.source, lambda one: _check_size(resolved, place, one), key=place.key
                )
            with slot.filling() as partial:
                actual = _complete(resolved, partial, store, place, cache, progress)
                _check(resolved, actual, place)
        except NotFoundError:
            raise missing_payload(resolved, place) from None


def _read_small(resolved: Resolved, place: PayloadPlace, store: ObjectSource) -> bytes:
    data = store.read_range(place.key, 0, resolved.payload.size + 1)
    _check(resolved, sha256_bytes(data), place.at(store))
    return data


def _complete(
    resolved: Resolved,
    partial: PartialFile,
    store: ReadableStore,
    place: PayloadPlace,
    cache: Cache,
    progress: Progress,
) -> Sha256:
    """Complete a partial file and return its sha256.

    An empty file is downloaded as a whole, which is fastest, and checked by its digest. If the file
    has some bytes already, or one of several stores fails on the way, the chunk list tells which
    bytes are right, and only the others are fetched.
    """
    moved = Moved(progress)

    def whole(one: ObjectSource) -> Sha256:
        size = resolved.payload.size
        actual = one.download(place.key, partial.file, size=size, progress=moved.again())
        _check(resolved, actual, place.at(one))
        return actual

    if partial.is_empty():
        first = stores_of(place.source, place.key)[0]
        try:
            return whole(first)
        except PASSED_OVER as error:
            pass_over(place.source, first, error, place.key)
    if not partial.is_empty():
        try:
            chunks = load_chunk_list(resolved, store=store, cache=cache)
            fetcher = ChunkFetcher(resolved, chunks, partial, lambda: place)
            actual = _resume(fetcher, chunks, partial, moved.again())
            _check(resolved, actual, place)
            return actual
        except NotFoundError:
            pass  # published without a chunk list: download the whole again
        except PASSED_OVER as error:
            # The chunk list may be wrong, and the payload in one of the stores right.
            if not isinstance(place.source, SeveralStores):
                raise
            log.info("%s is read from the start: %s", resolved.reference, error.message)
    return first_good(place.source, whole, key=place.key)


def _resume(
    fetcher: ChunkFetcher, chunks: ChunkList, partial: PartialFile, progress: Progress
) -> Sha256:
    firsts = range(0, chunks.count, CHUNKS_PER_REQUEST)
    from pe_dvc.primitives.pools import Pool

    pool = Pool(REQUESTS_IN_FLIGHT, name="pe-dvc-chunk")
    try:
        with CancelScope() as scope:
            complete = scope.wrap(lambda first: fetcher.complete(first, progress))
            return partial.sha256(pool.map(complete, firsts))
    finally:
        pool.shutdown(cancel_futures=True)


def _check_size(resolved: Resolved, place: PayloadPlace, store: ObjectSource) -> None:
    """Check a size that is not signed against the object's, before the cache makes room for it.

    Raises DigestMismatchError.
    """
    expected, actual = resolved.payload.size, store.head(place.key).size
    if actual != expected:
        raise DigestMismatchError(
            what=f"the size of {resolved.reference} in its manifest, which a pin does not verify,",
            expected=f"{expected} bytes",
            actual=f"an object of {actual} bytes",
            source=f"{store.url}/{place.key}",
            remedy=ALTERED,
        )


def _check(resolved: Resolved, actual: Sha256, place: PayloadPlace) -> None:
    if actual != resolved.sha256:
        raise DigestMismatchError(
            what=str(resolved.reference),
            expected=f"sha256:{resolved.sha256}",
            actual=f"sha256:{actual}",
            source=place.url,
            remedy=f"{place.advice_if_altered} Nothing was kept.",
        )
