"""DVC's workspace: is a file in it the one that is wanted, and could it be had again if not?"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pe_dvc.adapters.dvc.cache import object_path
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pe_dvc.primitives.digest import Sha256

State = Literal["absent", "same", "recoverable", "modified"]


def state_of(path: Path, *, cache_dir: Path, md5: str, sha256: Sha256 | None) -> State:
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
    if not path.exists():
        return "recoverable"  # a symbolic link to nothing: an object that the cache lost
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
    with path.open("rb", buffering=0) as file:
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
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "check-ignore", *map(os.fspath, paths)],
        cwd=root,
        capture_output=True,
        text=True,
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
