"""The files of a dataset that is a directory: the sidecar ``.members``, and the dataset's identity.

The identity is in-toto's ``dirHash``, Go's ``h1:`` in hex: the sha256 of the lines that
``sha256sum`` prints for the files, sorted by the bytes of their paths. ADR 0019.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.digest import (
    ALTERED,
    CHUNK_SIZE,
    DIGEST_BYTES,
    Sha256,
    check_promised,
    sha256_bytes,
)
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.primitives.names import check_distinct, check_in_work_tree, say_which_there_are
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,19}) ([0-9a-f]{32}) (.+)")
_CHUNKS = re.compile(rb" ([0-9]{1,19}) ((?:[0-9a-f]{64})+)")

CHUNKS_ABOVE = 4 * CHUNK_SIZE
"""Bytes up to which a file is fetched whole, and has no digests of its chunks."""

MOST_MEMBERS = 1_000_000
"""Files that a directory may have: Git and DVC become slow long before."""


class MemberChunks(NamedTuple):
    """The sha256 of each ``size`` bytes of a file, 32 bytes each."""

    size: int
    digests: bytes


class MemberFile(NamedTuple):
    """A file in a directory: its path in there, and its bytes: sha256, size, and DVC's md5.

    One of more than ``CHUNKS_ABOVE`` bytes has ``chunks``, by which parts of it are verified.
    """

    path: str
    sha256: Sha256
    size: int
    md5: str
    chunks: MemberChunks | None = None

    @property
    def lines(self) -> str:
        """What a sidecar says of the file."""
        line = f"{self.sha256} {self.size} {self.md5} {self.path}\n"
        if self.chunks is None:
            return line
        return f"{line} {self.chunks.size} {self.chunks.digests.hex()}\n"


def dir_hash(files: Iterable[tuple[str, Sha256]]) -> Sha256:
    """Return in-toto's ``dirHash`` of files, given their paths and digests, in any order."""
    found = hashlib.sha256()
    for path, sha256 in sorted(files):
        found.update(_hashed_line(path, sha256))
    return Sha256(found.hexdigest())


def _hashed_line(path: str, sha256: Sha256) -> bytes:
    return f"{sha256}  {path}\n".encode(errors="surrogateescape")


def list_sorted(members: Iterable[MemberFile], *, where: str) -> Members:
    """Return the sidecar: a line ``sha256 size md5 path`` for each file, sorted by path.

    After that of a large file follows a line of its chunks: a space, their size, their digests.
    Raises FormatError for paths that no reader would accept, or in another order.
    """
    data = bytearray()
    for member in members:
        try:
            data += member.lines.encode()
        except UnicodeEncodeError:
            raise _no_file(member.path, where) from None
    return Members(bytes(data), where=where)


class Members:
    """A sidecar's bytes (``data``), checked when it was read.

    ``count`` is the number of files, ``size`` their bytes together, and ``dir_hash`` what the
    identity of a directory of them is. Files are made from its lines when they are asked for, so
    that a hundred thousand take no more memory than the bytes.
    """

    def __init__(self, data: bytes, *, where: str) -> None:
        self.data, self._where = data, where
        self.count, self.size, found = 0, 0, hashlib.sha256()
        for member in _checked(data, where=where):
            self.count += 1
            self.size += member.size
            found.update(_hashed_line(member.path, member.sha256))
        self.dir_hash = Sha256(found.hexdigest())

    def __iter__(self) -> Iterator[MemberFile]:
        """Yield the files, sorted by path."""
        return _files(self.data, where=self._where)

    @property
    def sha256(self) -> Sha256:
        """Digest of the sidecar itself."""
        return sha256_bytes(self.data)

    def member(self, path: str, *, where: str) -> MemberFile:
        """Return the file of that path. Raises NotFoundError saying which there are."""
        for found in self._lines_that_end_with(f" {path}\n".encode(errors="surrogateescape")):
            member = next(_files(found, where=self._where))
            if member.path == path:
                return member
        raise NotFoundError(
            f"{where} has no file {path!r}",
            remedy=say_which_there_are(path, [member.path for member in self]),
        )

    def _lines_that_end_with(self, wanted: bytes) -> Iterator[bytes]:
        """Yield what the sidecar says of files whose line ends so, without reading the others."""
        at = self.data.find(wanted)
        while at >= 0:
            start, end = self.data.rfind(b"\n", 0, at) + 1, at + len(wanted)
            if self.data.startswith(b" ", end):
                end = self.data.find(b"\n", end) + 1
            yield self.data[start:end]
            at = self.data.find(wanted, at + 1)


