"""The local cache: verified artifacts and manifests, by sha256, for a user or a group.

``cache_directory`` has the layout, ``slot`` how an artifact gets in, ``eviction`` how it goes.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.primitives.digest import Sha256, check_sha256, sha256_bytes
from pe_dvc.store.cache_directory import CacheDirectory, files_below
from pe_dvc.store.disk import unless_read_only
from pe_dvc.store.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cache(CacheDirectory):
    """A directory of verified files. Safe for concurrent threads and processes.

    ``limit`` is what it may take, in bytes: the least recently used artifacts make room.
    """

    def slot(self, sha256: Sha256, size: int, suffix: str, *, reserve: bool = True) -> Slot:
        """Return the place of an artifact of ``size`` bytes, whether it is here or not.

        ``suffix`` is that of its path (``cached_suffix``). Without ``reserve``, for a size that
        is not signed, others make room only once the artifact is here and verified. Raises
        FormatError for what is no sha256.
        """
        return Slot(self, check_sha256(sha256), size, suffix, reserve=reserve)

    def read_manifest(self, sha256: Sha256) -> bytes | None:
        """Return the manifest whose bytes have that sha256, None if it is not here.

        A file that was altered since is not returned.
        """
        return self._read_document("manifests", sha256, ".json")

    def keep_manifest(self, sha256: Sha256, data: bytes) -> None:
        """Keep a manifest that has that sha256, whether or not it was signed."""
        self._keep_document("manifests", sha256, ".json", data)

    def manifests_naming(self, sha256: Sha256) -> Iterator[bytes]:
        """Return the manifests here, unaltered, that hold a digest anywhere; the newest first.

        Reads them all: some milliseconds for a hundred.
        """
        return (data for _, data in self.manifests(holding=sha256.encode()))

    def manifests(self, *, holding: bytes = b"") -> Iterator[tuple[Sha256, bytes]]:
        """Yield the manifests here, unaltered, each with the sha256 of its bytes; the newest first.

        Only those that hold these bytes, which is asked before they are hashed.
        """
        found = list(files_below(self, "manifests", ".json"))
        for path, _ in sorted(found, key=lambda each: each[1].st_mtime, reverse=True):
            with suppress(FileNotFoundError):  # it was removed meanwhile
                data = self.files.read(path)
                name = posixpath.splitext(path)[0][-64:]
                if holding in data and (sha256 := sha256_bytes(data)) == name:
                    yield sha256, data

    def remove_document(self, sha256: Sha256) -> int:
        """Remove the manifest and the sidecar of that sha256; return how many there were."""
        count = 0
        for kind, suffix in (("manifests", ".json"), ("chunks", ".chunks")):
            with suppress(FileNotFoundError):
                self.files.unlink(self._document_path(kind, sha256, suffix))
                count += 1
        return count

    def read_sidecar(self, sha256: Sha256) -> bytes | None:
        """Return the list of chunks or files whose bytes have that sha256, None if not here."""
        return self._read_document("chunks", sha256, ".chunks")

    def keep_sidecar(self, sha256: Sha256, data: bytes) -> None:
        """Keep a list of chunks or files that has that sha256."""
        self._keep_document("chunks", sha256, ".chunks", data)

    def remove_sidecar(self, sha256: Sha256) -> None:
        """Remove a list of chunks or files, or another sidecar, if it is here."""
        with suppress(FileNotFoundError):
            self.files.unlink(self._document_path("chunks", sha256, ".chunks"))

    @staticmethod
    def _document_path(kind: str, sha256: Sha256, suffix: str) -> str:
        return f"{kind}/{check_sha256(sha256)[:2]}/{sha256}{suffix}"

    def _read_document(self, kind: str, sha256: Sha256, suffix: str) -> bytes | None:
        try:
            data = self.files.read(self._document_path(kind, sha256, suffix), limit=LISTING_LIMIT)
        except FileNotFoundError:
            return None
        return data if sha256_bytes(data) == sha256 else None

    def _keep_document(self, kind: str, sha256: Sha256, suffix: str, data: bytes) -> None:
        with unless_read_only():
            self.write(self._document_path(kind, sha256, suffix), data)


def cached_suffix(path: str) -> str:
    """Return the suffix that a cached copy of ``path`` keeps, such as ``.parquet``."""
    suffix = posixpath.splitext(path)[1]
    return suffix if suffix.isascii() and suffix[1:].isalnum() else ""
