"""What every store checks alike: the form of a key, and the length of what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DigestMismatchError, FormatError

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256

PRIVATE_PART = ".pe_dvc"
"""The first part of keys that a store keeps for itself; no object can be written there."""

_NO_PARTS = frozenset(("", ".", ".."))


def check_key(key: str) -> str:
    """Return ``key`` if it can name an object in every store. Raises FormatError.

    Parts are joined by ``/``; none is empty, ``.`` or ``..``; no backslash, no control character.
    """
    parts = key.split("/")
    if not _NO_PARTS.isdisjoint(parts) or parts[0] == PRIVATE_PART:
        reason = "empty, '.', '..' and a leading '.pe_dvc' are no parts of a key"
    elif "\\" in key or not key.isprintable():
        reason = "a key holds neither backslashes nor control characters"
    else:
        return key
    raise FormatError(
        f"{key!r} is not an object's key: {reason}; expected the form of us/4e/4e92.manifest.json"
    )


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` without its trailing slash; the empty one means the whole store."""
    bare = prefix.removesuffix("/")
    return check_key(bare) if bare else ""


def check_length(key: str, *, expected: int, actual: int, source: str) -> None:
    """Raise DigestMismatchError if an object is not of the length promised for it (bytes)."""
    if actual != expected:
        raise DigestMismatchError(
            what=f"the length of {key}",
            expected=f"{expected} bytes",
            actual=f"{actual} bytes",
            source=source,
        )


def check_upload(key: str, *, expected: Sha256 | None, actual: Sha256, source: str) -> None:
    """Raise DigestMismatchError if a file to upload is not of the digest promised for it."""
    if expected is not None and actual != expected:
        raise DigestMismatchError(
            what=f"the file to upload as {key}",
            expected=f"sha256 {expected}",
            actual=f"sha256 {actual}",
            source=source,
            remedy="The file changed since it was hashed: run `dvc repro` or `dvc status` on it.",
        )


def too_long(key: str, *, limit: int, source: str) -> FormatError:
    """Return the error for an object of more than ``limit`` bytes."""
    return FormatError(f"expected at most {limit} bytes, got more", where=f"{source}/{key}")
