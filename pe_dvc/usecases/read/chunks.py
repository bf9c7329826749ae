"""Chunks of a payload: fetched by ranges, each verified against the chunk list. ADR 0006."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, chunks_key
from pe_dvc.primitives.cancellation import CancelScope
from pe_dvc.primitives.digest import (
    DIGEST_BYTES,
    Sha256,
    check_promised,
    implied_chunks,
    sha256_bytes,
)
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.store.several import first_good

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.store.cache import Cache
    from pe_dvc.store.partial import PartialFile
    from pe_dvc.store.port import ObjectSource, Progress, ReadableStore
    from pe_dvc.usecases.payload_place import PayloadPlace
    from pe_dvc.usecases.read.resolve import Resolved

MIN_CHUNK_BYTES, MAX_CHUNK_BYTES = 64 * 1024, 4 * 1024 * 1024
"""Sizes of a chunk that a manifest may ask for: a bound on memory and on the length of a list."""
CHUNKS_PER_REQUEST = 4
"""How many neighbouring chunks one request fetches at most."""
REQUESTS_IN_FLIGHT = 8
"""Requests at once. With ``CHUNKS_PER_REQUEST`` this bounds the memory of a read (32 MiB)."""


@dataclass(frozen=True, kw_only=True)
class ChunkList:
    """The verified digests of a payload's chunks; ``size`` is that of a chunk in bytes."""

    digests: bytes
    size: int
    total: int

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return len(self.digests) // DIGEST_BYTES

    def start(self, index: int) -> int:
        """Offset of a chunk; that of the chunk after the last is the payload's size."""
        return min(index * self.size, self.total)

    def digest(self, index: int) -> Sha256:
        """The digest of a chunk."""
        at = index * DIGEST_BYTES
        return Sha256(self.digests[at : at + DIGEST_BYTES].hex())


