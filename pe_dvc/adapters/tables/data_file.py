"""A file that is to be described or read, and what every reader of a format does with one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.disclosure import GATED, Disclosure
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.sizes import bytes_text
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from numpy.typing import NDArray

Batch = list["NDArray[Any]"]

MAX_EXPANSION = 200
"""How many bytes a byte of a file may stand for: more than compression makes of real data."""
MAX_UNCHECKED = 1024**3
"""Bytes that a file may stand for whatever its size is."""


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file: ``label`` is what messages call it, ``rule`` what they may say of its values."""

    path: Path
    label: str
    rule: Disclosure = GATED
    hints: Hints = field(default_factory=Hints)

    @contextmanager
    def open(self) -> Iterator[FileIO]:
        """Open it to be read. Raises NotFoundError, FormatError for what is no file, OSError."""
        try:
            file = open_to_read(self.path)
        except FileNotFoundError:
            raise self.missing() from None
        with file:
            yield file

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.path.stat().st_size

    def missing(self) -> NotFoundError:
        """Return the error of a file that is not there."""
        return NotFoundError(f"{self.label} is not there", remedy="Run `dvc pull` or `dvc repro`.")

    def incomplete(self, what: str, error: BaseException) -> FormatError:
        """Return the error of a file that its library cannot read."""
        return FormatError(
            f"is not a complete {what}: {self.rule.reason(error)}",
            where=self.label,
            remedy="Build it again with `dvc repro`, or `dvc pull` it.",
        )

    def cut_short(self, what: str, reason: str) -> FormatError:
        """Return the same error, for what we found ourselves."""
        return FormatError(
            f"is not a complete {what}: {reason}",
            where=self.label,
            remedy="Build it again with `dvc repro`, or `dvc pull` it.",
        )

    def check_expansion(self, claimed: int) -> None:
        """Refuse to read what claims to be far more bytes than the file can hold.

        Raises FormatError: a small file must not keep a machine busy for days.
        """
        if claimed > max(MAX_UNCHECKED, self.size * MAX_EXPANSION):
            raise FormatError(
                f"claims to hold {bytes_text(claimed)} in a file of {bytes_text(self.size)}",
                where=self.label,
                remedy="No real data is compressed so far: look at what builds the file.",
            )
