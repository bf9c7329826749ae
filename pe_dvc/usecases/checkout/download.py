"""Pull: objects of DVC's from the store into files, verified before anybody sees them.

A dataset is verified by its manifest's sha256. Of what has no manifest (raw inputs, the listings
of directories) DVC's md5 is all there is to go by.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import bare_md5, is_listing
from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Progress, Store

AT_ONCE = 1024 * 1024
"""Bytes up to which an object is read in one piece, into memory."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An object to bring: ``what`` it is in the repo, its ``key``, and what vouches for it.

    ``size`` (bytes) is None where nobody recorded it.
    """

    what: str
    key: str
    md5: str
    sha256: Sha256 | None = None
    size: int | None = None

    @property
    def is_small(self) -> bool:
        """Whether it is read in one piece: a small file, or DVC's listing of a directory."""
        return is_listing(self.md5) or (self.size is not None and self.size <= AT_ONCE)


def read_verified(wanted: Wanted, store: Store) -> bytes:
    """Return a small object's bytes, or a listing's, verified.

    Raises NotFoundError, DigestMismatchError, FormatError (longer than it should be) and
    StoreError.
    """
    limit = LISTING_LIMIT if wanted.size is None else wanted.size
    try:
        data, _ = store.read(wanted.key, limit=limit)
    except NotFoundError:
        raise _missing(wanted, store) from None
    if wanted.sha256 is None:
        _check_md5(wanted, hashlib.md5(data, usedforsecurity=False).hexdigest(), store)
    else:
        _check_sha256(wanted, sha256_bytes(data), store)
    return data


def download_verified(wanted: Wanted, store: Store, path: Path, *, progress: Progress) -> None:
    """Write an object of a known size into ``path``, verified.

    On any error what is in ``path`` is undefined. Raises NotFoundError, DigestMismatchError and
    StoreError.
    """
    try:
        size = store.head(wanted.key).size if wanted.size is None else wanted.size
        actual = store.download(wanted.key, path, size=size, progress=progress)
    except NotFoundError:
        raise _missing(wanted, store) from None
    if wanted.sha256 is not None:
        _check_sha256(wanted, actual, store)
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    _check_md5(wanted, digest.hexdigest(), store)


def _check_sha256(wanted: Wanted, actual: Sha256, store: Store) -> None:
    if actual != wanted.sha256:
        raise _mismatch(wanted, f"sha256:{wanted.sha256}", f"sha256:{actual}", store)


def _check_md5(wanted: Wanted, actual: str, store: Store) -> None:
    expected = bare_md5(wanted.md5)
    if actual != expected:
        raise _mismatch(wanted, f"md5:{expected}", f"md5:{actual}", store)


def _missing(wanted: Wanted, store: Store) -> NotFoundError:
    return NotFoundError(
        f"{wanted.what} is missing from {store.url}/{wanted.key}",
        remedy="Ask the maintainers of the data to run pe-dvc push.",
    )


def _mismatch(wanted: Wanted, expected: str, actual: str, store: Store) -> DigestMismatchError:
    return DigestMismatchError(
        what=wanted.what,
        expected=expected,
        actual=actual,
        source=f"{store.url}/{wanted.key}",
        remedy="The object was altered or damaged in the bucket: tell the maintainers of the "
        "data. Nothing was kept of it.",
    )
