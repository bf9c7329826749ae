"""The local cache: verified artifacts and manifests, by sha256, for a user or a group.

A file under its final name is whole, verified and read-only: it arrives there by one rename.
Layout below the cache's directory::

    artifacts/4e/4e92….parquet     payloads; the suffix is the manifest's, for libraries that look
    artifacts/4e/4e92….verified    which file verified, and during which boot; its mtime: last used
    partial/4e92….data             what ranged reads and broken downloads have brought so far
    manifests/4e/4e92….json        manifests, by the sha256 of their own bytes
    chunks/4e/4e92….chunks         chunk lists, by the sha256 of their own bytes
    locks/4e92….lock, locks/leases one download of an artifact at a time; what is being read
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import posixpath
import shutil
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256, check_sha256, sha256_bytes
from pe_dvc.store.atomic_write import appearing, unique, write_new
from pe_dvc.store.local_copies import Nearby, bring, reflink
from pe_dvc.store.locks import Leases, exclusive, leases_of
from pe_dvc.store.partial import PartialFile
from pe_dvc.store.permissions import make_folder, shared_mode
from pe_dvc.store.verification_record import Record, record_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK_TIMEOUT = 3600.0
"""Seconds to wait for another process that is downloading the same artifact."""

_log = logging.getLogger("pe_dvc")


@dataclass
class Room:
    """How many bytes of a cache's limit were left when all of it was last measured.

    To measure it at each of a thousand fetches would cost more than they do.
    """

    size: int = 0
    measured_at: float = -math.inf
    """By the monotonic clock, in seconds."""
    lock: Lock = field(default_factory=Lock)


class Cache:
    """A directory of verified files. Safe for concurrent threads and processes.

    ``limit`` is what it may take, in bytes: artifacts that nobody has used for longest make room.
    """

    def __init__(self, directory: Path, *, limit: int | None = None) -> None:
        self.directory, self.limit, self.room = directory, limit, Room()
        self.looked_through = -math.inf
        """When broken downloads were last looked through, by the monotonic clock."""

    @cached_property
    def leases(self) -> Leases:
        """What this process is reading; hold a lease before you look for an artifact."""
        return leases_of(self.folder("locks") / "leases")

    def folder(self, name: str) -> Path:
        """Return a directory of the cache, made where there is none."""
        folder = Path(f"{self.directory}/{name}")
        if folder.is_dir():
            return folder
        if not self.directory.is_dir():
            make_folder(self.directory.parent)
            self.directory.mkdir(mode=0o700, exist_ok=True)
        return make_folder(folder)

    def artifact_path(self, sha256: Sha256, suffix: str) -> Path:
        """Where the artifact is, or would be; ``suffix`` is that of its path, dot included."""
        check_sha256(sha256)
        return Path(f"{self.directory}/artifacts/{sha256[:2]}/{sha256}{suffix}")

    def find(self, sha256: Sha256, suffix: str) -> Path | None:
        """Return the artifact's verified file, None if it is not here.

        A file that is not the one that verified, by its inode, size or mtime, is hashed again,
        and removed if it was altered.
        """
        path = self.artifact_path(sha256, suffix)
        try:
            record = Record.of(path)
        except FileNotFoundError:
            return None
        known = Record.read(record_path(path))
        if known is not None and known.vouches_for(record):
            touch(record_path(path))
            return path
        if sha256_file(path) != sha256:
            _log.warning("%s was altered since it was verified: it is fetched again", path)
            path.unlink(missing_ok=True)
            return None
        self._write(record_path(path), record.after(known).to_bytes())
        return path

    def partial(self, sha256: Sha256, size: int) -> PartialFile:
        """Open what is here so far of an artifact of ``size`` bytes."""
        self.folder("partial")
        return PartialFile(self._partial_path(sha256), size)

    def has_partial(self, sha256: Sha256) -> bool:
        """Tell whether a part of an artifact may be here."""
        return self._partial_path(sha256).exists()

    def single_flight(
        self, sha256: Sha256, *, on_wait: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the right to download an artifact; others wait up to ``LOCK_TIMEOUT`` seconds.

        ``on_wait`` is called if there is somebody to wait for. Raises StoreUnavailableError when
        the wait was in vain.
        """
        lock = self.folder("locks") / f"{check_sha256(sha256)}.lock"
        return exclusive(
            lock,
            timeout=LOCK_TIMEOUT,
            doing=f"downloading {sha256}",
            remedy="End that process, or set PE_DVC_CACHE_DIR to another directory.",
            on_wait=on_wait,
        )

    def admit(self, temporary: Path, final: Path) -> None:
        """Make a verified temporary file visible under its final name, read-only.

        It need not have reached the disk: see Record.
        """
        make_folder(final.parent)
        if temporary.stat().st_mode & 0o222:
            temporary.chmod(0o444)
        temporary.replace(final)
        self._write(record_path(final), Record.of(final).to_bytes())

    def keep(self, final: Path, data: bytes) -> None:
        """Make verified bytes the artifact of that name, read-only."""
        self._write(final, data, mode=0o444)
        self._write(record_path(final), Record.of(final).to_bytes())

    def adopt(self, source: Nearby, sha256: Sha256, final: Path) -> bool:
        """Take an artifact from a file of this machine, if its bytes are the artifact's.

        Call it within ``single_flight``.
        """
        temporary = self.folder("partial") / f"{sha256}.copy"
        temporary.unlink(missing_ok=True)
        try:
            bring(source, temporary)
            if sha256_file(temporary) != sha256:
                return False
            self.admit(temporary, final)
        except (FileNotFoundError, PermissionError):
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def read_manifest(self, sha256: Sha256) -> bytes | None:
        """Return the manifest whose bytes have that sha256, None if it is not here.

        A file that was altered since is not returned.
        """
        return self._read_small("manifests", sha256, ".json")

    def keep_manifest(self, sha256: Sha256, data: bytes) -> None:
        """Keep a manifest that has that sha256; whether anybody vouches for it, others know."""
        self._keep_small("manifests", sha256, ".json", data)

    def manifests_naming(self, sha256: Sha256) -> Iterator[bytes]:
        """Yield the manifests here, unaltered, that hold a digest anywhere; the newest first.

        Reads them all: some milliseconds for a hundred.
        """
        wanted, paths = sha256.encode(), (self.directory / "manifests").glob("??/*.json")
        for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
            data = path.read_bytes()
            if wanted in data and sha256_bytes(data) == path.stem:
                yield data

    def read_chunk_list(self, sha256: Sha256) -> bytes | None:
        """Return the chunk list whose bytes have that sha256, None if it is not here."""
        return self._read_small("chunks", sha256, ".chunks")

    def keep_chunk_list(self, sha256: Sha256, data: bytes) -> None:
        """Keep a chunk list that has that sha256."""
        self._keep_small("chunks", sha256, ".chunks", data)

    def copy_out(self, cached: Path, output: Path) -> Path:
        """Copy a cached artifact to where a user wants it; it appears there by one rename.

        A copy, not a link: what a user does to it must not reach the cache.
        """
        output = output.absolute()
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = output.with_name(f".{output.name[:32]}.{unique()}")
        with appearing(output, temporary):
            if not reflink(cached, temporary):
                shutil.copyfile(cached, temporary)
        return output

    def _partial_path(self, sha256: Sha256) -> Path:
        return Path(f"{self.directory}/partial/{check_sha256(sha256)}.data")

    def _small_path(self, kind: str, sha256: Sha256, suffix: str) -> Path:
        return Path(f"{self.directory}/{kind}/{check_sha256(sha256)[:2]}/{sha256}{suffix}")

    def _read_small(self, kind: str, sha256: Sha256, suffix: str) -> bytes | None:
        try:
            data = self._small_path(kind, sha256, suffix).read_bytes()
        except FileNotFoundError:
            return None
        return data if sha256_bytes(data) == sha256 else None

    def _keep_small(self, kind: str, sha256: Sha256, suffix: str, data: bytes) -> None:
        self._write(self._small_path(kind, sha256, suffix), data)

    def _write(self, path: Path, data: bytes, *, mode: int | None = None) -> None:
        """Write a file by a rename, without waiting for the disk: its reader checks it.

        It grants the group what its directory does, unless ``mode`` is given.
        """
        try:
            self._write_into(path.parent, path, data, mode)
        except FileNotFoundError:
            folder = self.folder(str(path.parent.relative_to(self.directory)))
            self._write_into(folder, path, data, mode)

    @staticmethod
    def _write_into(folder: Path, path: Path, data: bytes, mode: int | None) -> None:
        granted = shared_mode(folder) if mode is None else mode
        with appearing(path, temporary := f"{folder}/.{unique()}"):
            write_new(temporary, data, mode=granted)


def sha256_file(path: Path) -> Sha256:
    """Return the sha256 of a local file."""
    with path.open("rb", buffering=0) as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())


def touch(path: Path) -> None:
    """Note that something was used now, if we may."""
    with suppress(PermissionError):  # a group's cache that we may only read
        os.utime(path)


def kept_suffix(path: str) -> str:
    """Return the suffix that a cached copy of ``path`` keeps, such as ``.parquet``."""
    suffix = posixpath.splitext(path)[1]
    return suffix if suffix.isascii() and suffix[1:].isalnum() else ""
