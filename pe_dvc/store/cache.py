"""The local cache: verified artifacts and manifests, by sha256, for all processes of a user.

A file under its final name is whole, verified and read-only: it arrives there by one rename.
Layout below the cache's directory::

    artifacts/4e/4e92….parquet     payloads; the suffix is the manifest's, for libraries that look
    manifests/4e/4e92….json        manifests, by the sha256 of their own bytes
    partial/4e92….XXXX             downloads under way
    locks/4e92….lock               one download of an artifact at a time
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256, check_sha256, sha256_bytes
from pe_dvc.primitives.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_TIMEOUT = 3600.0
"""Seconds to wait for another process that is downloading the same artifact."""


class Cache:
    """A directory of verified files. Safe for concurrent threads and processes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def artifact_path(self, sha256: Sha256, suffix: str) -> Path:
        """Where the artifact is, or would be; ``suffix`` is that of its path, dot included."""
        check_sha256(sha256)
        return self.directory / "artifacts" / sha256[:2] / (sha256 + suffix)

    def read_manifest(self, sha256: Sha256) -> bytes | None:
        """Return the manifest whose bytes have that sha256, None if it is not here.

        A file that was altered since is not returned.
        """
        try:
            data = self._manifest_path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        return data if sha256_bytes(data) == sha256 else None

    def keep_manifest(self, sha256: Sha256, data: bytes) -> None:
        """Keep a manifest that was verified to have that sha256."""
        with self.new_file(sha256) as path:
            path.write_bytes(data)
            self.admit(path, self._manifest_path(sha256))

    @contextlib.contextmanager
    def new_file(self, sha256: Sha256) -> Iterator[Path]:
        """Give a temporary file in the cache; it is removed unless it was admitted."""
        folder = self.directory / "partial"
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{sha256}.", dir=folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108

    def admit(self, temporary: Path, final: Path) -> None:
        """Make a verified temporary file visible under its final name, read-only and durable."""
        final.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o444)
        temporary.replace(final)

    def copy_out(self, cached: Path, output: Path) -> Path:
        """Copy a cached artifact to where a user wants it; it appears there by one rename.

        A copy, not a link: what a user does to it must not reach the cache.
        """
        output = output.absolute()
        output.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
        os.close(handle)
        try:
            shutil.copyfile(cached, name)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return output

    @contextlib.contextmanager
    def single_flight(self, sha256: Sha256) -> Iterator[None]:
        """Hold the right to download an artifact; others wait up to ``LOCK_TIMEOUT`` seconds.

        Raises StoreUnavailableError when the wait was in vain.
        """
        from filelock import FileLock, Timeout

        lock = self.directory / "locks" / f"{sha256}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=LOCK_TIMEOUT):
                yield
        except Timeout:
            raise StoreUnavailableError(
                f"another process has been downloading {sha256} for over {LOCK_TIMEOUT:.0f} s",
                operation="lock",
                key=str(lock),
                remedy="End that process, or set PE_DVC_CACHE_DIR to another directory.",
            ) from None

    def _manifest_path(self, sha256: Sha256) -> Path:
        check_sha256(sha256)
        return self.directory / "manifests" / sha256[:2] / f"{sha256}.json"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def suffix_of(path: str) -> str:
    """Return the suffix that a cached copy of ``path`` keeps, such as ``.parquet``."""
    suffix = PurePosixPath(path).suffix
    return suffix if suffix.isascii() and suffix[1:].isalnum() else ""
