"""A local file as an object of a bucket: in one request, in parts, or the rest of its parts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from pe_dvc.adapters.stores.os_errors import translate_os_errors
from pe_dvc.adapters.stores.parallel_file import hashed_blocks
from pe_dvc.adapters.stores.upload_parts import PART_SIZE, RESUMED_FROM, part_size
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, StoreUnavailableError
from pe_dvc.store.checks import check_upload
from pe_dvc.store.plain_files import read_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.adapters.stores.s3_listing import S3Listing
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import Progress

log = logging.getLogger(__name__)


class Send(Protocol):
    """Puts a body, which is whole or comes in blocks, as an object, in parts of so many bytes."""

    def __call__(self, key: str, body: bytes | Iterator[bytes], part_size: int) -> None:
        """Raise StoreError if it does not arrive."""


class SendBlocks(Protocol):
    """Puts a body that comes in blocks, and is longer than a part, as an object."""

    def __call__(self, key: str, body: Iterator[bytes], part_size: int) -> None:
        """Raise StoreError if it does not arrive."""


def upload_file(
    key: str,
    path: Path,
    *,
    sha256: Sha256 | None,
    progress: Progress | None,
    send: Send,
    s3: S3Listing | None,
    send_and_keep: SendBlocks,
) -> Sha256:
    """Write a file as an object by ``send``, and return its sha256; as ``Store.upload``.

    In the bucket ``s3`` a large one continues an upload that did not end, and is else sent by
    ``send_and_keep``, of which something stays to continue if it fails.
    """
    with translate_os_errors("upload", str(path)):
        size = path.stat().st_size
    part = part_size(size, what=str(path))
    if size <= part:  # no multipart upload, which costs two requests more
        with translate_os_errors("upload", str(path)):
            data = read_plain(path)
        digest = sha256_bytes(data)
        check_upload(key, expected=sha256, actual=digest, source=str(path))
        send(key, data, PART_SIZE)
        if progress is not None:
            progress(len(data))
        return digest
    digests: list[Sha256] = []

    def check(actual: Sha256) -> None:
        check_upload(key, expected=sha256, actual=actual, source=str(path))
        digests.append(actual)

    if s3 is None or size < RESUMED_FROM or not s3.may_continue:
        send(key, hashed_blocks(path, PART_SIZE, check=check, progress=progress), part)
        return digests[0]
    shown = _Furthest(progress)

    def blocks(length: int) -> Iterator[bytes]:
        shown.begin()
        return hashed_blocks(path, length, check=check, progress=shown)

    if not _continued(s3, key, size, part, blocks):
        _send_afresh(key, part, blocks, send_and_keep)
    return digests[-1]


def _continued(
    s3: S3Listing, key: str, size: int, part: int, blocks: Callable[[int], Iterator[bytes]]
) -> bool:
    """Complete an upload that did not end, if there is one; tell whether the object is written."""
    from pe_dvc.adapters.stores.resumed_upload import CannotContinueError, ResumedUpload

    found = ResumedUpload.find(s3, key, size, part)
    if found is None:
        return False
    try:
        found.complete(blocks(part), part)
    except CannotContinueError as error:
        log.info("upload %s from its beginning: %s", key, error)
        return False
    return True


def _send_afresh(
    key: str, part: int, blocks: Callable[[int], Iterator[bytes]], send: SendBlocks
) -> None:
    try:
        send(key, blocks(PART_SIZE), part)
    except (NotFoundError, StoreUnavailableError) as error:
        # Another push found this upload unfinished, went on with it, and was first.
        if not isinstance(error, NotFoundError) and "InvalidPart" not in error.message:
            raise
        log.info("upload %s again: another push continued its upload", key)
        send(key, blocks(PART_SIZE), part)


class _Furthest:
    """Reports progress once, though a file is read again from its beginning."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._at, self._furthest = progress, 0, 0

    def begin(self) -> None:
        self._at = 0

    def __call__(self, count: int) -> None:
        self._at += count
        further = self._at - self._furthest
        if further > 0:
            self._furthest = self._at
            if self._progress is not None:
                self._progress(further)
