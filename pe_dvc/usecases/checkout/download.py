"""Download DVC's objects into files, verified before they take their final names.

A dataset is verified by its manifest's sha256. Of what has no manifest (raw inputs, the listings
of directories) DVC's md5 is all there is to go by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import bare_md5, is_listing
from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.store.port import SINGLE_REQUEST_MAX_BYTES
from pe_dvc.store.several import first_good
from pe_dvc.usecases.object_digest import md5_bytes, md5_file
from pe_dvc.usecases.progress import Moved

if TYPE_CHECKING:
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectSource, Progress
    from pe_dvc.usecases.payload_place import PayloadPlace


@dataclass(frozen=True, kw_only=True)
class ObjectRequest:
    """An object to download: ``what`` it is in the repo, where it is, and its digests.

    ``size`` (bytes) is None where it was not recorded.
    """

    what: str
    place: PayloadPlace
    md5: str
    sha256: Sha256 | None = None
    size: int | None = None

    @property
    def is_small(self) -> bool:
        """Whether it is read in one piece: a small file, or DVC's listing of a directory."""
        if is_listing(self.md5):
            return True
        return self.size is not None and self.size <= SINGLE_REQUEST_MAX_BYTES


def read_verified(request: ObjectRequest) -> bytes:
    """Return a small object's bytes, or a listing's, verified.

    Raises NotFoundError, DigestMismatchError, FormatError (longer than it should be) and
    StoreError.
    """
    return first_good(request.place.source, lambda one: _read(_at(request, one)))


def _at(request: ObjectRequest, source: ObjectSource) -> ObjectRequest:
    return replace(request, place=request.place.at(source))


def _read(request: ObjectRequest) -> bytes:
    limit = LISTING_LIMIT if request.size is None else request.size
    try:
        data, _ = request.place.source.read(request.place.key, limit=limit)
    except NotFoundError:
        raise _missing(request) from None
    if request.sha256 is None:
        _check_md5(request, md5_bytes(data))
    else:
        _check_sha256(request, sha256_bytes(data))
    return data


def download_verified(request: ObjectRequest, target: OpenFile, *, progress: Progress) -> None:
    """Write an object of a known size into ``target``, verified.

    On any error what is in ``target`` is undefined. Raises NotFoundError, DigestMismatchError and
    StoreError.
    """
    moved = Moved(progress)
    first_good(
        request.place.source, lambda one: _download(_at(request, one), target, moved.again())
    )


def _download(request: ObjectRequest, target: OpenFile, progress: Progress) -> None:
    source, key = request.place.source, request.place.key
    try:
        size = source.head(key).size if request.size is None else request.size
        actual = source.download(key, target, size=size, progress=progress)
    except NotFoundError:
        raise _missing(request) from None
    if request.sha256 is not None:
        _check_sha256(request, actual)
        return
    with target.reader() as file:
        _check_md5(request, md5_file(file))


def _check_sha256(request: ObjectRequest, actual: Sha256) -> None:
    if actual != request.sha256:
        raise _mismatch(request, f"sha256:{request.sha256}", f"sha256:{actual}")


def _check_md5(request: ObjectRequest, actual: str) -> None:
    expected = bare_md5(request.md5)
    if actual != expected:
        raise _mismatch(request, f"md5:{expected}", f"md5:{actual}")


def _missing(request: ObjectRequest) -> NotFoundError:
    return NotFoundError(
        f"{request.what} is missing from {request.place.url}",
        remedy=request.place.advice_if_missing,
    )


def _mismatch(request: ObjectRequest, expected: str, actual: str) -> DigestMismatchError:
    return DigestMismatchError(
        what=request.what,
        expected=expected,
        actual=actual,
        source=request.place.url,
        remedy=f"{request.place.advice_if_altered} It was not kept.",
    )