def load_chunk_list(resolved: Resolved, *, store: ReadableStore, cache: Cache) -> ChunkList:
    """Return an artifact's chunk list, from the cache or the store.

    Raises DigestMismatchError unless it has the sha256 that the manifest names: a list that was
    altered, cut short or made longer is refused as a whole. Raises NotFoundError.
    """
    payload = resolved.payload
    if payload.chunks_sha256 is None:
        raise NotFoundError(f"{resolved.reference} has no chunk list: it is verified as a whole")
    if not MIN_CHUNK_BYTES <= payload.chunk_size <= MAX_CHUNK_BYTES:
        raise FormatError(
            f"chunks of {payload.chunk_size} bytes: expected {MIN_CHUNK_BYTES} to "
            f"{MAX_CHUNK_BYTES}",
            where=str(resolved.reference),
            remedy="Upgrade pe_dvc.",
        )
    expected = payload.chunks_sha256
    count = -(-payload.size // payload.chunk_size)
    if count * DIGEST_BYTES > MANIFEST_LIMIT:
        raise FormatError(
            f"{payload.size} bytes in {count} chunks: a list of so many is not read",
            where=str(resolved.reference),
            remedy="The manifest is wrong, or another pe_dvc wrote it: tell the maintainers of the "
            "data.",
        )
    data = _known_list(resolved, expected) or cache.read_sidecar(expected)
    if data is None:
        length = count * DIGEST_BYTES
        data = first_good(store, lambda one: _read_list(resolved, one, expected, length))
        cache.keep_sidecar(expected, data)
    if len(data) != count * DIGEST_BYTES:
        raise FormatError(
            f"the chunk list has {len(data)} bytes, and {count} chunks of {payload.chunk_size} "
            f"bytes need {count * DIGEST_BYTES}",
            where=str(resolved.reference),
            remedy="The manifest is wrong about its own payload: tell the maintainers of the data.",
        )
    return ChunkList(digests=data, size=payload.chunk_size, total=payload.size)


def _known_list(resolved: Resolved, expected: Sha256) -> bytes | None:
    """Return the list of a file in a directory, or of one chunk; None where it must be read."""
    payload = resolved.payload
    implied = implied_chunks(payload.sha256, payload.size, payload.chunk_size)
    if implied is not None and sha256_bytes(implied) == expected:
        return implied
    return payload.chunk_digests


def _read_list(resolved: Resolved, store: ReadableStore, expected: Sha256, length: int) -> bytes:
    key = chunks_key(resolved.payload.country, resolved.sha256)
    # Reading one byte more detects a list that was made longer, whatever its length.
    data = store.read_range(key, 0, length + 1)
    source, what = f"{store.url}/{key}", f"the chunk list of {resolved.reference}"
    check_promised(data, expected, what=what, by="by the manifest", source=source)
    return data


class ChunkFetcher:
    """Fetches chunks of one payload into its partial file. Safe to call from several threads.

    ``find`` tells where the payload is.
    """

    def __init__(
        self,
        resolved: Resolved,
        chunks: ChunkList,
        partial: PartialFile,
        find: Callable[[], PayloadPlace],
    ) -> None:
        self._resolved, self._find = resolved, find
        self._chunks, self._partial = chunks, partial
        self._busy: set[int] = set()
        self._waiting = threading.Condition()

    @cached_property
    def _place(self) -> PayloadPlace:
        """Where the payload is, looked up when the first chunk is missing."""
        return self._find()

    def get(self, first: int, last: int) -> list[bytes]:
        """Return the chunks from ``first`` to before ``last``, verified.

        Missing ones are fetched. If another reader is already fetching one, this waits for it.
        Raises DigestMismatchError naming the bytes that are wrong, NotFoundError and StoreError;
        chunks that verified stay.
        """
        here = {i: data for i in range(first, last) if (data := self._kept(i)) is not None}
        runs = list(_runs([i for i in range(first, last) if i not in here]))
        if len(runs) == 1:
            here.update(self._fetch(*runs[0]))
        elif runs:
            from pe_dvc.primitives.pools import Pool

            with (
                Pool(min(len(runs), REQUESTS_IN_FLIGHT)) as pool,
                CancelScope() as scope,
            ):
                for fetched in pool.map(scope.wrap(self._fetch), *zip(*runs, strict=True)):
                    here.update(fetched)
        return [here[i] for i in range(first, last)]

    def complete(self, first: int, progress: Progress) -> int:
        """Make sure of the ``CHUNKS_PER_REQUEST`` chunks from ``first`` on; return where they end.

        ``progress`` is told of all their bytes.
        """
        last = min(first + CHUNKS_PER_REQUEST, self._chunks.count)
        for run in _runs([i for i in range(first, last) if self._kept(i) is None]):
            self._fetch(*run)
        end = self._chunks.start(last)
        progress(end - self._chunks.start(first))
        return end

    def _kept(self, index: int) -> bytes | None:
        """Return a chunk that is here and verifies, None otherwise."""
        start = self._chunks.start(index)
        data = self._partial.read(start, self._chunks.start(index + 1) - start)
        if data is None or sha256_bytes(data) != self._chunks.digest(index):
            return None
        return data

    def _fetch(self, first: int, last: int) -> dict[int, bytes]:
        start, end = self._chunks.start(first), self._chunks.start(last)
        with self._claimed(range(first, last)), self._partial.fetching(start, end - start):
            # Another holder of the right has probably fetched them.
            found = {i: self._kept(i) for i in range(first, last)}
            for run in _runs([i for i, data in found.items() if data is None]):
                found.update(self._transfer(*run))
        return {i: data for i, data in found.items() if data is not None}

    @contextmanager
    def _claimed(self, indices: range) -> Iterator[None]:
        """Keep other threads from fetching these chunks too: a lock on the file does not."""
        with self._waiting:
            self._waiting.wait_for(lambda: self._busy.isdisjoint(indices))
            self._busy.update(indices)
        try:
            yield
        finally:
            with self._waiting:
                self._busy.difference_update(indices)
                self._waiting.notify_all()

    def _transfer(self, first: int, last: int) -> dict[int, bytes]:
        """Fetch neighbours; of several stores, from the next what one shows wrong."""
        found: dict[int, bytes] = {}

        def transfer(source: ObjectSource) -> None:
            place = self._place.at(source)
            for run in _runs([i for i in range(first, last) if i not in found]):
                self._transfer_run(range(*run), place, found)

        first_good(self._place.source, transfer, key=self._place.key)
        return found

    def _transfer_run(self, run: range, place: PayloadPlace, found: dict[int, bytes]) -> None:
        """Keep what of a run verifies, in ``found`` too; then raise for what does not."""
        start, end = self._chunks.start(run.start), self._chunks.start(run.stop)
        try:
            view = memoryview(place.source.read_range(place.key, start, end - start))
        except NotFoundError:
            raise missing_payload(self._resolved, place) from None
        wrong: DigestMismatchError | None = None
        for index in run:
            chunk_start, chunk_end = self._chunks.start(index), self._chunks.start(index + 1)
            data = bytes(view[chunk_start - start : chunk_end - start])
            try:
                self._check(data, index, place)
            except DigestMismatchError as error:
                wrong = wrong or error
                continue
            self._partial.write(chunk_start, data)
            found[index] = data
        if wrong is not None:
            raise wrong

    def _check(self, data: bytes, index: int, place: PayloadPlace) -> None:
        actual, expected = sha256_bytes(data), self._chunks.digest(index)
        if actual != expected:
            start, end = self._chunks.start(index), self._chunks.start(index + 1)
            raise DigestMismatchError(
                what=f"bytes {start} to {end - 1} of {self._resolved.reference}",
                expected=f"sha256:{expected}",
                actual=f"sha256:{actual} ({len(data)} bytes)",
                source=place.url,
                remedy=place.advice_if_altered,
            )


def _runs(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield neighbours together, ``CHUNKS_PER_REQUEST`` at most, as half-open ranges."""
    at = 0
    while at < len(indices):
        end = at + 1
        while (
            end < len(indices)
            and end - at < CHUNKS_PER_REQUEST
            and indices[end] == indices[end - 1] + 1
        ):
            end += 1
        yield indices[at], indices[end - 1] + 1
        at = end


def missing_payload(resolved: Resolved, place: PayloadPlace) -> NotFoundError:
    """Return the error for a payload that is not where it is read."""
    return NotFoundError(
        f"{resolved.reference}: its payload is missing from {place.url}",
        remedy=place.advice_if_missing,
    )
