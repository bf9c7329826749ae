"""The files of a dataset that is a directory: the sidecar ``.members``, and the dataset's identity.

The identity is in-toto's ``dirHash``, Go's ``h1:`` in hex: the sha256 of the lines that
``sha256sum`` prints for the files, sorted by the bytes of their paths. ADR 0019.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.primitives.names import check_distinct, check_in_work_tree, say_which_there_are
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,19}) ([0-9a-f]{32}) (.+)")

MOST_MEMBERS = 1_000_000
"""Files that a directory may have: Git and DVC become slow long before."""


class MemberFile(NamedTuple):
    """A file in a directory: its path in there, and its bytes: sha256, size, and DVC's md5."""

    path: str
    sha256: Sha256
    size: int
    md5: str


def dir_hash(files: Iterable[tuple[str, Sha256]]) -> Sha256:
    """Return in-toto's ``dirHash`` of files, given their paths and digests, in any order."""
    found = hashlib.sha256()
    for path, sha256 in sorted(files):
        found.update(f"{sha256}  {path}\n".encode())
    return Sha256(found.hexdigest())


def list_members(members: Iterable[MemberFile], *, where: str) -> Members:
    """Return the sidecar: a line ``sha256 size md5 path`` for each file, sorted by path.

    Raises FormatError for paths that no reader would accept.
    """
    lines = (f"{m.sha256} {m.size} {m.md5} {m.path}\n" for m in sorted(members))
    return Members("".join(lines).encode(), where=where)


class Members:
    """A sidecar's bytes (``data``), checked when it was read.

    Files are made from its lines when they are asked for, so that a hundred thousand take no more
    memory than the bytes.
    """

    def __init__(self, data: bytes, *, where: str) -> None:
        self.data, self._where = data, where
        self.count = sum(1 for _ in _checked(data, where=where))

    def __iter__(self) -> Iterator[MemberFile]:
        """Yield the files, sorted by path."""
        return _files(self.data, where=self._where)

    @property
    def sha256(self) -> Sha256:
        """Digest of the sidecar itself."""
        return sha256_bytes(self.data)

    @property
    def dir_hash(self) -> Sha256:
        """What the identity of a directory of these files is."""
        return dir_hash((m.path, m.sha256) for m in self)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(member.size for member in self)

    def member(self, path: str, *, where: str) -> MemberFile:
        """Return the file of that path. Raises NotFoundError saying which there are."""
        for member in self:
            if member.path == path:
                return member
        raise NotFoundError(
            f"{where} has no file {path!r}",
            remedy=say_which_there_are(path, [member.path for member in self]),
        )


def read_members(
    data: bytes, *, sha256: Sha256 | None, identity: Sha256, size: int | None, where: str
) -> Members:
    """Return a sidecar that is the one that a manifest names, and of the directory ``identity``.

    ``sha256`` and ``size`` (bytes of all files) are None where the manifest is not signed: then the
    identity holds for paths and contents alone. Raises DigestMismatchError for another sidecar,
    FormatError for one that no directory can have.
    """
    if sha256 is not None:
        _expect(where, "the list of members", sha256, sha256_bytes(data))
    found = Members(data, where=where)
    _expect(where, "the directory (dirHash of its members)", identity, found.dir_hash)
    if size is not None and found.size != size:
        raise FormatError(
            f"the members have {found.size} bytes, and the manifest says {size}", where=where
        )
    return found


def _expect(where: str, what: str, expected: Sha256, actual: Sha256) -> None:
    if actual != expected:
        raise DigestMismatchError(
            what=what,
            expected=f"sha256:{expected}",
            actual=f"sha256:{actual}",
            source=where,
            remedy="The bucket was altered or damaged: tell the maintainers of the data.",
        )


def _checked(data: bytes, *, where: str) -> Iterator[MemberFile]:
    """Yield the files, and refuse paths that could not be files beside each other."""
    paths: list[str] = []
    for member in _files(data, where=where):
        _check_member(member, where)
        if paths and not paths[-1] < member.path:
            raise FormatError(f"{member.path!r} is there twice, or out of order", where=where)
        paths.append(member.path)
        if len(paths) > MOST_MEMBERS:
            raise FormatError(f"has more than {MOST_MEMBERS} members", where=where)
        yield member
    if not paths:
        raise FormatError(
            "has no member: an empty directory cannot be a dataset",
            where=where,
            remedy="Build it with files in it.",
        )
    check_distinct(paths, where=where)
    folders = {parent for path in paths for parent in _above(path)}
    check_distinct(sorted(folders), where=where)
    for path in paths:
        if path in folders:
            raise FormatError(f"{path!r} is both a file and a folder", where=where)


def _check_member(member: MemberFile, where: str) -> None:
    check_in_work_tree(member.path, where=where)
    if member.size > MAX_SIZE or not member.path.isprintable():
        raise FormatError(f"{member.path!r} is no file that a dataset can have", where=where)


def _files(data: bytes, *, where: str) -> Iterator[MemberFile]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        yield _file(data[start:end] if end > 0 else b"", where)
        start = end + 1


def _file(line: bytes, where: str) -> MemberFile:
    found = _LINE.fullmatch(line)
    if found is None:
        raise FormatError(
            "is not a list of members: expected lines of sha256, size, md5 and path", where=where
        )
    sha256, size, md5, path = (part.decode(errors="surrogateescape") for part in found.groups())
    return MemberFile(path, Sha256(sha256), int(size), md5)


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
