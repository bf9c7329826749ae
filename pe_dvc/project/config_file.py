"""A settings file of a service, and the paths in it, which are relative to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.store.home import expand_home
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pathlib import Path


class ConfigFile:
    """The file that ``--config`` names: its bytes as ``data``.

    ``page`` of the docs shows how to write it. Raises NotFoundError, and FormatError for more than
    ``limit`` bytes.
    """

    def __init__(self, file: Path, *, page: str, limit: int) -> None:
        self._folder = file.absolute().parent
        try:
            self.data = read_document(file, limit=limit)
        except FileNotFoundError:
            raise NotFoundError(
                f"{file} does not exist",
                remedy=f"Write it as {page} shows, or name another one with --config.",
            ) from None

    def path(self, text: str) -> Path:
        """Return a path that stands in the file."""
        return self._folder / expand_home(text)

    def address(self, text: str) -> str:
        """Return the address of a store that stands in the file, which may be a path."""
        return text if "://" in text else str(self.path(text))
