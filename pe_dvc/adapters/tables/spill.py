"""Numbers that are put aside in a file, so that memory does not grow with the rows of a table."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IN_MEMORY = 4 * 1024 * 1024
_ITEM = 8


class Spill:
    """Floats of 64 bits, by their position. A few MiB stay in memory.

    The file has no name: nothing is left of it, however the process ends. It is to be closed.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, numbers: NDArray[np.float64], *, at: int | None = None) -> int:
        """Write numbers from a position on, the end unless said otherwise; return the position."""
        start = self._length if at is None else at
        self._file.seek(start * _ITEM)
        self._file.write(np.ascontiguousarray(numbers, np.float64).tobytes())
        self._length = max(self._length, start + len(numbers))
        return start

    def read(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the numbers from ``start`` up to ``stop``; they cannot be written to."""
        self._file.seek(start * _ITEM)
        wanted = min(stop, self._length) - start
        return np.frombuffer(self._file.read(max(wanted, 0) * _ITEM), np.float64)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
