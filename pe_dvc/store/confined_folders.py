"""Folders below one directory, each opened from the one before it without following links."""

from __future__ import annotations

import os
import stat
import weakref
from contextlib import suppress
from pathlib import Path

from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.names import check_inside
from pe_dvc.store.permissions import USUAL, Modes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

REMEDY = (
    "Put a real directory or file in its place. To keep data on another disk, set "
    "`dvc config --local cache.dir` to a directory there, and `cache.type symlink`."
)


class NoDirectoryError(NotADirectoryError):
    """The root, or what it lies in, is a file, a pipe or a device: ``filename`` is which."""


class ConfinedFolders:
    """What ``ConfinedTree`` stands on; its arguments and errors are explained there."""

    def __init__(
        self,
        root: Path,
        *,
        modes: Modes = USUAL,
        remedy: str = REMEDY,
        keep_open: int = 0,
    ) -> None:
        self.root, self._root = root, str(root)
        self._modes, self._remedy, self._keep_open = modes, remedy, keep_open
        self._kept: dict[str, int] = {}
        self._swept: set[str] = set()
        self._descriptors: set[int] = set()
        weakref.finalize(self, _close_all, self._descriptors)

    def parent(self, path: str, *, make: bool = False) -> _Parent:
        """Give the descriptor of the folder that ``path`` lies in, and its name there."""
        return _Parent(self, path, make)

    def _opened(self, path: str, *, make: bool = False) -> _Opened:
        return _Opened(self, path, make)

    def _open(self, path: str, *, make: bool) -> int:
        done, folder = path, self._kept.get(path)
        while folder is None and done:
            done = done.rpartition("/")[0]
            folder = self._kept.get(done)
        if folder is not None and make and os.fstat(folder).st_nlink == 0:
            self._kept, done, folder = {}, "", None  # removed while it was open: made again
        if folder is None:
            folder = self._keep("", self._open_root(make=make))
        if done == path:
            return folder
        for name in path[len(done) :].strip("/").split("/"):
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
            try:
                return os.open(self.root, _FOLDER)
            except FileNotFoundError:
                if not make:
                    raise
            self._make(self.root)
            return os.open(self.root, _FOLDER)
        except NotADirectoryError as error:
            outermost = (*reversed(self.root.parents), self.root)
            found = next((one for one in outermost if one.exists() and not one.is_dir()), self.root)
            raise NoDirectoryError(error.errno, error.strerror, str(found)) from None

    def _make(self, directory: Path) -> None:
        if not directory.parent.is_dir():
            self._make(directory.parent)
        mode = self._modes.folder
        with suppress(FileExistsError):
            directory.mkdir(0o777 if mode is None else 0o700)
            if mode is not None:
                directory.chmod(mode)

    def _step(self, folder: int, name: str, path: str, *, make: bool) -> int:
        try:
            return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            if not make:
                raise
        except OSError:
            self._refuse_link(path, folder)
            raise
        mode = self._modes.of_folder(folder)
        try:
            os.mkdir(name, 0o777 if mode is None else 0o700, dir_fd=folder)
        except FileExistsError:  # another process made it meanwhile
            return self._step(folder, name, path, make=False)
        self._swept.add(path)  # no killed process left anything in a new one
        made = self._step(folder, name, path, make=False)
        if mode is not None:
            os.fchmod(made, mode)
        return made

    def _refuse_link(self, path: str, folder: int | None) -> None:
        """Raise FormatError if ``path``, which lies in ``folder`` where that is open, is a link."""
        name = self._full(path) if folder is None else path.rpartition("/")[2]
        with suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise self._is_link(path)

    def _is_link(self, path: str) -> FormatError:
        return FormatError(
            f"is a symbolic link to {Path(self._full(path)).readlink()}, and pe_dvc follows no "
            "links here",
            where=self._full(path),
            remedy=self._remedy,
        )

    def _name_file(self, error: BaseException, path: str) -> None:
        """Let an OSError name the whole path: what it has of a descriptor is a bare name."""
        if isinstance(error, PeDvcError) or not isinstance(error, OSError):
            return
        if not str(error.filename or "").startswith("/"):
            error.filename, error.filename2 = self._full(path), None

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


class _Opened:
    """A folder, open within."""

    # No generators, this and the next, as each of thousands of files passes through ten of them.
    __slots__ = ("_folder", "_make", "_path", "_tree")

    def __init__(self, tree: ConfinedFolders, path: str, make: bool) -> None:
        self._tree, self._path, self._make = tree, path, make

    def __enter__(self) -> int:
        self._folder = self._tree._open(self._path, make=self._make)
        return self._folder

    def __exit__(self, *_: object) -> None:
        self._tree._close(self._folder)


class _Parent:
    """The folder of a path, open within, and the path's name in it; errors name the path."""

    __slots__ = ("_folder", "_make", "_path", "_tree")

    def __init__(self, tree: ConfinedFolders, path: str, make: bool) -> None:
        self._tree, self._path, self._make = tree, path, make

    def __enter__(self) -> tuple[int, str]:
        parent, _, name = check_inside(self._path, where=self._tree._root).rpartition("/")
        self._folder = self._tree._open(parent, make=self._make)
        return self._folder, name

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        self._tree._close(self._folder)
        if error is not None:
            self._tree._name_file(error, self._path)


def _close_all(descriptors: set[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
