"""Copies objects from one store to another, each held against its digest on the way.

An etag is never asked: only a digest that a signed manifest or DVC names decides.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    StoreError,
    VerificationError,
)
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.usecases.mirror.wanted import Lacking
from pe_dvc.usecases.object_digest import md5_bytes, md5_file, object_digest
from pe_dvc.usecases.parallel import SINGLE_REQUEST_MAX_BYTES, TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.store.port import Progress, Store
    from pe_dvc.usecases.mirror.wanted import Wanted

log = logging.getLogger(__name__)

LARGE_AT_ONCE = 4
"""Large objects under way at once: each is moved in many parts, and takes room in between."""

ServerCopy = Callable[[str, int], "Sha256 | None"]
"""Has the server copy an object of so many bytes, and returns the sha256 that it computed of the
copy; None if it does not say. Raises StoreError, NotFoundError."""


@dataclass(kw_only=True)
class Copied:
    """What was copied, and what could not be since the origin has it not.

    ``by_server`` are the keys of what did not pass this machine.
    """

    objects: list[Wanted] = field(default_factory=list)
    by_server: list[str] = field(default_factory=list)
    lacking: list[Lacking] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Bytes that were copied."""
        return sum(one.size for one in self.objects)


class Copier:
    """Copies from ``origin`` to ``mirror``, by ``server`` where that can."""

    def __init__(self, origin: Store, mirror: Store, server: ServerCopy | None = None) -> None:
        self._origin, self._mirror, self._server = origin, mirror, server
        self.done = Copied()

    def copy_all(self, wanted: Sequence[Wanted], progress: Progress) -> Copied:
        """Copy objects, many at once. Raises StoreError for the first that cannot be written.

        What the origin lacks, or holds altered, is told of, and the others are copied.
        """
        small = [one for one in wanted if one.size <= SINGLE_REQUEST_MAX_BYTES]
        large = [one for one in wanted if one.size > SINGLE_REQUEST_MAX_BYTES]
        with ThreadPoolExecutor(TRANSFERS) as pool:
            run_all(pool, partial(self._try, self._copy_small, progress), small)
        with scratch_directory() as scratch, ThreadPoolExecutor(LARGE_AT_ONCE) as pool:
            run_all(pool, partial(self._try, partial(self._copy_large, scratch), progress), large)
        return self.done

    def _try(
        self, copy: Callable[[Wanted, Progress], None], progress: Progress, one: Wanted
    ) -> None:
        try:
            copy(one, progress)
        except (VerificationError, NotFoundError, FormatError) as error:
            self.done.lacking.append(
                Lacking(
                    key=one.key, what=one.what, detail=error.message, is_promised=one.is_promised
                )
            )
        else:
            self.done.objects.append(one)

    def _copy_small(self, one: Wanted, progress: Progress) -> None:
        data, _ = self._origin.read(one.key, limit=one.size)
        actual = sha256_bytes(data) if one.algorithm == "sha256" else md5_bytes(data)
        check_digest(one, actual, self._origin)
        try:
            self._mirror.create(one.key, data)
        except ConflictError:  # of another size, or altered
            self._mirror.overwrite(one.key, data)
        progress(one.size)

    def _copy_large(self, scratch: Path, one: Wanted, progress: Progress) -> None:
        if self._server is not None and self._copied_by_server(self._server, one):
            progress(one.size)
            return
        file = scratch / hashlib.sha256(one.key.encode()).hexdigest()
        try:
            sha256 = self._origin.download(one.key, file, size=one.size, progress=progress)
            with file.open("rb") as copied:
                actual = sha256 if one.algorithm == "sha256" else md5_file(copied)
            check_digest(one, actual, self._origin)
            self._mirror.upload(one.key, file, sha256=sha256)
        finally:
            file.unlink(missing_ok=True)

    def _copied_by_server(self, server: ServerCopy, one: Wanted) -> bool:
        """Copy without the bytes passing here, if the server can; return whether it did.

        The digest is what the server computed of the copy, else of the copy as it is read back.
        """
        try:
            said = server(one.key, one.size)
        except StoreError as error:
            log.info("%s passes this machine: %s", one.key, error.message)
            return False
        try:
            by_server = said if one.algorithm == "sha256" else None
            check_digest(one, by_server or hash_object(self._mirror, one), self._origin)
        except DigestMismatchError:
            self._mirror.delete([one.key])
            raise
        self.done.by_server.append(one.key)
        return True


def hash_object(store: Store, one: Wanted, progress: Progress | None = None) -> str:
    """Return the digest of an object as a store holds it."""
    return object_digest(store, one.key, one.size, algorithm=one.algorithm, progress=progress)


def check_digest(one: Wanted, actual: str, store: Store) -> None:
    """Raise DigestMismatchError unless an object's bytes are those that are wanted."""
    if actual != one.digest:
        raise DigestMismatchError(
            what=one.what,
            expected=f"{one.algorithm}:{one.digest}",
            actual=f"{one.algorithm}:{actual}",
            source=f"{store.url}/{one.key}",
        )
