"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer


def write_atomically(
    path: Path, data: bytes, *, mode: int | None = None, durable: bool = True
) -> None:
    """Write ``data`` to ``path``, making its directory: readers see the old file or the new one.

    ``mode`` is the file's, as of any new file by the umask unless given. ``durable`` puts the
    bytes on disk before the name, so that a power cut leaves no half-written file either; it
    takes some milliseconds.
    """
    temporary = path.with_name(f".{path.name[:32]}.{unique()}")
    with appearing(path, temporary):
        try:
            write_new(temporary, data, mode=mode, durable=durable)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new(temporary, data, mode=mode, durable=durable)


@contextmanager
def appearing(path: Path, temporary: Path) -> Iterator[None]:
    """Make the file ``temporary`` within: it becomes ``path`` by one rename at the end.

    After an exception nothing is left of it.
    """
    try:
        yield
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_new(path: Path, data: Buffer, *, mode: int | None = None, durable: bool = False) -> None:
    """Write ``data`` to a file that is not there yet, in as few system calls as it takes.

    ``mode`` and ``durable`` as in ``write_atomically``. Raises FileExistsError, and
    FileNotFoundError where its directory is missing.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, 0o666 if mode is None else 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if mode is not None:
            os.fchmod(descriptor, mode)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unique() -> str:
    """Return a part of a file name that nobody else uses."""
    return os.urandom(16).hex()


def new_file_mode() -> int:
    """Return the mode that a file which anybody makes here would get, by the umask."""
    return 0o666 & ~_umask()


def _umask() -> int:
    try:
        # Linux tells it without changing it, as os.umask would for all threads.
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return mask
    line = next(line for line in status.splitlines() if line.startswith("Umask:"))
    return int(line.split()[1], 8)
