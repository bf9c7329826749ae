"""A data repo whose one dataset is a directory of many small files.

Run as a program it writes the files, in a process of its own as a stage does:
``python -m benchmarks.directory_repo FOLDER COUNT BYTES``.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from benchmarks.data_repo import COUNTRY, DataRepo

NAME = "areas"
REFERENCE = f"{COUNTRY}/{NAME}@latest"
_FILES_IN_FOLDER = 1000


class DirectoryRepo(DataRepo):
    """A repo of one dataset: a directory of ``count`` files of ``size`` bytes, in folders."""

    writer = "benchmarks.directory_repo"

    @property
    def names(self) -> list[str]:
        return [NAME]

    def declarations(self) -> str:
        meta = f"{{pe: {{country: {COUNTRY}, kind: geography}}}}"
        return f"  {NAME}: {{path: data, type: dataset, meta: {meta}}}\n"


def write_files(folder: Path, count: int, size: int) -> None:
    """Write files of random bytes, the same each time, a thousand to a folder."""
    source = random.Random(0)
    for number in range(count):
        inside = folder / f"{number // _FILES_IN_FOLDER:04d}"
        if number % _FILES_IN_FOLDER == 0:
            inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{number:07d}.bin").write_bytes(source.randbytes(size))


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
