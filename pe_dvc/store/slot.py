"""An artifact's place in the cache: one process downloads it, however many want it."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, PeDvcError, VerificationError
from pe_dvc.store.cache_directory import LOCKS
from pe_dvc.store.disk import READ_ONLY, unless_read_only, writing_to
from pe_dvc.store.local_copies import LocalCopy, copy_or_link
from pe_dvc.store.locks import Wait, exclusive, exclusive_byte, lock_name
from pe_dvc.store.partial import PartialFile
from pe_dvc.store.plain_files import open_plain
from pe_dvc.store.port import SINGLE_REQUEST_MAX_BYTES
from pe_dvc.store.verification_record import VerificationRecord, record_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.cache_directory import CacheDirectory

LOCK_TIMEOUT = 3600.0
"""Seconds to wait for another process that is downloading the same artifact."""

_log = logging.getLogger("pe_dvc")


class Slot:
    """An artifact's place in the cache.

    ``path`` is its verified file once it was found or filled, None before. The one way to fill it
    is ``admission``.
    """

    def __init__(
        self, cache: CacheDirectory, sha256: Sha256, size: int, suffix: str, *, reserve: bool = True
    ) -> None:
        self._cache, self._sha256, self._size, self._reserve = cache, sha256, size, reserve
        self._files, self._name = cache.files, f"artifacts/{sha256[:2]}/{sha256}{suffix}"
        self.final = Path(f"{cache.directory}/{self._name}")
        """Where the file is once it is here."""
        self._partial = f"partial/{sha256}.data"
        self.path: Path | None = None

    def hold(self) -> None:
        """Take a lease: the artifact stays until ``release``, or as long as this process lives."""
        self._cache.leases.hold(self._sha256)

    def release(self) -> None:
        """Give back one ``hold``."""
        self._cache.leases.release(self._sha256)

    @contextmanager
    def admission(
        self, copies: Sequence[LocalCopy] = (), *, on_wait: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Find the artifact, or hold the exclusive right to download it within.

        ``path`` tells which: if it is None within, call ``keep`` or use ``filling``. Of many
        processes one downloads and the others wait up to ``LOCK_TIMEOUT`` seconds, each calling
        ``on_wait`` first. Takes a lease that lasts as long as this process, and ``copies`` as
        ``find`` does. Raises StoreUnavailableError when the wait was in vain.
        """
        self.hold()
        if self.find() is not None:
            yield
            return
        with self._writable(), self.download_lock(on_wait):
            from pe_dvc.store.eviction import make_room  # for what comes, something may go

            here = self.find() is not None or self._adopt_one(self._likely(copies))
            if not here and self._reserve:
                make_room(self._cache, self._size)
            yield
            if not here and not self._reserve:
                make_room(self._cache, 0, measured=False)

    def find(
        self, copies: Sequence[LocalCopy] = (), *, on_wait: Callable[[], None] | None = None
    ) -> Path | None:
        """Return the artifact's verified file, None if its bytes are not on this machine.

        Hold a lease before. If one of ``copies`` is the artifact it is taken into the cache, which
        may have to wait as in ``admission``.
        """
        self.path = self._verified()
        if self.path is None and (likely := self._likely(copies)):
            with self._writable(), self.download_lock(on_wait):
                self.path = self._verified()
                if self.path is None:
                    self._adopt_one(likely)
        return self.path

    def download_lock(
        self, on_wait: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]:
        """Keep other processes from downloading the artifact meanwhile.

        What grows in a file is locked as versions of pe_dvc before 2026-11-27 lock it, which may
        use the same cache. What comes at once may come twice.
        """
        wait = Wait(
            LOCK_TIMEOUT,
            doing=f"downloading {self._sha256}",
            remedy="End that process, or set PE_DVC_CACHE_DIR to another directory.",
            on_wait=on_wait,
        )
        bytes_of = f"{LOCKS}/downloads"
        if self._size > SINGLE_REQUEST_MAX_BYTES:
            return exclusive(self._files, lock_name(self._sha256, beside=bytes_of), wait)
        return exclusive_byte(self._files, bytes_of, self._sha256, wait)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """Say what to do where the artifact is not here and the cache may only be read."""
        try:
            yield
        except PeDvcError:
            raise
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            raise PeDvcError(
                f"{self._sha256[:12]} is not in the cache, and {self._cache.directory} cannot be "
                f"written to: {error.strerror}",
                remedy="Set PE_DVC_CACHE_DIR to a directory that you can write to.",
            ) from error

    def keep(self, data: bytes) -> None:
        """Make verified bytes the artifact, read-only. Within ``admission``."""
        self._record(self._cache.write(self._name, data, mode=0o444))

    @contextmanager
    def filling(self) -> Iterator[PartialFile]:
        """Open the partial file to be completed and verified within; then it is the artifact.

        Within ``admission``. What is there stays for the next attempt after any exception but
        NotFoundError and VerificationError, after which no attempt can succeed with it.
        """
        with self.partial() as partial:
            try:
                yield partial
            except (NotFoundError, VerificationError):
                with suppress(FileNotFoundError):
                    self._files.unlink(self._partial)
                raise
            self._admit(partial.file)

    def partial(self) -> PartialFile:
        """Open what is here so far of the artifact, empty if nothing is."""
        return PartialFile(self._files, self._partial, self._size)

    def has_partial(self) -> bool:
        """Tell whether a part of the artifact may be here."""
        try:
            self._files.status(self._partial)
        except FileNotFoundError:
            return False
        return True

    def _verified(self) -> Path | None:
        """Return the file if it is the one that verified, by its inode, size and mtime.

        Another one is hashed, and removed if it was altered.
        """
        try:
            now = VerificationRecord.of(self._files.status(self._name))
            known = VerificationRecord.read(self._files, record_path(self._name))
            if known is not None and known.matches(now):
                self._touch()
            elif self._files.sha256(self._name) != self._sha256:
                _log.warning("%s was altered since it was verified: fetched again", self.final)
                self._files.unlink(self._name)
                return None
            else:
                with unless_read_only():
                    self._cache.write(record_path(self._name), now.after(known).to_bytes())
        except FileNotFoundError:
            return None
        return self.final

    def _touch(self) -> None:
        """Note that the artifact was used now, if we may."""
        with (
            unless_read_only(),
            suppress(FileNotFoundError),
            self._files.parent(record_path(self._name)) as (folder, name),
        ):
            os.utime(name, dir_fd=folder, follow_symlinks=False)

    def _likely(self, copies: Sequence[LocalCopy]) -> list[LocalCopy]:
        return [copy for copy in copies if copy.size() == self._size]

    def _adopt_one(self, copies: Sequence[LocalCopy]) -> bool:
        """Take the first copy whose bytes are the artifact's; tell whether there was one."""
        return any(self._adopt(copy) for copy in copies)

    def _admit(self, verified: OpenFile) -> None:
        """Make the partial file, which verified, the artifact, read-only.

        It need not have reached the disk: see VerificationRecord. Where its name is lost, as
        where the cache was cleared meanwhile, what another has brought will do.
        """
        try:
            os.fchmod(verified.descriptor, 0o444)
        except PermissionError:  # another user of this cache began it
            self._adopt(LocalCopy(verified.path, immutable=False))
            with suppress(FileNotFoundError):
                self._files.unlink(self._partial)
            if self.path is not None:
                return
        found = os.fstat(verified.descriptor)
        try:
            if os.path.samestat(found, self._files.status(self._partial)):
                self._files.rename(self._partial, self._name)
                if os.path.samestat(found, self._files.status(self._name)):
                    self._record(found)
                    return
                self._files.unlink(self._name)
            lost = "replaced"
        except FileNotFoundError:
            lost = "removed"
        self.path = self._verified()
        if self.path is None:
            raise VerificationError(
                f"{verified} was {lost} by another process while it was downloaded",
                remedy="Run it again. If the cache was not cleared, see who may write to it, or "
                "set PE_DVC_CACHE_DIR to a directory of your own.",
            )

    def _adopt(self, copy: LocalCopy) -> bool:
        try:
            with writing_to(self.final), self._files.replacing(self._name) as (folder, new):
                status = copy_or_link(copy, new, folder)
                if _sha256(new, folder) != self._sha256:
                    raise _OtherBytesError
        except (FileNotFoundError, PermissionError, _OtherBytesError):
            return False
        self._record(status)
        return True

    def _record(self, found: os.stat_result) -> None:
        """Write down that a file, whose status is given, is the artifact."""
        record = VerificationRecord.of(found)
        self._cache.write(record_path(self._name), record.to_bytes())
        self.path = self.final


class _OtherBytesError(Exception):
    """A local copy is not the artifact."""


def _sha256(name: str, folder: int) -> Sha256:
    with os.fdopen(open_plain(name, os.O_RDONLY, folder=folder), "rb", 0) as file:
        return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
