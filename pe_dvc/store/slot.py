"""An artifact's place in the cache: one process downloads it, however many want it."""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.store.cache_directory import CacheDirectory, sha256_file
from pe_dvc.store.disk import writing_to
from pe_dvc.store.eviction import make_room
from pe_dvc.store.local_copies import LocalCopy, copy_or_link
from pe_dvc.store.locks import exclusive
from pe_dvc.store.partial import PartialFile
from pe_dvc.store.verification_record import VerificationRecord, record_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.primitives.digest import Sha256

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
        self.final = Path(f"{cache.directory}/artifacts/{sha256[:2]}/{sha256}{suffix}")
        """Where the file is once it is here."""
        self._partial = Path(f"{cache.directory}/partial/{sha256}.data")
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
        with self.download_lock(on_wait):
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
            with self.download_lock(on_wait):
                self.path = self._verified()
                if self.path is None:
                    self._adopt_one(likely)
        return self.path

    def download_lock(
        self, on_wait: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]:
        """Keep other processes from downloading the artifact meanwhile."""
        return exclusive(
            self._cache.folder("locks") / f"{self._sha256}.lock",
            timeout=LOCK_TIMEOUT,
            doing=f"downloading {self._sha256}",
            remedy="End that process, or set PE_DVC_CACHE_DIR to another directory.",
            on_wait=on_wait,
        )

    def keep(self, data: bytes) -> None:
        """Make verified bytes the artifact, read-only. Within ``admission``."""
        self._cache.write(self.final, data, mode=0o444)
        self._record()

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
                partial.path.unlink(missing_ok=True)
                raise
            self._admit(partial.path)

    def partial(self) -> PartialFile:
        """Open what is here so far of the artifact, empty if nothing is."""
        self._cache.folder("partial")
        return PartialFile(self._partial, self._size)

    def has_partial(self) -> bool:
        """Tell whether a part of the artifact may be here."""
        return self._partial.exists()

    def _verified(self) -> Path | None:
        """Return the file if it is the one that verified, by its inode, size and mtime.

        Another one is hashed, and removed if it was altered.
        """
        try:
            now = VerificationRecord.of(self.final)
        except FileNotFoundError:
            return None
        known = VerificationRecord.read(record_path(self.final))
        if known is not None and known.matches(now):
            _touch(record_path(self.final))
        elif sha256_file(self.final) != self._sha256:
            _log.warning("%s was altered since it was verified: it is fetched again", self.final)
            self.final.unlink(missing_ok=True)
            return None
        else:
            self._cache.write(record_path(self.final), now.after(known).to_bytes())
        return self.final

    def _likely(self, copies: Sequence[LocalCopy]) -> list[LocalCopy]:
        return [copy for copy in copies if copy.size() == self._size]

    def _adopt_one(self, copies: Sequence[LocalCopy]) -> bool:
        """Take the first copy whose bytes are the artifact's; tell whether there was one."""
        return any(self._adopt(copy) for copy in copies)

    def _adopt(self, copy: LocalCopy) -> bool:
        temporary = self._cache.folder("partial") / f"{self._sha256}.copy"
        temporary.unlink(missing_ok=True)
        try:
            with writing_to(temporary):
                copy_or_link(copy, temporary)
            if sha256_file(temporary) != self._sha256:
                return False
            self._admit(temporary)
        except (FileNotFoundError, PermissionError):
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _admit(self, temporary: Path) -> None:
        """Make a verified file the artifact, read-only.

        It need not have reached the disk: see VerificationRecord.
        """
        self._cache.folder(f"artifacts/{self._sha256[:2]}")
        if temporary.stat().st_mode & 0o222:
            temporary.chmod(0o444)
        temporary.replace(self.final)
        self._record()

    def _record(self) -> None:
        record = VerificationRecord.of(self.final)
        self._cache.write(record_path(self.final), record.to_bytes())
        self.path = self.final


def _touch(path: Path) -> None:
    """Note that something was used now, if we may."""
    with suppress(PermissionError):  # a group's cache that we may only read
        os.utime(path)
