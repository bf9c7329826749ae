"""Writes and removals that stay below one directory, whatever links lie in it.

A clone, and a bucket in a directory, hold what others put there. A link in the place of a folder
would lead a write anywhere, so each folder on the way is opened from the one before it without
following links, and the work is done by the last one's descriptor: no link that appears between
the look and the write is followed either.
"""

from __future__ import annotations

import os
import stat
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_inside
from pe_dvc.store.atomic_write import unique, write_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

REMEDY = (
    "Put a real directory or file in its place. To keep data on another disk, set "
    "`dvc config --local cache.dir` to a directory there, and `cache.type symlink`."
)


class ConfinedTree:
    """What lies below ``root``; paths are relative to it, with forward slashes.

    ``root`` itself may be reached through links, nothing below it. Folders are made as needed,
    with the mode ``folder_mode`` where that is given. ``remedy`` is what to do about a link.
    As many folders as ``keep_open`` says stay open as long as this lives, for those who write a
    thousand files. Safe for threads.

    Every method raises FormatError for a path that leads out of ``root``, by ``..`` or by a link
    in the place of one of its folders, and OSError as the operating system does.
    """

    def __init__(
        self,
        root: Path,
        *,
        folder_mode: int | None = None,
        remedy: str = REMEDY,
        keep_open: int = 0,
    ) -> None:
        self.root = root
        self._folder_mode, self._remedy, self._keep_open = folder_mode, remedy, keep_open
        self._kept: dict[str, int] = {}
        self._descriptors: set[int] = set()
        weakref.finalize(self, _close_all, self._descriptors)

    def check(self, paths: Iterable[str]) -> None:
        """Raise FormatError if one of the paths is a link or lies behind one."""
        seen: set[str] = set()
        for path in paths:
            parts = check_inside(path, where=str(self.root)).split("/")
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

    def write(
        self, path: str, data: Buffer, *, mode: int | None = None, durable: bool = False
    ) -> None:
        """Write a file: readers see the old one or the new one. See ``write_atomically``."""
        with self.replacing(path) as (folder, name):
            write_new(name, data, mode=mode, durable=durable, folder=folder)

    @contextmanager
    def replacing(self, path: str) -> Iterator[tuple[int, str]]:
        """Give a folder's descriptor and a new name in it; what is made there becomes ``path``.

        A link at ``path`` itself is replaced. After an exception nothing is left of the new name.
        """
        parent, _, name = check_inside(path, where=str(self.root)).rpartition("/")
        folder, temporary = self._open(parent, make=True), f"{name[:40]}.{unique()}.tmp"
        try:
            yield folder, temporary
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException as error:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            self._name_file(error, path)
            raise
        finally:
            self._close(folder)

    def make_folder(self, path: str) -> None:
        """Make a folder where there is none."""
        self._close(self._open(check_inside(path, where=str(self.root)), make=True))

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

    def open_lock(self, path: str) -> int:
        """Open a file to be locked, made where there is none, and return its descriptor."""
        with self.parent(path, make=True) as (folder, name):
            self._refuse_link(path, folder)
            descriptor = os.open(name, _LOCK, 0o666, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FormatError("is not a file", where=self._full(path), remedy=self._remedy)
        return descriptor

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Give the descriptor of the folder that ``path`` lies in, and its name there."""
        parent, _, name = check_inside(path, where=str(self.root)).rpartition("/")
        folder = self._open(parent, make=make)
        try:
            yield folder, name
        except OSError as error:
            self._name_file(error, path)
            raise
        finally:
            self._close(folder)

    def _open(self, path: str, *, make: bool) -> int:
        done = path
        while done and done not in self._kept:
            done = done.rpartition("/")[0]
        folder = self._kept.get(done)
        if folder is None:
            folder = self._keep("", self._open_root(make=make))
        for name in path[len(done) :].strip("/").split("/") if done != path else ():
            done = f"{done}/{name}" if done else name
            try:
                inner = self._step(folder, name, done, make=make)
            except OSError as error:
                self._name_file(error, path)
                raise
            finally:
                self._close(folder)
            folder = self._keep(done, inner)
        return folder

    def _keep(self, path: str, folder: int) -> int:
        if len(self._kept) < self._keep_open:
            self._kept[path] = folder
            self._descriptors.add(folder)  # of two threads here at once, both are closed at last
        return folder

    def _close(self, folder: int) -> None:
        if folder not in self._descriptors:
            os.close(folder)

    def _open_root(self, *, make: bool) -> int:
        try:
            return os.open(self.root, _FOLDER)
        except FileNotFoundError:
            if not make:
                raise
        self._make(self.root)
        return os.open(self.root, _FOLDER)

    def _make(self, directory: Path) -> None:
        if not directory.parent.is_dir():
            self._make(directory.parent)
        with suppress(FileExistsError):
            directory.mkdir()
            if self._folder_mode is not None:
                directory.chmod(self._folder_mode)

    def _step(self, folder: int, name: str, path: str, *, make: bool) -> int:
        try:
            return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            if not make:
                raise
        except OSError:
            self._refuse_link(path, folder)
            raise
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:  # another process made it meanwhile
            return self._step(folder, name, path, make=False)
        made = self._step(folder, name, path, make=False)
        if self._folder_mode is not None:
            os.fchmod(made, self._folder_mode)
        return made

    def _refuse_link(self, path: str, folder: int | None) -> None:
        """Raise FormatError if ``path``, which lies in ``folder`` where that is open, is a link."""
        name = self._full(path) if folder is None else path.rpartition("/")[2]
        with suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise self._is_link(path)

    def _is_link(self, path: str) -> FormatError:
        return FormatError(
            f"is a symbolic link to {Path(self._full(path)).readlink()}, and pe_dvc writes and "
            "removes nothing behind a link",
            where=self._full(path),
            remedy=self._remedy,
        )

    def _name_file(self, error: BaseException, path: str) -> None:
        """Let an OSError name the whole path: what it has of a descriptor is a bare name."""
        if isinstance(error, OSError) and not str(error.filename or "").startswith("/"):
            error.filename, error.filename2 = self._full(path), None

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}"


def _close_all(descriptors: set[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
