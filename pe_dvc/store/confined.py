"""Reads, writes and removals that stay below one directory, whatever lies in it.

A clone, a cache and a bucket in a directory hold what others put there. A link in the place of a
folder would lead a write anywhere, so each folder on the way is opened from the one before it
without following links, and the work is done by the last one's descriptor: no link that appears
between the look and the write is followed either. What is opened must be a file, not a pipe.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.interruption import undone_on_exit
from pe_dvc.primitives.names import check_inside
from pe_dvc.store.atomic_write import OpenFile, write_new
from pe_dvc.store.confined_folders import ConfinedFolders
from pe_dvc.store.hard_links import link_new
from pe_dvc.store.left_overs import sweep, temporary_name
from pe_dvc.store.permissions import mode_of_new, set_mode
from pe_dvc.store.plain_files import (
    DOCUMENT_LIMIT,
    open_plain,
    read_limited,
    refuse_special,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

OPEN_OR_MAKE = os.O_RDWR | os.O_CREAT
"""For ``ConfinedTree.open_file``: to read and write a file, made where there is none."""
_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ConfinedTree(ConfinedFolders):
    """What lies below ``root``; paths are relative to it, with forward slashes.

    ``root`` itself may be reached through links, nothing below it. Folders are made as needed;
    ``modes`` says who may use them. ``remedy`` is what to do about a link. As many folders as
    ``keep_open`` says stay open as long as this lives, for those who write a thousand files. Safe
    for threads.

    Every method raises FormatError for a path that leads out of ``root``, by ``..`` or by a link
    in the place of one of its folders, or that is a pipe, a socket or a device; and OSError as the
    operating system does.
    """

    def check(self, paths: Iterable[str]) -> None:
        """Raise FormatError if one of the paths is a link or lies behind one."""
        seen: set[str] = set()
        for path in paths:
            parts = check_inside(path, where=self._root).split("/")
            for count in range(1, len(parts) + 1):
                part = "/".join(parts[:count])
                if part not in seen:
                    seen.add(part)
                    self._refuse_link(part, None)

    def check_entries(self, path: str, *, deep: bool = False) -> None:
        """Raise FormatError if a folder, or anything in it, is a link; ``deep`` looks further."""
        self.check([path])
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(self.root / path) as entries,
        ):
            for entry in entries:
                inner = f"{path}/{entry.name}"
                if entry.is_symlink():
                    raise self._is_link(inner)
                if deep and entry.is_dir():
                    self.check_entries(inner, deep=True)

    def read(self, path: str, *, limit: int = DOCUMENT_LIMIT) -> bytes:
        """Return what is in a document, which is no link. Raises FileNotFoundError, FormatError."""
        with FileIO(self.open_file(path, os.O_RDONLY)) as file:
            return read_limited(file, limit, named=self.root / path)

    def sha256(self, path: str) -> Sha256:
        """Return the sha256 of a file, which is no link. Raises FileNotFoundError."""
        with FileIO(self.open_file(path, os.O_RDONLY)) as file:
            return Sha256(hashlib.file_digest(file, "sha256").hexdigest())

    def status(self, path: str) -> os.stat_result:
        """Return what ``lstat`` tells of a path. Raises FileNotFoundError."""
        with self.parent(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def entries(self, path: str) -> list[tuple[str, os.stat_result]]:
        """Return the names in a folder, and what ``lstat`` tells of each; none if there is none."""
        found = []
        with suppress(FileNotFoundError), self._opened(path) as folder:
            for name in os.listdir(folder):  # noqa: PTH208 (of a descriptor)
                with suppress(FileNotFoundError):  # removed since the folder was read
                    found.append((name, os.stat(name, dir_fd=folder, follow_symlinks=False)))
        return found

    def write(
        self, path: str, data: Buffer, *, mode: int | None = None, durable: bool = False
    ) -> os.stat_result:
        """Write a file: readers see the old one or the new one. See ``write_new``."""
        with self.replacing(path) as (folder, name):
            mode = self._modes.of_file(folder) if mode is None else mode
            return write_new(name, data, mode=mode, durable=durable, folder=folder)

    def write_once(self, path: str, data: Buffer) -> None:
        """Write a file where there is none yet, safe on the disk. Raises FileExistsError.

        Should that fail, nothing is left of it. Raises NoHardLinksError as ``link_new`` does.
        """
        with self.parent(path, make=True) as (folder, name):
            temporary, mode = temporary_name(name), self._modes.of_file(folder)
            try:
                write_new(temporary, data, mode=mode, durable=True, folder=folder)
                link_new(temporary, name, source=folder, folder=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    @contextmanager
    def replacing(self, path: str) -> Iterator[tuple[int, str]]:
        """Give a folder's descriptor and a new name in it; what is made there becomes ``path``.

        A link at ``path`` itself is replaced, a pipe, socket or device never. After an exception
        nothing is left of the new name; what killed processes left in that folder goes.
        """
        parent, _, name = check_inside(path, where=self._root).rpartition("/")
        temporary = temporary_name(name)
        with self._opened(parent, make=True) as folder:
            if parent not in self._swept:
                self._swept.add(parent)
                sweep(folder)

            def discard() -> None:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

            try:
                with undone_on_exit(discard):
                    yield folder, temporary
                refuse_special(name, folder=folder, named=self._full(path))
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException as error:
                discard()
                self._name_file(error, path)
                raise

    @contextmanager
    def filling(self, path: str, *, mode: int | None = None) -> Iterator[OpenFile]:
        """Open a new, empty file that becomes ``path`` at the end, with ``mode`` if given."""
        with self.replacing(path) as (folder, name):
            mode = self._modes.of_file(folder) if mode is None else mode
            descriptor = os.open(name, _NEW | os.O_RDWR, mode_of_new(mode), dir_fd=folder)
            try:
                yield OpenFile(Path(self._full(path)), descriptor)
                set_mode(descriptor, mode)
            finally:
                os.close(descriptor)

    def rename(self, path: str, new: str) -> None:
        """Give a file another name, in a folder that is made where there is none."""
        with self.parent(path) as (old, name), self.parent(new, make=True) as (folder, target):
            refuse_special(target, folder=folder, named=self._full(new))
            os.replace(name, target, src_dir_fd=old, dst_dir_fd=folder)

    def sweep(self, path: str) -> None:
        """Remove from a folder the temporary files that killed processes left there."""
        with suppress(FileNotFoundError), self._opened(path) as folder:
            sweep(folder)

    def make_folder(self, path: str) -> None:
        """Make a folder where there is none."""
        self._close(self._open(check_inside(path, where=self._root), make=True))

    def unlink(self, path: str) -> None:
        """Remove a file or a link, not what it points to."""
        with self.parent(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def remove_empty_folders(self, path: str, *, below: str) -> None:
        """Remove the folder ``path`` if it is empty, and those around it up to ``below``."""
        while path != below:
            with suppress(OSError), self.parent(path) as (folder, name):
                os.rmdir(name, dir_fd=folder)
            path = path.rpartition("/")[0]

    def open_file(self, path: str, flags: int) -> int:
        """Open a file, which is no link, and return its descriptor; ``flags`` as in ``os.open``.

        With ``os.O_CREAT`` it is made where there is none.
        """
        make = bool(flags & os.O_CREAT)
        with self.parent(path, make=make) as (folder, name):
            while make:  # first, as most who may make a file find none
                mode = self._modes.of_file(folder)
                with suppress(FileExistsError):
                    descriptor = os.open(name, flags | _NEW, mode_of_new(mode), dir_fd=folder)
                    set_mode(descriptor, mode)
                    return descriptor
                with suppress(FileNotFoundError):  # another process removed it meanwhile
                    return self._open_file(folder, name, path, flags & ~os.O_CREAT)
            return self._open_file(folder, name, path, flags)

    def _open_file(self, folder: int, name: str, path: str, flags: int) -> int:
        try:
            return open_plain(name, flags | os.O_NOFOLLOW, folder=folder, named=self._full(path))
        except OSError:
            self._refuse_link(path, folder)
            raise


def remove_if_empty(folder: int, name: str) -> bool:
    """Remove a directory if there is no file below it, however deep; tell whether it is gone."""
    try:
        for _, inner, _, descriptor in os.fwalk(name, topdown=False, dir_fd=folder):
            for empty in inner:
                os.rmdir(empty, dir_fd=descriptor)
        os.rmdir(name, dir_fd=folder)
    except OSError:
        return False
    return True
