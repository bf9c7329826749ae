"""What a reader has verified: the metadata that a rollback is measured against.

The TUF specification (https://theupdateframework.github.io/specification/v1.0.33/) has a
client persist each file as soon as it verifies (5.3.8, 5.4.5, 5.5.7, 5.6.6), and python-tuf does.
That is too soon here: metadata of another country signed by a shared key would verify up to the
last step, and stay. So tuf works on a copy, which becomes the state only once all of it, down to
the pointers, was accepted. Roots are the exception: each is vouched for by the one before, so
they stay even if what lies below them is refused. Otherwise a thief could hide the root that took
the stolen keys away from a reader who has seen it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.store.atomic_write import write_atomically
from pe_dvc.store.locks import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ReaderState:
    """The verified metadata of one country, store and root, in ``directory``."""

    def __init__(self, directory: Path, lock_timeout: float) -> None:
        self.directory, self._lock_timeout = directory, lock_timeout

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out, so that no older state replaces a newer one.

        Raises StoreUnavailableError if another process holds on to it, and PeDvcError if the
        directory cannot be written.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(
                self.directory / ".lock",
                timeout=self._lock_timeout,
                doing="reading these channels",
                remedy="Let it finish, or end it, and try again.",
            ):
                yield
        except OSError as error:
            raise PeDvcError(
                f"what was last verified cannot be kept in {self.directory}: {error.strerror}",
                remedy="Set PE_DVC_STATE_DIR to a directory that you can write to.",
            ) from error

    def copy_to(self, work: Path) -> None:
        """Give tuf a copy to work on."""
        for file in self._files(self.directory):
            target = work / file.relative_to(self.directory)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target)

    def keep(self, work: Path) -> None:
        """Make what is in ``work`` the state: the timestamp, which leads to all others, comes last.

        Its file's time is when the state was last verified.
        """
        files = self._files(work)
        for file in sorted(files, key=lambda file: file.name == "timestamp.json"):
            self._keep(file, self.directory / file.relative_to(work))
        os.utime(self.directory / "timestamp.json")

    def keep_roots(self, work: Path) -> None:
        """Keep the roots of a refresh that was refused below them (5.3.8)."""
        for file in sorted(work.glob("root_history/*.json")):
            self._keep(file, self.directory / file.relative_to(work))

    @staticmethod
    def _keep(file: Path, kept: Path) -> None:
        data = file.read_bytes()
        if not kept.is_file() or kept.read_bytes() != data:
            # A file torn by a power cut does not verify and is read again.
            write_atomically(kept, data, mode=0o600, durable=False)

    @staticmethod
    def _files(directory: Path) -> list[Path]:
        """Return metadata files, without tuf's link to the current root."""
        found = [*directory.glob("*.json"), *directory.glob("root_history/*.json")]
        return [file for file in found if file.is_file() and not file.is_symlink()]
