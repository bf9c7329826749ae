"""Many objects written to a store, which are safe there once the last one is."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from pe_dvc.store.atomic_write import OpenFile


class BatchWriter(Protocol):
    """What ``Store.batch`` gives: writes objects, whatever was there. Safe for threads."""

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """Write an object of ``size`` bytes that come in blocks.

        As ``Store.write_blocks``, but that the object may appear later, at the end of the batch.
        """
        ...

    def filling(self, key: str) -> AbstractContextManager[OpenFile] | None:
        """Open a file, to be filled in any order, that becomes the object; as ``write_blocks``.

        What is raised within comes out, and what was there before stays. None where objects are no
        files.
        """
        ...


class OneByOne:
    """Of a store that has each object safe as soon as it is written, and is its own batch."""

    def batch(self: BatchWriter) -> AbstractContextManager[BatchWriter]:
        """See Store.batch."""
        return nullcontext(self)

    def filling(self, key: str) -> None:
        """See BatchWriter.filling."""
        return
