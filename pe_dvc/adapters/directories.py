"""The files of a directory that is a dataset: in the workspace, or as DVC's cache has them."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pe_dvc.documents.members import MemberFile, list_members
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pe_dvc.documents.members import Members

_BLOCK = 1024 * 1024
_COMMIT = "Let DVC record it as it is now, or bring it back as DVC has it."


def members_in(folder: Path, listed: Mapping[str, str]) -> Members:
    """Return the files of a directory of the workspace; ``listed`` are DVC's md5s, by path.

    Raises DigestMismatchError for files that are other than DVC recorded, FormatError for paths
    that no directory of a dataset can have.
    """
    there = set(_files_in(folder))
    if there != listed.keys():
        odd = min(there ^ listed.keys())
        change = "new" if odd in there else "gone"
        raise DigestMismatchError(
            what=f"{folder}, changed since DVC hashed it ({odd} is {change}),",
            expected=f"{len(listed)} files",
            actual=f"{len(there)} files",
            source=str(folder),
            remedy=_COMMIT,
        )
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda path: _member(folder / path, path, listed[path]), sorted(listed))
        return list_members(found, where=str(folder))


def members_in_cache(object_of: Callable[[str], Path], listed: Mapping[str, str]) -> Members:
    """Return the files of a directory by the objects of DVC's cache, which lie at ``object_of``.

    Raises NotFoundError.
    """

    def member(path: str) -> MemberFile:
        return _member(object_of(listed[path]), path, listed[path])

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list_members(pool.map(member, sorted(listed)), where="DVC's cache")


def members_of_workspace(folder: Path) -> Members | None:
    """Return the files of a directory as they are now, None where there is no directory."""
    if not folder.is_dir():
        return None
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda path: _member(folder / path, path, None), _files_in(folder))
        return list_members(found, where=str(folder))


def _member(file: Path, path: str, expected: str | None) -> MemberFile:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    try:
        with open_to_read(file) as opened:
            while block := opened.read(_BLOCK):
                sha256.update(block)
                md5.update(block)
                size += len(block)
    except FileNotFoundError:
        raise NotFoundError(f"{file} is not there") from None
    actual = md5.hexdigest()
    if expected not in (None, actual):
        raise DigestMismatchError(
            what=f"{path}, changed since DVC hashed it,",
            expected=f"md5:{expected}",
            actual=f"md5:{actual}",
            source=str(file),
            remedy=_COMMIT,
        )
    return MemberFile(path, Sha256(sha256.hexdigest()), size, actual)


def _files_in(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        below = os.path.relpath(parent, folder)
        prefix = "" if below == "." else f"{below}/"
        yield from (f"{prefix}{name}" for name in names)
