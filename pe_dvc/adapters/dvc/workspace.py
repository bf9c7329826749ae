"""DVC's workspace: is a file in it the one that is wanted, and could it be had again if not?"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.cache import object_path, object_place, read_dir_listing
from pe_dvc.adapters.dvc.links import Links
from pe_dvc.adapters.dvc.objects import FOLDERS_OPEN, DvcObjects
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import open_to_read
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pe_dvc.documents.dvc_listing import ListedFile
    from pe_dvc.documents.dvc_output import FileState
    from pe_dvc.primitives.digest import Sha256


class DvcWorkspace:
    """The work tree of a repo and its DVC cache. Paths are relative to the repo.

    ``shared`` and ``link_types`` are DVC's ``cache.shared`` and ``cache.type``. Safe for threads.
    """

    def __init__(
        self, root: Path, cache_dir: Path, *, shared: bool, link_types: Sequence[str]
    ) -> None:
        self._root, self._cache_dir = root, cache_dir
        self._tree, self._links = ConfinedTree(root, keep_open=FOLDERS_OPEN), Links(link_types)
        self._objects = objects = DvcObjects(cache_dir, root=root, shared=shared)
        self.holds, self.write, self.incoming = objects.holds, objects.write, objects.incoming

    def check_own(self) -> None:
        """Raise FormatError if a link stands where DVC and pe_dvc keep things of their own."""
        self._tree.check_entries(".dvc")
        self._tree.check_entries(".dvc/tmp")
        self._objects.check()

    def check_writable(self, folders: Collection[str]) -> None:
        """Raise FormatError if a folder of the work tree is a link or lies behind one."""
        self._tree.check(folder for folder in folders if folder)

    def listing(self, md5: str) -> list[ListedFile]:
        """Return a cached directory's files: path inside it, and md5."""
        return read_dir_listing(self._cache_dir, md5)

    def is_intact(self, md5: str, sha256: Sha256 | None) -> bool:
        """Return whether the cached object has its sha256, or its md5 where that is None."""
        algorithm, expected = ("sha256", sha256) if sha256 else ("md5", md5)
        return file_digests(object_path(self._cache_dir, md5), algorithm)[algorithm] == expected

    def object_size(self, md5: str) -> int:
        """Return the bytes of the cached object."""
        return object_path(self._cache_dir, md5).stat().st_size

    def exists(self, path: str) -> bool:
        """Return whether anything is at the path, a broken link too."""
        return os.path.lexists(f"{self._root}/{path}")

    def is_directory(self, path: str) -> bool:
        """Return whether a directory is at the path."""
        return (self._root / path).is_dir()

    def state(self, path: str, md5: str, sha256: Sha256 | None) -> FileState:
        """Return how the file compares with the object that it should be."""
        return state_of(
            self._root / path,
            cache_dir=self._cache_dir,
            md5=md5,
            sha256=sha256,
        )

    def other_files(self, folders: Sequence[str], known: Collection[str]) -> dict[str, bool]:
        """Return files of tracked directories that are not ``known``; True if the cache has it."""
        found = [
            path
            for folder in folders
            for path in files_below(self._root / folder)
            if path.relative_to(self._root).as_posix() not in known
        ]
        hidden = ignored_by_dvc(self._root, found)
        return {
            path.relative_to(self._root).as_posix(): self._is_recoverable(path)
            for path in found
            if path not in hidden
        }

    def checkout(self, md5: str, path: str, *, data: bytes | None, executable: bool) -> None:
        """Make the file the object, whose bytes are ``data`` where they are in memory."""
        source = object_place(self._cache_dir, md5)
        self._links.checkout(source, self._tree, path, data=data, executable=executable)

    def remove(self, path: str) -> None:
        """Remove the file."""
        self._tree.unlink(path)

    def _is_recoverable(self, path: Path) -> bool:
        if not path.is_file():
            return not path.exists()  # a broken link; else a device or a pipe, not for us to read
        return is_cached(file_digests(path, "md5")["md5"], self._cache_dir)


def state_of(path: Path, *, cache_dir: Path, md5: str, sha256: Sha256 | None) -> FileState:
    """Return how a file of the workspace stands to the object that it should be.

    ``recoverable`` is a file of other bytes that the cache holds as well: replacing it loses
    nothing. A directory in the file's place is ``modified``.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISDIR(found.st_mode):
        return "modified"
    if not path.is_file():
        # A symbolic link to nothing is an object that the cache lost.
        return "modified" if path.exists() else "recoverable"
    if _is_link_to(path, object_path(cache_dir, md5)):
        return "same"
    if sha256 and file_digests(path, "sha256")["sha256"] == sha256:
        return "same"
    actual = file_digests(path, "md5")["md5"]
    if actual == md5 and not sha256:
        return "same"
    return "recoverable" if is_cached(actual, cache_dir) else "modified"


def is_cached(md5: str, cache_dir: Path) -> bool:
    """Return whether the cache holds an object of that hash."""
    return object_path(cache_dir, md5).exists()


def file_digests(path: Path, *algorithms: str) -> dict[str, str]:
    """Return digests of a file in hex, by algorithm, from one reading."""
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    buffer = memoryview(bytearray(1024 * 1024))
    with open_to_read(path) as file:
        while count := file.readinto(buffer):
            for digest in digests.values():
                digest.update(buffer[:count])
    return {name: digest.hexdigest() for name, digest in digests.items()}


def files_below(directory: Path) -> Iterator[Path]:
    """Yield the files and symbolic links below a directory; none if there is no directory."""
    for folder, _, names in os.walk(directory):
        for name in names:
            yield Path(folder) / name


def ignored_by_dvc(root: Path, paths: Sequence[Path]) -> set[Path]:
    """Return those of ``paths`` that a .dvcignore hides, as DVC itself tells.

    Starts DVC, which takes about a second: ask only about files that nothing else explains.
    """
    if not paths:
        return set()
    # -P: a folder "dvc" of the repo, is not the program that is to run.
    # And DVC keeps notes for each repo, in a directory that the clone's configuration may name.
    with scratch_directory() as notes:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "dvc", "check-ignore", *map(os.fspath, paths)],
            cwd=root,
            env={**os.environ, "DVC_SITE_CACHE_DIR": str(notes), "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",  # as Python has names of files that are not UTF-8
            check=False,
        )
    if done.returncode not in (0, 1):
        raise PeDvcError(f"`dvc check-ignore` failed in {root}: {done.stderr.strip()}")
    return _named(done.stdout.splitlines(), paths)


def _named(lines: Collection[str], paths: Sequence[Path]) -> set[Path]:
    return {path for path in paths if os.fspath(path) in lines}


def _is_link_to(path: Path, cached: Path) -> bool:
    try:
        return path.samefile(cached)
    except FileNotFoundError:
        return False
