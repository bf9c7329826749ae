"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(
    path: Path, data: bytes, *, mode: int | None = None, durable: bool = True
) -> None:
    """Write ``data`` to ``path``, making its directory: readers see the old file or the new one.

    ``mode`` is the file's, as of any new file by the umask unless given. ``durable`` puts the
    bytes on disk before the name, so that a power cut leaves no half-written file either; it
    takes some milliseconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:32]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), new_file_mode() if mode is None else mode)
            if durable:
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


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
