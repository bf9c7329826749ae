"""sha256 digests: what pe_dvc means by the identity of bytes (FIPS 180-4)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NewType

from pe_dvc.primitives.errors import DigestMismatchError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""

CHUNK_SIZE = 1024 * 1024
"""Bytes of payload that one entry of a chunk list covers (1 MiB); the last may be shorter."""

DIGEST_BYTES = 32
"""Bytes of a sha256 in a chunk list."""

ALTERED = "The bucket was altered or damaged: tell the maintainers of the data."
"""What a reader can do about bytes of the bucket that are not those that were promised."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_sha256(text: str, *, where: str | None = None) -> Sha256:
    """Return ``text`` if it is a sha256 in lower-case hex, else raise FormatError."""
    if not _SHA256.fullmatch(text):
        raise FormatError(
            f"{text!r} is not a sha256: expected 64 lower-case hexadecimal digits", where=where
        )
    return Sha256(text)


def sha256_bytes(data: Buffer) -> Sha256:
    """Return the sha256 of ``data``."""
    return Sha256(hashlib.sha256(data).hexdigest())


def check_promised(
    data: Buffer, expected: Sha256 | str, *, what: str, source: str, by: str | None = None
) -> None:
    """Raise DigestMismatchError unless ``expected`` is the sha256 of what a bucket gave.

    ``by`` says who promised it, such as ``signed``; ``source`` where the bytes are from.
    """
    actual = sha256_bytes(data)
    if actual != expected:
        raise DigestMismatchError(
            what=what,
            expected=f"sha256:{expected} ({by})" if by else f"sha256:{expected}",
            actual=f"sha256:{actual}",
            source=source,
            remedy=ALTERED,
        )


def implied_chunks(sha256: str, size: int, chunk_size: int) -> bytes | None:
    """Return the chunk list of bytes that are one chunk at most, None of more than one.

    The digest of the whole is that of its only chunk, so such a list need not lie anywhere.
    """
    if size > chunk_size:
        return None
    return bytes.fromhex(sha256) if size else b""


def chunk_digests(data: Iterable[Buffer]) -> bytes:
    """Return the sha256 of each ``CHUNK_SIZE`` bytes of ``data``, 32 bytes each, in order.

    The blocks of ``data`` may be of any size that is a multiple of ``CHUNK_SIZE``, but for
    the last. No data gives no digests.
    """
    digests = bytearray()
    for block in data:
        view = memoryview(block)
        for start in range(0, len(view), CHUNK_SIZE):
            digests += hashlib.sha256(view[start : start + CHUNK_SIZE]).digest()
    return bytes(digests)
