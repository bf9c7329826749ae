"""The part of an artifact that is here so far: a sparse file of the artifact's full size.

No index says what is in it: a hole has not been written, and anything else is believed only once
its reader has checked its digest. So no crash can leave an index that lies, and any
number of processes may write the same verified bytes at once.
"""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Self

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.atomic_write import OpenFile
from pe_dvc.store.confined import OPEN_OR_MAKE
from pe_dvc.store.disk import writing_to
from pe_dvc.store.file_ranges import BLOCK, hash_range, write_at
from pe_dvc.store.locks import courteous_range

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from typing_extensions import Buffer

    from pe_dvc.store.confined import ConfinedTree


FETCH_PATIENCE = 20.0
"""Seconds to wait for another process that fetches the same bytes: twice a silent server's."""


class PartialFile:
    """A partial file, open. Offsets and lengths are in bytes. Close it, or use it as a context."""

    def __init__(self, files: ConfinedTree, path: str, size: int) -> None:
        self.path, self.size = files.root / path, size
        self._descriptor = files.open_file(path, OPEN_OR_MAKE)
        try:
            self._prepare(os.fstat(self._descriptor))
        except BaseException:
            self.close()
            raise

    def _prepare(self, found: os.stat_result) -> None:
        if found.st_nlink > 1:  # what is written here would be written to another file
            raise FormatError(
                "is another file, too: it has a second name (a hard link)",
                where=str(self.path),
                remedy="Remove it: it is downloaded again.",
            )
        if found.st_size != self.size:
            with writing_to(self.path):
                os.ftruncate(self._descriptor, self.size)

    @property
    def file(self) -> OpenFile:
        """The file, for a download into it."""
        return OpenFile(self.path, self._descriptor)

    def is_empty(self) -> bool:
        """Tell whether nothing was written yet."""
        try:
            os.lseek(self._descriptor, 0, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return True
            raise
        return False

    def read(self, start: int, length: int) -> bytes | None:
        """Return what was written there, None if there is a hole. The bytes are not verified."""
        try:
            hole = os.lseek(self._descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # the file was cut short
                return None
            raise
        data = os.pread(self._descriptor, length, start) if hole >= start + length else b""
        return data if len(data) == length else None

    def write(self, start: int, data: Buffer) -> None:
        """Write verified bytes."""
        with writing_to(self.path):
            write_at(self._descriptor, data, start)

    def fetching(self, start: int, length: int) -> AbstractContextManager[None]:
        """Within, others that want this range wait for it, for ``FETCH_PATIENCE`` seconds."""
        return courteous_range(self._descriptor, start, length, patience=FETCH_PATIENCE)

    def sha256(self, ready: Iterable[int]) -> Sha256:
        """Return the digest of the whole, following ``ready``, which yields how far it is there.

        The bytes are read back from the file: what is hashed is what the file holds.
        """
        digest, position = hashlib.sha256(), 0
        block = memoryview(bytearray(BLOCK))
        for end in ready:
            position = hash_range(digest, self._descriptor, position, end, block)
        return Sha256(digest.hexdigest())

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
