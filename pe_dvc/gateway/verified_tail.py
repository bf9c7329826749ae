"""The last bytes of a file in the bucket, as its signed manifest has them: verified by chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.primitives.digest import CHUNK_SIZE, DIGEST_BYTES, check_promised
from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from pe_dvc.gateway.described import Content
    from pe_dvc.store.port import ReadableStore

WHOLE = 4 * CHUNK_SIZE
"""Bytes of a file that is read whole: those in directories have no chunks then."""


def verified_tail(store: ReadableStore, sha256: str, content: Content, length: int) -> bytes:
    """Return at least the last ``length`` bytes of a file, or all.

    Raises DigestMismatchError for bytes that no one signed, NotFoundError and StoreError.
    """
    what = f"the end of {content.name}"
    if content.size <= WHOLE:
        data = store.read_range(content.key, 0, content.size)
        check_promised(data, sha256, what=what, source=content.key)
        return data
    size, digests = _chunks(store, content)
    first = max(content.size - length, 0) // size
    data = store.read_range(content.key, first * size, content.size - first * size)
    for index in range(first, -(-content.size // size)):
        at = (index - first) * size
        promised = digests[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES].hex()
        check_promised(data[at : at + size], promised, what=what, source=content.key)
    return data


def _chunks(store: ReadableStore, content: Content) -> tuple[int, bytes]:
    """Return the size of a chunk and the digests of all. Raises NotFoundError without any."""
    if content.chunks is not None:
        return content.chunks
    artifact = content.manifest.artifact if content.manifest else None
    if artifact is None or artifact.chunks is None:
        raise NotFoundError(f"{content.name} has no list of chunks")
    key = artifact.parts_key
    data, _ = store.read(key, limit=MANIFEST_LIMIT)
    check_promised(data, artifact.parts_sha256, what="the list of chunks", source=key)
    return artifact.chunks.size, data
