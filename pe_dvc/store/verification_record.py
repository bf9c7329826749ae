"""What the cache remembers of a file that it has verified, so as not to hash it every time."""

from __future__ import annotations

import posixpath
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Self

from pe_dvc.store.process_identity import boot_id

if TYPE_CHECKING:
    import os

    from pe_dvc.store.confined import ConfinedTree

_DURABLE = "durable"
_this_boot = cache(boot_id)


class VerificationRecord(NamedTuple):
    """A file as it was when its digest was right: ``stamp`` is its inode, size and mtime.

    A verified file has not always reached the disk, and to wait for that costs more than to
    hash it. So a record holds good during the boot that it was made in, and one made of a file
    that was hashed again after a reboot holds good from then on.
    """

    stamp: str
    boot: str

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Return what is to be recorded of a file now."""
        stamp = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
        return cls(stamp=stamp, boot=_this_boot())

    @classmethod
    def read(cls, files: ConfinedTree, path: str) -> Self | None:
        """Return what was recorded, None if nothing was, or if it was damaged."""
        try:
            data = files.read(path)
        except FileNotFoundError:
            return None
        try:
            stamp, boot = data.decode("ascii").split()
        except ValueError:
            return None
        return cls(stamp=stamp, boot=boot)

    def to_bytes(self) -> bytes:
        """Return the content of the file that keeps the record."""
        return f"{self.stamp} {self.boot}\n".encode()

    def matches(self, now: VerificationRecord) -> bool:
        """Tell whether the file that is there now is the one recorded, safe on disk or not."""
        return self.stamp == now.stamp and self.boot in (now.boot, _DURABLE)

    def after(self, known: VerificationRecord | None) -> VerificationRecord:
        """Return what to record of a file that was hashed again; ``known`` is the old record."""
        survived = known is not None and known.stamp == self.stamp and known.boot != self.boot
        return self._replace(boot=_DURABLE) if survived else self


def record_path(artifact: str) -> str:
    """Where the record of a cached artifact lies; both are paths in the cache."""
    return f"{posixpath.splitext(artifact)[0]}.verified"
