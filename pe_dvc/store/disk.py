"""A disk of this machine that is full, or that may only be read."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DiskFullError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.atomic_write import OpenFile

READ_ONLY = frozenset([errno.EACCES, errno.EPERM, errno.EROFS])
"""What the operating system says where this user may not write."""
_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])


@contextmanager
def unless_read_only() -> Iterator[None]:
    """Leave undone what is written within, where this user may only read.

    For notes that save time: a cache may be part of an image, or a group's.
    """
    try:
        yield
    except PeDvcError:
        raise
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise


class writing_to:  # noqa: N801 - used as a function
    """Raise DiskFullError, which names ``path``, where it has no room for what is written within.

    Other OSErrors that name no file, as those of a descriptor do, name this one.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path | OpenFile | str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, PeDvcError):
            return
        if error.errno in _FULL:
            raise DiskFullError(Path(str(self._path)), os.strerror(error.errno)) from error
        error.filename = error.filename or str(self._path)
