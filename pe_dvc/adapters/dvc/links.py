"""How a cache object gets into the workspace: by the kinds of link that ``cache.type`` allows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.store.atomic_write import atomic_rename, unique, write_new
from pe_dvc.store.local_copies import reflink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        self._folders: set[str] = set()

    def checkout(
        self, source: str, target: str, *, data: bytes | None, executable: bool = False
    ) -> None:
        """Make ``target`` the object ``source``; it appears by one rename.

        ``data`` are the object's bytes where they are in memory, so that a copy need not read it.
        """
        folder = os.path.dirname(target)  # noqa: PTH120 (as in store.files)
        if folder not in self._folders:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        with atomic_rename(target, temporary := f"{folder}/.{unique()}.tmp"):
            self._link(source, temporary, data)
            if executable:
                Path(temporary).chmod(Path(temporary).stat().st_mode | 0o100)

    def _link(self, cached: str, new: str, data: bytes | None) -> None:
        for name in tuple(self._types):
            if name == "copy" and data is not None:
                write_new(new, data)
                return
            source, target = Path(cached), Path(new)
            try:
                _LINKERS[name](source, target)
            except OSError as error:
                target.unlink(missing_ok=True)
                if name == "copy" or not source.exists():
                    raise
                last = error
                if name in self._types:
                    self._types.remove(name)
            else:
                return
        raise PeDvcError(
            f"cannot link {Path(new).parent} to the DVC cache by any way that cache.type allows: "
            f"{last.strerror}",
            remedy="Allow a copy: dvc config --local cache.type reflink,copy.",
        )


def _copy(source: Path, target: Path) -> None:
    # The mode is a new file's, by the umask: the object's own is read-only. And it must be new:
    # what `open_to_fill` says of ext4 holds for an empty file, too.
    shutil.copyfile(source, target)


def _hardlink(source: Path, target: Path) -> None:
    if source.stat().st_size == 0:
        target.touch()  # as DVC does: one object can have only so many links
    else:
        target.hardlink_to(source)


def _symlink(source: Path, target: Path) -> None:
    target.symlink_to(source)


_LINKERS: dict[str, Callable[[Path, Path], None]] = {
    "reflink": reflink,
    "hardlink": _hardlink,
    "symlink": _symlink,
    "copy": _copy,
}
