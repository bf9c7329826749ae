"""The files of a directory that is a dataset: in the workspace, or as DVC's cache has them."""

from __future__ import annotations

import hashlib
import os
import time
from io import BufferedReader
from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import SETTLED_NS
from pe_dvc.adapters.folder_walk import paths_below
from pe_dvc.adapters.member_digests import FoundMember, MemberDigests
from pe_dvc.documents.members import CHUNKS_ABOVE, MemberChunks, MemberFile, list_sorted
from pe_dvc.primitives.batches import in_batches
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.primitives.pools import Pool, generator_pool
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from pe_dvc.documents.members import Members

AT_ONCE = 1000
"""Files that are looked at together: so many of them, and no more, are in memory as objects."""
_COMMIT = "Let DVC record it as it is now, or bring it back as DVC has it."


def members_in(folder: Path, listed: Mapping[str, str], digests: MemberDigests) -> Members:
    """Return the files of a directory of the workspace; ``listed`` are DVC's md5s, by path.

    A file that did not change since it was last hashed is not read again. Raises
    DigestMismatchError for files that are other than DVC recorded, FormatError for paths that no
    directory of a dataset can have.
    """
    there = set(paths_below(folder))
    if there != listed.keys():
        odd = min(there ^ listed.keys())
        change = "new" if odd in there else "gone"
        raise DigestMismatchError(
            what=f"{folder}, changed since DVC hashed it ({odd!r} is {change}),",
            expected=f"{len(listed)} files",
            actual=f"{len(there)} files",
            source=str(folder),
            remedy=_COMMIT,
        )
    found = _checked(_hash_changed(folder, sorted(there), digests), folder, listed)
    return _keep(folder, found, digests)


def members_in_cache(object_of: Callable[[str], Path], listed: Mapping[str, str]) -> Members:
    """Return the files of a directory by the objects of DVC's cache, which lie at ``object_of``.

    Raises NotFoundError, DigestMismatchError for an object of another md5 than its name.
    """
    with Pool(os.cpu_count() or 1) as pool:
        found = (
            one
            for batch in in_batches(sorted(listed), AT_ONCE)
            for one in pool.map(lambda path: _hash(object_of(listed[path]), path), batch)
        )
        objects = ((one, object_of(listed[one.member.path])) for one in found)
        members = (_check(one.member, listed, file) for one, file in objects)
        return list_sorted(members, where="DVC's cache")


def members_of_workspace(folder: Path, digests: MemberDigests | None = None) -> Members | None:
    """Return the files of a directory as they are now, None where there is no directory.

    With ``digests``, a file that did not change since it was last hashed is not read again.
    """
    if not folder.is_dir():
        return None
    found = _hash_changed(folder, sorted(paths_below(folder)), digests)
    if digests is not None:
        return _keep(folder, found, digests)
    return list_sorted((one.member for one in found), where=str(folder))


def _hash_changed(
    folder: Path, paths: list[str], digests: MemberDigests | None
) -> Iterator[FoundMember]:
    """Yield the files at sorted ``paths``, hashed on threads where they are not known already."""
    known = _Known(digests.found(folder) if digests is not None else iter(()))
    with generator_pool(os.cpu_count() or 1) as pool:
        for batch in in_batches(paths, AT_ONCE):
            before = [known.at(path) for path in batch]
            yield from pool.map(lambda path, one: _look(folder, path, one), batch, before)


class _Known:
    """What was found before, asked for in the order of paths."""

    def __init__(self, found: Iterator[FoundMember]) -> None:
        self._found = found
        self._next = next(found, None)

    def at(self, path: str) -> FoundMember | None:
        while self._next is not None and self._next.member.path < path:
            self._next = next(self._found, None)
        same = self._next is not None and self._next.member.path == path
        return self._next if same else None


def _look(folder: Path, path: str, known: FoundMember | None) -> FoundMember:
    file = f"{folder}/{path}"
    if known is not None:
        try:
            if known.is_still(os.stat(file)):  # noqa: PTH116 - a hundred thousand times
                return known
        except FileNotFoundError:
            raise NotFoundError(f"{file} is not there") from None
    return _hash(file, path)


def _hash(file: str | Path, path: str) -> FoundMember:
    """Read a file once, whole. Raises DigestMismatchError if it changes meanwhile."""
    try:
        with open_to_read(file) as opened:
            before = os.fstat(opened.fileno())
            member = _digests(opened, path, before.st_size)
            after = os.fstat(opened.fileno())
    except FileNotFoundError:
        raise NotFoundError(f"{file} is not there") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        member.size != after.st_size
    ):
        raise DigestMismatchError(
            what=f"{path}, which changed while it was read,",
            expected=f"{before.st_size} bytes",
            actual=f"{after.st_size} bytes, {member.size} of them read",
            source=str(file),
            remedy="Let the program that writes it finish, and run this again.",
        )
    settled = time.time_ns() - before.st_mtime_ns > SETTLED_NS
    return FoundMember(member, before.st_ino if settled else 0, before.st_mtime_ns)


def _digests(opened: FileIO, path: str, size: int) -> MemberFile:
    sha256, md5, chunks = hashlib.sha256(), hashlib.md5(usedforsecurity=False), bytearray()
    read, is_large = 0, size > CHUNKS_ABOVE
    for block in _large_blocks(opened) if is_large else _blocks(opened, size + 1):
        sha256.update(block)
        md5.update(block)
        read += len(block)
        if is_large:
            chunks += hashlib.sha256(block).digest()
    listed = MemberChunks(CHUNK_SIZE, bytes(chunks)) if is_large else None
    return MemberFile(path, Sha256(sha256.hexdigest()), read, md5.hexdigest(), listed)


def _blocks(opened: FileIO, wanted: int) -> Iterator[bytes]:
    while block := opened.read(min(wanted, CHUNK_SIZE)):
        yield block


def _large_blocks(opened: FileIO) -> Iterator[bytes]:
    """Yield whole chunks: a buffer fills up where reads of the file fall short."""
    file = BufferedReader(opened, CHUNK_SIZE)
    while block := file.read(CHUNK_SIZE):
        yield block
    file.detach()


def _checked(
    found: Iterable[FoundMember], folder: Path, listed: Mapping[str, str]
) -> Iterator[FoundMember]:
    for one in found:
        _check(one.member, listed, folder / one.member.path)
        yield one


def _check(member: MemberFile, listed: Mapping[str, str], file: Path) -> MemberFile:
    expected = listed[member.path]
    if member.md5 != expected:
        raise DigestMismatchError(
            what=f"{member.path}, changed since DVC hashed it,",
            expected=f"md5:{expected}",
            actual=f"md5:{member.md5}",
            source=str(file),
            remedy=_COMMIT,
        )
    return member


def _keep(folder: Path, found: Iterable[FoundMember], digests: MemberDigests) -> Members:
    stats = bytearray()

    def members() -> Iterator[MemberFile]:
        for one in found:
            stats.extend(b"%d %d\n" % (one.inode, one.mtime_ns))
            yield one.member

    listed = list_sorted(members(), where=str(folder))
    digests.keep(folder, bytes(stats), listed)
    return listed
