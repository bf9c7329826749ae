"""The files below a folder, by their paths in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def paths_below(
    folder: Path, *, without: tuple[str, ...] = (), refusing_links: bool = True
) -> Iterator[str]:
    """Yield the path of each file below a folder, relative to it, with ``/``.

    Files and folders whose names begin with one of ``without`` are left out. A link to a folder is
    not followed; with ``refusing_links`` it raises FormatError.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(without)]
        if refusing_links:
            _refuse_links(parent, folders)
        below = os.path.relpath(parent, folder)
        prefix = "" if below == "." else f"{below}/"
        yield from (f"{prefix}{name}" for name in names if not name.startswith(without))


def _refuse_links(parent: str, folders: Iterable[str]) -> None:
    """Raise FormatError where one of the ``folders`` in ``parent`` is a link, which DVC omits."""
    for name in folders:
        if os.path.islink(f"{parent}/{name}"):  # noqa: PTH114 - a hundred thousand times
            raise FormatError(
                "is a link to a folder, and a dataset is made of folders and files",
                where=f"{parent}/{name}",
                remedy="Put the folder itself there.",
            )
