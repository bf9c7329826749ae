"""A full disk of this machine, told apart from a store that fails."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.atomic_write import OpenFile

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])


@contextmanager
def writing_to(path: Path | OpenFile) -> Iterator[None]:
    """Raise DiskFullError, which names ``path``, where it has no room for what is written within.

    Other OSErrors that name no file, as those of a descriptor do, name this one.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(Path(str(path)), os.strerror(error.errno)) from error
        error.filename = error.filename or str(path)
        raise
