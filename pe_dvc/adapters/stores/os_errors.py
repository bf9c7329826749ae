"""What the operating system says of a file, as the errors of pe_dvc."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.store.confined_folders import NoDirectoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def translate_os_errors(operation: str, name: str) -> Iterator[None]:
    """Turn an OSError within into a NotFoundError, StorePermissionError or StoreUnavailableError.

    ``name`` is the object or file that ``operation`` was at work on.
    """
    try:
        yield
    except PeDvcError:
        raise
    except OSError as error:
        raise translated(error, operation, name) from error


def translated(error: OSError, operation: str, name: str) -> PeDvcError:
    """Return pe_dvc's error for an OSError of an ``operation`` on the object or file ``name``."""
    if isinstance(error, NoDirectoryError):
        return StoreUnavailableError(
            f"cannot {operation} {name}: {error.filename} is not a directory",
            operation=operation,
            key=name,
            remedy="Check the address of the store, or move away what is in its place.",
        )
    if isinstance(error, _MISSING):
        return NotFoundError(f"cannot {operation} {name}: it does not exist")
    reason = os.strerror(error.errno) if error.errno else str(error)
    sentence = f"cannot {operation} {name}: {reason}"
    if error.errno in _REFUSED:
        remedy = "Check the owner and the permissions of the directory, and that it is writable."
        return StorePermissionError(sentence, operation=operation, key=name, remedy=remedy)
    remedies = {
        **dict.fromkeys(_FULL, "Free some space there, then try again."),
        **dict.fromkeys(_TOO_MANY, "Allow more open files (ulimit -n 1024), then try again."),
    }
    remedy = remedies.get(error.errno or 0, "")
    return StoreUnavailableError(sentence, operation=operation, key=name, remedy=remedy or None)
