"""Changes to files of a clone that are made together: all of them, or after a failure none."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.interruption import undone_on_failure
from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FileChanges:
    """Texts to write below ``root``. Paths are relative to it; lines end as they did before."""

    def __init__(self, root: Path) -> None:
        self._root, self._tree = root, ConfinedTree(root)
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that change, in the order in which they were put."""
        return tuple(path for path, data in self._after.items() if data != self._before[path])

    def text(self, path: str) -> str:
        """Return a file's text as it will be, with ``\\n`` at each line's end; empty without one.

        Raises FormatError for a file that is not UTF-8, or lies behind a link.
        """
        data = self._after.get(path, self._read(path)) or b""
        try:
            return data.decode().replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            where = str(self._root / path)
            raise FormatError(f"is not UTF-8: {error.reason}", where=where) from None

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file, or will be."""
        return path in self._after or self._read(path) is not None

    def put(self, path: str, text: str) -> None:
        """Let a file have this text."""
        if b"\r\n" in (self._read(path) or b""):
            text = text.replace("\n", "\r\n")
        self._after[path] = text.encode()

    @contextmanager
    def written(self) -> Iterator[None]:
        """Write the files; if that fails, or what is done within, put all back as it was."""
        done: list[str] = []

        def undo() -> None:
            while done:
                self._restore(done[-1])
                done.pop()

        with undone_on_failure(undo):
            for path in self.paths:
                done.append(path)
                self._tree.write(path, self._after[path], durable=True)
            yield

    def write(self) -> None:
        """Write the files; if that fails, put all back as it was."""
        with self.written():
            pass

    def _read(self, path: str) -> bytes | None:
        if path not in self._before:
            try:
                self._before[path] = self._tree.read(path)
            except FileNotFoundError:
                self._before[path] = None
        return self._before[path]

    def _restore(self, path: str) -> None:
        before = self._before[path]
        if before is not None:
            self._tree.write(path, before, durable=True)
            return
        with suppress(FileNotFoundError):
            self._tree.unlink(path)
            self._tree.remove_empty_folders(path.rpartition("/")[0], below="")
