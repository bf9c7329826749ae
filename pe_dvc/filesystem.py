"""``pe-data://`` for everything that reads through fsspec: pandas, pyarrow, polars, duckdb, dask.

A path is a reference without its scheme: ``us/enhanced_cps_2024@latest``. The file system shows
each country's datasets once for each channel that has them; a pin is a file, too, though none is
listed. A dataset that is a directory is one: ``us/states@latest/AL.h5``. Loaded by fsspec when the
protocol is first used (entry point ``fsspec.specs``).
"""

from __future__ import annotations

import errno
import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

from fsspec.spec import AbstractFileSystem

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_country, say_which_there_are
from pe_dvc.primitives.pyarrow_exit import wait_at_exit
from pe_dvc.primitives.reference import SCHEME, Reference
from pe_dvc.usecases.read.folder_tree import FolderTree, file_entry, folder_entry

if TYPE_CHECKING:
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.reader_stores import GivenStore
    from pe_dvc.usecases.read.resolve import Resolved
    from pe_dvc.usecases.read.verified_file import VerifiedFile

FRESH = 60
"""Seconds for which programs that ask for the file system again get the same one."""


class _Now:
    """A class attribute that is another one every ``FRESH`` seconds."""

    def __get__(self, instance: object, owner: type) -> int:
        return int(time.monotonic() // FRESH)


class PeDataFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The datasets of all countries, read-only and verified.

    ``store`` and ``offline`` are as in ``pe_dvc.fetch``.

    One instance is one view: what ``@latest`` meant when it was first asked, it means until
    ``invalidate_cache``, so that a long scan never mixes two artifacts. fsspec hands out an
    instance again for a minute at most, so that a long process sees new releases.
    """

    protocol = SCHEME
    root_marker = ""
    _current = _Now()
    _extra_tokenize_attributes = ("_current",)

    def __init__(self, store: GivenStore = None, offline: bool = False, **options: Any) -> None:
        super().__init__(store=store, offline=offline, **options)
        self.store, self.offline = store, offline
        self._born = self._current
        self.invalidate_cache()
        _forget_older(type(self), self._current)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what references meant: the channels are asked again."""
        self.view = uuid4().hex
        self.readers: dict[str, Reader] = {}
        self.resolved: dict[str, Resolved] = {}
        self._folders: dict[str, FolderTree] = {}

    def resolve(self, path: str) -> Resolved:
        """Return what a path means in this view. Raises as ``pe_dvc.resolve``."""
        from pe_dvc.project.reader_snapshot import taken_along

        resolved = self._meant(path)
        return taken_along(self._reader(resolved.reference.country), resolved)

    def _meant(self, path: str) -> Resolved:
        bare = self._strip_protocol(path)
        if bare not in self.resolved:
            reference = Reference.parse(bare)
            self.resolved[bare] = self._reader(reference.country).resolve(reference)
        return self.resolved[bare]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as this view: what it has resolved means the same in other processes."""
        from pe_dvc.project.filesystem_view import reduced

        return reduced(self)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size, type, and of a dataset also its sha256 and its pinned reference."""
        bare = self._strip_protocol(path)
        try:
            if self._inside(bare) is not None:
                return self._member(bare)
            return self._dataset(bare) if "@" in bare else self._directory(bare)
        except NotFoundError:
            if _asked_by_pyarrow():
                return file_entry(bare, None, "")
            raise

    def _dataset(self, bare: str) -> dict[str, Any]:
        resolved = self._meant(bare)
        pinned = {"pinned": str(resolved.pinned), "sha256": resolved.sha256}
        if resolved.payload.is_directory:
            return folder_entry(bare) | pinned
        return file_entry(bare, resolved.payload.size, resolved.sha256) | pinned

    def _member(self, bare: str) -> dict[str, Any]:
        whole, tree = self._tree(bare)
        found = tree.entry(str(self._inside(bare)), whole)
        if found["type"] == "file":
            found["pinned"] = f"{self._meant(whole).pinned}/{self._inside(bare)}"
        return found

    def _tree(self, bare: str) -> tuple[str, FolderTree]:
        """Return the dataset that a path is in, and its files."""
        whole = str(replace(Reference.parse(bare), member=None)).removeprefix(f"{SCHEME}://")
        if whole not in self._folders:
            resolved = self._meant(whole)
            reader = self._reader(resolved.reference.country)
            self._folders[whole] = FolderTree(reader.members(resolved))
        return whole, self._folders[whole]

    def _inside(self, bare: str) -> str | None:
        """Return the path in a dataset that a path has, None of a dataset or a folder of some."""
        return Reference.parse(bare).member if "@" in bare else None

    def _directory(self, bare: str) -> dict[str, Any]:
        self.ls(bare, detail=False)
        return folder_entry(bare)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List the countries that have a pinned root, or what lies below a country."""
        bare = self._strip_protocol(path)
        if "@" in bare:
            entry = self.info(bare)
            found = [entry] if entry["type"] == "file" else self._inner(bare)
        elif not bare:
            found = [folder_entry(country) for country in self._countries()]
        else:
            found = self._below(bare)
        return found if detail else [entry["name"] for entry in found]

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether there is such a file or folder; what does not verify raises."""
        bare = self._strip_protocol(path)
        try:
            if "@" in bare:
                Reference.parse(bare)
        except FormatError:
            return False
        try:
            self.info(bare)
        except FileNotFoundError:
            return False
        return True

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: Any = None,
        **options: Any,
    ) -> Any:
        """Walk as fsspec does, which ``find`` and ``glob`` use; a store that fails raises.

        fsspec itself takes any OSError for an empty folder.
        """
        on_error = on_error or _unless_missing
        return super().walk(path, maxdepth, topdown, on_error, **options)

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **options: Any,
    ) -> Any:
        """Find as fsspec does; pyarrow wants paths that begin with the one that it asked for."""
        found = super().find(path, maxdepth, withdirs, detail, **options)
        if path.startswith(f"{SCHEME}://") and _asked_by_pyarrow() and detail:
            return {f"{SCHEME}://{name}": entry for name, entry in found.items()}
        return found

    def isfile(self, path: str) -> bool:
        """Tell whether there is such a dataset; what does not verify raises."""
        return _asked_by_pyarrow() or self._is(path, "file")

    def isdir(self, path: str) -> bool:
        """Tell whether a country, a folder of datasets or one in a dataset is of that name."""
        return self._is(path, "directory")

    def _is(self, path: str, kind: str) -> bool:
        return self.exists(path) and bool(self.info(path)["type"] == kind)

    def checksum(self, path: str) -> int:
        """Return the artifact's sha256 as a number."""
        return int(self._meant(path).sha256, 16)

    def modified(self, path: str) -> datetime:
        """Return when the artifact was built. Raises NotImplementedError where no one says."""
        built_at = self._meant(path).manifest.build.built_at
        if built_at is None:
            raise NotImplementedError(f"when {path} was built is not known")
        return datetime.fromisoformat(built_at)

    created = modified

    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> VerifiedFile:
        from pe_dvc.project.reader_snapshot import open_here

        if mode != "rb":
            self._refuse(path)
        resolved = self._meant(path)
        return open_here(self._reader(resolved.reference.country), resolved)

    def _inner(self, bare: str) -> list[dict[str, Any]]:
        whole, tree = self._tree(bare)
        return tree.entries(self._inside(bare) or "", whole)

    def _below(self, path: str) -> list[dict[str, Any]]:
        country, _, folder = path.partition("/")
        try:
            reader = self._reader(check_country(country))
        except FormatError as error:
            raise NotFoundError(error.message, remedy=error.remedy) from error
        listed = reader.ls()
        prefix = f"{folder}/" if folder else ""
        found = {}
        for entry in listed:
            if entry.name.startswith(prefix):
                head, slash, _ = entry.name[len(prefix) :].partition("/")
                name = f"{country}/{prefix}{head}"
                if slash:
                    found[name] = folder_entry(name)
                else:
                    name = f"{name}@{entry.channel}"
                    found[name] = file_entry(name, entry.size, entry.sha256)
        if not found and folder:
            names = [entry.name for entry in listed]
            raise NotFoundError(
                f"no dataset of {country} is below {folder!r}",
                remedy=say_which_there_are(folder, names),
            )
        return [found[name] for name in sorted(found)]

    def _countries(self) -> list[str]:
        from pe_dvc.project.trust import trusted_countries

        return trusted_countries()

    def _reader(self, country: str) -> Reader:
        from pe_dvc.project.reader import Reader
        from pe_dvc.usecases.progress import Notes

        if country not in self.readers:
            self.readers[country] = Reader(
                country, store=self.store, reporter=Notes(), offline=self.offline
            )
        return self.readers[country]

    def _refuse(self, path: str, *_: Any, **__: Any) -> NoReturn:
        raise OSError(
            errno.EROFS, "pe-data:// is read-only: datasets are published by pe-dvc push", path
        )

    mkdir = makedirs = rmdir = touch = rm = rm_file = _rm = _refuse
    mv = cp_file = copy = pipe_file = put_file = _refuse


def _asked_by_pyarrow() -> bool:
    """Tell whether pyarrow called the function that calls this.

    Of a missing file it raises an error of its own that has the path and nothing else. So it is
    told that there is one: opening that raises ours, which says what there is, and what to do.
    """
    return bool(sys._getframe(2).f_globals.get("__name__") == "pyarrow.fs")


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _forget_older(kind: Any, current: int) -> None:
    """Drop earlier views, which fsspec would keep as long as the process lives."""
    for token, instance in list(kind._cache.items()):
        if instance._born != current:
            kind._cache.pop(token, None)


wait_at_exit(PeDataFileSystem)
