"""How a cache object gets into the workspace: by the kinds of link that ``cache.type`` allows."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.store.atomic_write import write_new
from pe_dvc.store.local_copies import copy_bytes, reflink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.store.confined import ConfinedTree

DEFAULT_TYPES = ("reflink", "copy")


class Links:
    """Puts objects into the workspace by the first of DVC's link ``types`` that works here.

    A type that the file system refuses once is not tried again. Raises FormatError for a type
    that DVC does not know.
    """

    def __init__(self, types: Sequence[str] = DEFAULT_TYPES) -> None:
        unknown = [name for name in types if name not in _LINKERS]
        if unknown or not types:
            raise FormatError(
                f"{', '.join(unknown) or 'nothing'} is not a kind of link: expected some of "
                f"{', '.join(_LINKERS)}",
                where="cache.type in DVC's configuration",
            )
        self._types = list(types)

    def checkout(
        self,
        source: str,
        tree: ConfinedTree,
        path: str,
        *,
        data: bytes | None,
        executable: bool = False,
    ) -> None:
        """Make ``path`` of ``tree`` the object ``source``; it appears by one rename.

        ``data`` are the object's bytes where they are in memory, so that a copy need not read it.
        """
        with tree.replacing(path) as (folder, new):
            self._link(source, folder, new, data)
            if executable:
                mode = os.stat(new, dir_fd=folder).st_mode
                os.chmod(new, mode | 0o100, dir_fd=folder)

    def _link(self, source: str, folder: int, new: str, data: bytes | None) -> None:
        for name in tuple(self._types):
            if name == "copy" and data is not None:
                write_new(new, data, folder=folder)
                return
            try:
                _LINKERS[name](source, folder, new)
            except OSError as error:
                with suppress(FileNotFoundError):
                    os.unlink(new, dir_fd=folder)
                if name == "copy" or not Path(source).exists():
                    raise
                last = error
                if name in self._types:
                    self._types.remove(name)
            else:
                return
        raise PeDvcError(
            "cannot link the workspace to the DVC cache by any way that cache.type allows: "
            f"{last.strerror}",
            remedy="Allow a copy: dvc config --local cache.type reflink,copy.",
        )


def _reflink(source: str, folder: int, new: str) -> None:
    reflink(source, new, folder=folder)


def _copy(source: str, folder: int, new: str) -> None:
    # The mode is a new file's, by the umask: the object's own is read-only. And it must be new:
    # what `open_to_fill` says of ext4 holds for an empty file, too.
    copy_bytes(source, new, folder=folder)


def _hardlink(source: str, folder: int, new: str) -> None:
    if Path(source).stat().st_size == 0:
        write_new(new, b"", folder=folder)  # as DVC does: an object can have only so many links
    else:
        os.link(source, new, dst_dir_fd=folder, follow_symlinks=False)


def _symlink(source: str, folder: int, new: str) -> None:
    os.symlink(source, new, dir_fd=folder)


_LINKERS: dict[str, Callable[[str, int, str], None]] = {
    "reflink": _reflink,
    "hardlink": _hardlink,
    "symlink": _symlink,
    "copy": _copy,
}
