"""Digests of local files: one streaming pass, and a cache so that it need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, check_sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import open_to_read, read_document

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, BinaryIO

_DIRECTORY = ".dvc/tmp/pe_dvc/digests"
_Key = list[str | int]
_BLOCK = 4 * CHUNK_SIZE
SETTLED_NS = 100_000_000
"""A file written within this time (0.1 s) may change again with no change of its mtime."""


class FileDigest(NamedTuple):
    """A file's sha256, the sha256 of each ``CHUNK_SIZE`` bytes (32 bytes each), and its size."""

    sha256: Sha256
    chunks: bytes
    size: int


def digest_file(path: Path) -> FileDigest:
    """Read ``path`` once and return its digests: two threads hash while a third reads.

    Memory is bounded to two blocks of 4 MiB. Raises NotFoundError, and DigestMismatchError where
    the file changes while it is read.
    """
    try:
        with open_to_read(path) as file:
            before = os.fstat(file.fileno())
            found = _digest_stream(file)
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise NotFoundError(
            f"{path} is not there", remedy="Run `dvc pull` or `dvc repro`."
        ) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        found.size != after.st_size
    ):
        raise DigestMismatchError(
            what="a file that changed while it was read",
            expected=f"{before.st_size} bytes",
            actual=f"{after.st_size} bytes, {found.size} of them read",
            source=str(path),
            remedy="Let the program that writes it finish, and run this again.",
        )
    return found


def _digest_stream(file: BinaryIO) -> FileDigest:
    whole, chunks, size = hashlib.sha256(), bytearray(), 0
    buffers = cycle((memoryview(bytearray(_BLOCK)), memoryview(bytearray(_BLOCK))))
    block = _read_block(file, next(buffers))
    with Pool(2) as pool:
        while block:
            hashed = pool.submit(whole.update, block)
            parts = pool.submit(chunk_digests, [block])
            size += len(block)
            block = _read_block(file, next(buffers))
            hashed.result()
            chunks += parts.result()
    return FileDigest(sha256=Sha256(whole.hexdigest()), chunks=bytes(chunks), size=size)


def _read_block(file: BinaryIO, buffer: memoryview) -> memoryview:
    """Fill ``buffer`` from ``file``, whose reads may fall short, and return what was filled."""
    filled = 0
    while filled < len(buffer):
        count = file.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not count:
            break
        filled += count
    return buffer[:filled]


class DigestCache:
    """Digests that were computed before, by path, inode, size and mtime of the file.

    One small file an entry, in ``<root>/.dvc/tmp/pe_dvc/digests``: written whole by a rename, so
    that neither a crash nor another process can leave half of one; checked against itself when
    read, so that a damaged one is only a file hashed again.
    """

    def __init__(self, root: Path) -> None:
        self._tree = ConfinedTree(root)
        self._directory = root / _DIRECTORY

    def known(self, path: Path) -> FileDigest | None:
        """Return the digests of ``path`` where they can be told without reading it, else None."""
        try:
            entry, key = self._place(path, path.stat())
            return self._read_entry(entry, key)
        except FileNotFoundError:
            return None

    def digest(self, path: Path) -> FileDigest:
        """Return the digests of ``path``, reading it only if it changed. See digest_file."""
        try:
            before = path.stat()
        except FileNotFoundError:
            return digest_file(path)
        entry, key = self._place(path, before)
        found = self._read_entry(entry, key)
        if found is None:
            found = digest_file(path)
            if time.time_ns() - before.st_mtime_ns > SETTLED_NS and _same(before, path.stat()):
                self._write_entry(entry, key, found)
        return found

    def _place(self, path: Path, found: os.stat_result) -> tuple[str, _Key]:
        name = os.fspath(path if path.is_absolute() else path.absolute())
        entry = sha256_bytes(os.fsencode(name))
        return entry, [name, found.st_ino, found.st_size, found.st_mtime_ns]

    def _read_entry(self, entry: str, key: _Key) -> FileDigest | None:
        try:
            value = read_json(read_document(f"{self._directory}/{entry}"), what="digests")
            body = value["body"]
            if body["key"] != key or value["check"] != _check(body):
                return None
            chunks = bytes.fromhex(body["chunks"])
            return FileDigest(sha256=check_sha256(body["sha256"]), chunks=chunks, size=int(key[2]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, FormatError):
            # Damaged: the file is hashed again and the entry rewritten.
            return None

    def _write_entry(self, entry: str, key: _Key, found: FileDigest) -> None:
        body = {"key": key, "sha256": found.sha256, "chunks": found.chunks.hex()}
        data = json.dumps({"body": body, "check": _check(body)}).encode()
        self._tree.write(f"{_DIRECTORY}/{entry}", data, durable=True)


def _check(body: dict[str, Any]) -> str:
    return sha256_bytes(json.dumps(body, sort_keys=True).encode())


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )
