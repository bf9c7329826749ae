"""The store: the few operations that pe_dvc needs of a bucket.

Keys are relative to the store's root, with forward slashes. Every backend raises NotFoundError,
ConflictError, StorePermissionError and StoreUnavailableError, and nothing of its library's own;
all are held to one contract (``tests/adapters/stores/test_store_contract.py``). Implementations
are safe to call from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.batch import BatchWriter

Progress = Callable[[int], None]
"""Called with the number of bytes moved since the last call, from any thread."""

SINGLE_REQUEST_MAX_BYTES = 1024 * 1024
"""Bytes up to which an object is read by one request, into memory."""

UPLOAD_MEMORY = 128 * 1024 * 1024
"""Bytes that the upload of a file holds in memory, at most, but for the largest of files."""


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """An object of the store: its key, its size in bytes and its etag.

    An etag is opaque and changes whenever the bytes do; it is good for nothing but to be compared
    on the same store, and what a list told of an object with what another list tells: Google's
    and Azure's lists tell less. ``modified`` is when the object was written, in UTC by the store's
    clock; None from the operations that write. ``versioned`` tells of a bucket of S3 that
    keeps what is overwritten or removed; a generation of Google's is no sign of it.
    """

    key: str
    size: int
    etag: str
    modified: datetime | None = field(default=None, compare=False)
    versioned: bool = field(default=False, compare=False)


class ObjectSource(Protocol):
    """Where an object's bytes are read from: a store, or a place elsewhere that has payloads."""

    @property
    def url(self) -> str:
        """The store's address, for messages: never with credentials in it."""
        ...

    def head(self, key: str) -> ObjectInfo:
        """Return what is known of an object. Raises NotFoundError."""
        ...

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """Return an object's bytes, of which at most ``limit`` + 1 are ever transferred.

        Raises NotFoundError, and FormatError for an object of more than ``limit`` bytes.
        """
        ...

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return ``length`` bytes from offset ``start``, fewer only at the object's end.

        Raises NotFoundError.
        """
        ...

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """Write an object's first ``size`` bytes into the file ``path``; return their sha256.

        ``path`` is created, or is open already, and holds nothing else afterwards; on any error
        what is in it is undefined. The digest is computed while the transfer runs. An object
        shorter or longer than ``size`` raises DigestMismatchError (its ``what`` says so). Raises
        NotFoundError.
        """
        ...


class ReadableStore(ObjectSource, Protocol):
    """A bucket, a directory or a dictionary to read from: all that readers ask for."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys start with ``prefix`` (a whole path part), in key order."""
        ...


class Store(ReadableStore, Protocol):
    """A store to write to as well."""

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Write an object that does not exist yet (S3: ``If-None-Match: *``).

        Of many writers of one key exactly one succeeds. Raises ConflictError for the others,
        and for an object that already exists, even with the same bytes.
        """
        ...

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        """Replace the object whose etag is ``etag``; None means that there is none yet.

        Raises ConflictError if the object is no longer, or not yet, of that etag.
        """
        ...

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        """Write an object whatever was there: only for copies that nothing verifies."""
        ...

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        """Write a local file as an object, in one streaming pass, and return its sha256.

        The object appears whole or not at all. With ``sha256`` given, bytes of another digest
        never become visible under ``key``: DigestMismatchError. What arrived is checked by the
        store's own checksum where it has one. Replaces an object that is already there.
        """
        ...

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """Write an object of ``size`` bytes that come in blocks, whatever was there.

        It appears whole or not at all, and only once ``blocks`` has ended: what that raises, after
        its last block too, comes out of here, and what was there before stays.
        """
        ...

    def batch(self) -> AbstractContextManager[BatchWriter]:
        """Write many objects, by what this gives; they are safe once it ended.

        Each appears whole or not at all, at the end at the latest. After an exception within, some
        of them may not be there.
        """
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that do not exist are no error.

        Each is tried, whatever became of the others. Raises StoreError for one key, and
        NotDeletedError if some of several remain.
        """
        ...

    def purge(self, keys: Iterable[str]) -> None:
        """Remove objects with all versions that the bucket keeps of them, as ``delete`` does.

        An object whose versions cannot be listed or removed is among the failures. Google's and
        Azure's buckets may keep what a rule of theirs says.
        """
        ...


def head_if_there(store: ObjectSource, key: str) -> ObjectInfo | None:
    """Return what the store says of an object, None where it has none. Raises StoreError."""
    try:
        return store.head(key)
    except NotFoundError:
        return None


def bucket_url(scheme: str, bucket: str, prefix: str) -> str:
    """Return the address of a bucket, by which readers also keep what they verified of it."""
    return f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