def read_members(
    data: bytes, *, sha256: Sha256 | None, identity: Sha256, size: int | None, where: str
) -> Members:
    """Return a sidecar that is the one that a manifest names, and of the directory ``identity``.

    ``sha256`` and ``size`` (bytes of all files) are None where the manifest is not signed: then the
    identity holds for paths and contents alone. Raises DigestMismatchError for another sidecar,
    FormatError for one that no directory can have.
    """
    if sha256 is not None:
        check_promised(data, sha256, what="the list of members", source=where)
    found = Members(data, where=where)
    if found.dir_hash != identity:
        raise DigestMismatchError(
            what="the directory (dirHash of its members)",
            expected=f"sha256:{identity}",
            actual=f"sha256:{found.dir_hash}",
            source=where,
            remedy=ALTERED,
        )
    if size is not None and found.size != size:
        raise FormatError(
            f"the members have {found.size} bytes, and the manifest says {size}", where=where
        )
    return found


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
    folders = _folders(paths)
    check_distinct(sorted(folders), where=where)
    for path in paths:
        if path in folders:
            raise FormatError(f"{path!r} is both a file and a folder", where=where)


def _check_member(member: MemberFile, where: str) -> None:
    check_in_work_tree(member.path, where=where)
    if member.size > MAX_SIZE or not member.path.isprintable():
        raise _no_file(member.path, where)
    if member.chunks is not None:
        digests, count = member.chunks.digests, -(-member.size // max(member.chunks.size, 1))
        if len(digests) != count * DIGEST_BYTES:
            raise FormatError(
                f"{member.path!r} has {member.size} bytes, and {len(digests) // DIGEST_BYTES} "
                f"chunks of {member.chunks.size} bytes are listed",
                where=where,
            )


def _no_file(path: str, where: str) -> FormatError:
    return FormatError(
        f"{path!r} is no file that a dataset can have: its name cannot be shown, or it is too "
        "large",
        where=where,
        remedy="Give it a name of letters, digits and other characters that can be shown, in "
        "UTF-8.",
    )


def _files(data: bytes, *, where: str) -> Iterator[MemberFile]:
    start = 0
    while start < len(data):
        line, start = _line(data, start)
        chunks = b""
        if data.startswith(b" ", start):
            chunks, start = _line(data, start)
        yield _file(line, chunks, where)


def _line(data: bytes, start: int) -> tuple[bytes, int]:
    """Return the line at ``start``, and where the next one is; none of a line without its end."""
    end = data.find(b"\n", start)
    return (data[start:end], end + 1) if end >= 0 else (b"", len(data))


def _file(line: bytes, chunks: bytes, where: str) -> MemberFile:
    found, parts = _LINE.fullmatch(line), _CHUNKS.fullmatch(chunks) if chunks else None
    if found is None or (chunks and parts is None):
        raise FormatError(
            "is not a list of members: expected lines of sha256, size, md5 and path", where=where
        )
    sha256, size, md5, path = found.groups()
    listed = (
        None if parts is None else MemberChunks(int(parts[1]), bytes.fromhex(parts[2].decode()))
    )
    return MemberFile(
        path.decode(errors="surrogateescape"),
        Sha256(sha256.decode()),
        int(size),
        md5.decode(),
        listed,
    )


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in found:
            found.add(path)
    return found
