"""Digests of the files of directories, kept so that a file which did not change is not read again.

One file for each directory, in ``<root>/.dvc/tmp/pe_dvc/members``: a line of inode and mtime for
each of its files, and the list of them that a manifest names. It is checked against itself when it
is read, so that a damaged one is only a directory hashed again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.documents.members import MemberFile, Members
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER = ".dvc/tmp/pe_dvc/members"


class FoundMember(NamedTuple):
    """A file of a directory, and by what it is known again: inode and mtime in nanoseconds.

    ``inode`` is 0 for one that was just written, and may change with no change of its mtime.
    """

    member: MemberFile
    inode: int
    mtime_ns: int

    def is_still(self, found: os.stat_result) -> bool:
        """Tell whether a file is the one that was hashed."""
        return (self.inode, self.mtime_ns, self.member.size) == (
            found.st_ino or -1,
            found.st_mtime_ns,
            found.st_size,
        )


class MemberDigests:
    """What was found of directories before, in the repo at ``root``."""

    def __init__(self, root: Path) -> None:
        self._root, self._tree = root, ConfinedTree(root)

    def members(self, folder: Path) -> Members | None:
        """Return the files of a directory as they were when it was last hashed, None if never."""
        kept = self._read(folder)
        return None if kept is None else kept[1]

    def found(self, folder: Path) -> Iterator[FoundMember]:
        """Yield the same by path, with what each file is known again by."""
        kept = self._read(folder)
        if kept is not None:
            stats, members = kept
            for line, member in zip(stats.splitlines(), members, strict=False):
                inode, mtime_ns = line.split()
                yield FoundMember(member, int(inode), int(mtime_ns))

    def keep(self, folder: Path, stats: bytes, members: Members) -> None:
        """Keep what was found of a directory; ``stats`` is a line of inode and mtime for each."""
        body = b"%d\n%b%b" % (len(stats), stats, members.data)
        data = f"{sha256_bytes(body)}\n".encode() + body
        if len(data) <= LISTING_LIMIT and self._data(folder) != data:
            self._tree.write(f"{_FOLDER}/{_name(folder)}", data, durable=True)

    def _read(self, folder: Path) -> tuple[bytes, Members] | None:
        check, _, body = self._data(folder).partition(b"\n")
        if check != sha256_bytes(body).encode():
            return None  # damaged: the directory is hashed again
        length, _, rest = body.partition(b"\n")
        end = int(length)
        return rest[:end], Members(rest[end:], where=str(folder))

    def _data(self, folder: Path) -> bytes:
        try:
            return read_document(self._root / _FOLDER / _name(folder), limit=LISTING_LIMIT)
        except (FileNotFoundError, FormatError):
            return b""


def _name(folder: Path) -> str:
    return sha256_bytes(os.fsencode(folder.absolute()))
