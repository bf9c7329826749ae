"""Copies objects from one store to another, each held against its digest on the way.

An etag is never asked: only a digest that a signed manifest or DVC names decides.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    StoreError,
    VerificationError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.port import SINGLE_REQUEST_MAX_BYTES
from pe_dvc.usecases.mirror.wanted import Lacking
from pe_dvc.usecases.object_digest import blocks_of, md5_bytes
from pe_dvc.usecases.parallel import TRANSFERS, run_all, transfer_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.store.batch import BatchWriter
    from pe_dvc.store.port import Progress, Store
    from pe_dvc.usecases.mirror.wanted import Wanted

log = logging.getLogger(__name__)

LARGE_AT_ONCE = 4
"""Large objects under way at once."""
BLOCKS_AHEAD = 8
"""Blocks that are read ahead of what is written, of all large objects together: 32 MiB."""
SERVER_COPIES = 8
"""Copies that a server is asked for at once."""


class ServerCopy(Protocol):
    """Has a server copy objects, whose bytes then do not pass this machine."""

    def copy(self, key: str, size: int, *, algorithm: str, digest: str) -> str:
        """Copy an object of so many bytes if they have ``digest`` (hex); return which they have.

        What has another one is not visible at any moment. Raises StoreError where it cannot copy.
        """
        ...

    def prepare(self) -> None:
        """Remove what killed processes left. Raises StoreError where it cannot copy at all."""
        ...


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
        self._each(self._copy_small, small, TRANSFERS, progress)
        if self._server is not None and large:
            large = self._copied_by(self._server, large, progress)
        at_once = min(LARGE_AT_ONCE, len(large))
        self._each(
            partial(self._copy_large, BLOCKS_AHEAD // max(at_once, 1)), large, at_once, progress
        )
        return self.done

    def _each(
        self,
        copy: Callable[[BatchWriter, Wanted, Progress], None],
        wanted: Sequence[Wanted],
        at_once: int,
        progress: Progress,
    ) -> None:
        if wanted:
            with self._mirror.batch() as batch, Pool(at_once) as pool:
                transfer_all(pool, partial(self._try, partial(copy, batch), progress), wanted)

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

    def _copy_small(self, batch: BatchWriter, one: Wanted, progress: Progress) -> None:
        data = one.data
        if data is None:
            data, _ = self._origin.read(one.key, limit=one.size)
        actual = sha256_bytes(data) if one.algorithm == "sha256" else md5_bytes(data)
        check_digest(one, actual, self._origin)
        batch.write_blocks(one.key, [data], size=len(data))
        progress(one.size)

    def _copy_large(self, ahead: int, batch: BatchWriter, one: Wanted, progress: Progress) -> None:
        # Ranges arrive in any order in a file; their sha256 is computed on the way, and no other.
        filling = batch.filling(one.key) if one.algorithm == "sha256" else None
        if filling is None:
            batch.write_blocks(one.key, self._checked(one, ahead, progress), size=one.size)
            return
        with filling as file:
            actual = self._origin.download(one.key, file, size=one.size, progress=progress)
            check_digest(one, actual, self._origin)

    def _checked(self, one: Wanted, ahead: int, progress: Progress) -> Iterator[bytes]:
        """Yield the origin's bytes; end in DigestMismatchError if they were not those wanted."""
        digest = hashlib.new(one.algorithm, usedforsecurity=False)
        for block in blocks_of(self._origin, one.key, one.size, ahead=ahead):
            digest.update(block)
            yield block
            progress(len(block))
        check_digest(one, digest.hexdigest(), self._origin)

    def _copied_by(
        self, server: ServerCopy, wanted: Sequence[Wanted], progress: Progress
    ) -> list[Wanted]:
        """Have the server copy what it can; return what it cannot."""
        refused: list[Wanted] = []

        def copy(one: Wanted, progress: Progress) -> None:
            actual = server.copy(one.key, one.size, algorithm=one.algorithm, digest=one.digest)
            check_digest(one, actual, self._origin)
            self.done.by_server.append(one.key)
            progress(one.size)

        def attempt(one: Wanted) -> None:
            try:
                self._try(copy, progress, one)
            except StoreError as error:
                log.info("%s passes this machine: %s", one.key, error.message)
                refused.append(one)

        with Pool(SERVER_COPIES) as pool:
            run_all(pool, attempt, wanted)
        return refused


def check_digest(one: Wanted, actual: str, store: Store) -> None:
    """Raise DigestMismatchError unless an object's bytes are those that are wanted."""
    if actual != one.digest:
        raise DigestMismatchError(
            what=one.what,
            expected=f"{one.algorithm}:{one.digest}",
            actual=f"{one.algorithm}:{actual}",
            source=f"{store.url}/{one.key}",
        )
