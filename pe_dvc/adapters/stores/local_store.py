"""The store on plain files: a directory, on this machine or mounted.

Writes land in a private directory of the store and take their name in one step, so that a
reader sees an object whole or not at all, whichever process is killed. Objects are plain files:
DVC uses the same directory as its remote.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from pe_dvc.adapters.stores.local_batch import FOLDERS_OPEN, LocalBatch
from pe_dvc.adapters.stores.local_listing import object_info, objects_below
from pe_dvc.adapters.stores.local_names import (
    INCOMING,
    Place,
    mode_of,
    not_written,
    place_of,
    protect,
    replace,
    stamp,
)
from pe_dvc.adapters.stores.os_errors import translate_os_errors, translated
from pe_dvc.primitives.errors import NotFoundError, StoreError
from pe_dvc.primitives.interruption import undone_on_exit
from pe_dvc.store.atomic_write import open_new, open_to_fill
from pe_dvc.store.checks import (
    PRIVATE_PART,
    check_key,
    check_length,
    check_prefix,
    check_upload,
    too_long,
)
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.hard_links import NoHardLinksError, link_new
from pe_dvc.store.hashed_copy import hashed_copy
from pe_dvc.store.left_overs import sweep, temporary_name
from pe_dvc.store.locks import Wait, exclusive
from pe_dvc.store.plain_files import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.primitives.errors import ConflictError
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, Progress

LOCK = "/".join((PRIVATE_PART, "locks", "write"))
REMEDY = "A store keeps everything below its own directory: put a real directory there."
LOCK_TIMEOUT = 30.0
"""Seconds that ``compare_and_swap`` waits for another writer."""


class _NewFile(NamedTuple):
    """A file being written: the descriptor of its directory, its name there, and itself."""

    folder: int
    name: str
    file: IO[bytes]


class LocalStore:
    """The store of a directory; a directory that does not exist yet is an empty store."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._tree = ConfinedTree(self._root, remedy=REMEDY)
        self._swept = False

    @property
    def url(self) -> str:
        """The directory."""
        return str(self._root)

    def head(self, key: str) -> ObjectInfo:
        """See Store.head."""
        with self._opened("read", key) as file:
            return object_info(key, os.fstat(file.fileno()))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See Store.read."""
        with self._opened("read", key) as file:
            info, data = object_info(key, os.fstat(file.fileno())), file.read(limit + 1)
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, info

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See Store.read_range."""
        with self._opened("read", key) as file:
            file.seek(start)
            return file.read(length)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.create."""
        with self._writing("write", key) as new:
            new.file.write(data)
            return self._publish(key, new, replaces=False)

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        """See Store.compare_and_swap."""
        if etag is None:
            return self.create(key, data)
        with self._locked(key):
            try:
                found = self.head(key).etag
            except NotFoundError:
                raise self._conflict(key, "it does not exist any more") from None
            if found != etag:
                raise self._conflict(key, "another process wrote it in the meantime")
            return self.overwrite(key, data)

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.overwrite."""
        with self._writing("write", key) as new:
            new.file.write(data)
            return self._publish(key, new)

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        """See Store.upload."""
        with (
            translate_os_errors("upload", str(path)),
            open_to_read(path) as source,
            self._writing("upload", key) as new,
        ):
            digest, _ = hashed_copy(source, new.file, progress)
            check_upload(key, expected=sha256, actual=digest, source=str(path))
            self._publish_payload(key, new)
            return digest

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """See Store.write_blocks."""
        with self._writing("write", key) as new:
            new.file.writelines(blocks)
            self._publish_payload(key, new)

    @contextmanager
    def batch(self) -> Iterator[LocalBatch]:
        """See Store.batch."""
        tree = ConfinedTree(self._root, remedy=REMEDY, keep_open=FOLDERS_OPEN)
        batch = LocalBatch(tree, self.url)
        try:
            with undone_on_exit(batch.discard):
                yield batch
                batch.finish()
        finally:
            batch.discard()
            batch.close()

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See Store.download."""
        with self._opened("download", key) as source:
            length = os.fstat(source.fileno()).st_size
            check_length(key, expected=size, actual=length, source=self.url)
            with (
                translate_os_errors("download to", str(path)),
                writing_to(path),
                open_to_fill(path, size) as target,
            ):
                digest, copied = hashed_copy(source, target, progress)
        check_length(key, expected=size, actual=copied, source=self.url)
        return digest

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See Store.list."""
        bare = check_prefix(prefix)
        with translate_os_errors("list", f"{self.url}/{bare}"):
            yield from objects_below(self._tree, bare)

    def delete(self, keys: Iterable[str]) -> None:
        """See Store.delete."""
        from pe_dvc.store.deletion import delete_each

        delete_each([check_key(key) for key in keys], self._delete)

    purge = delete

    def _delete(self, key: str) -> StoreError | None:
        try:
            self._tree.unlink(key)
        except OSError as error:
            problem = translated(error, "delete", f"{self.url}/{key}")
            if isinstance(problem, StoreError):
                return problem
            if not isinstance(problem, NotFoundError):
                raise problem from error
        return None

    @contextmanager
    def _writing(self, operation: str, key: str) -> Iterator[_NewFile]:
        """Yield a temporary file for an object about to be written; say what failed."""
        with translate_os_errors(operation, f"{self.url}/{key}"), self._temporary() as temporary:
            yield temporary

    @contextmanager
    def _opened(self, operation: str, key: str) -> Iterator[IO[bytes]]:
        with (
            translate_os_errors(operation, f"{self.url}/{key}"),
            os.fdopen(self._tree.open_file(check_key(key), os.O_RDONLY), "rb") as file,
        ):
            yield file

    @contextmanager
    def _temporary(self) -> Iterator[_NewFile]:
        """Yield a new file in the private directory, of the user's usual permissions."""
        with self._tree.parent(f"{INCOMING}/{temporary_name()}", make=True) as (folder, name):
            if not self._swept:
                self._swept = True
                sweep(folder)

            def discard() -> None:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)

            try:
                with undone_on_exit(discard), open_new(name, folder=folder) as file:
                    yield _NewFile(folder, name, file)
            finally:
                discard()

    def _publish_payload(self, key: str, new: _NewFile) -> None:
        protect(new.file.fileno())
        self._publish(key, new)

    def _publish(self, key: str, new: _NewFile, *, replaces: bool = True) -> ObjectInfo:
        new.file.flush()
        stamp(new.file.fileno())
        os.fsync(new.file.fileno())
        try:
            with place_of(self._tree, self.url, key) as place:
                if replaces:
                    replace(new.name, new.folder, place, named=f"{self.url}/{key}")
                else:
                    self._take_name(key, new, place)
                os.fsync(place.folder)
        except FileExistsError:
            raise self._exists(key) from None
        return object_info(key, os.fstat(new.file.fileno()))

    def _take_name(self, key: str, new: _NewFile, place: Place) -> None:
        folder, name = place.folder, place.name
        try:
            link_new(new.name, name, source=new.folder, folder=folder)
        except NoHardLinksError:
            with self._locked(key):
                if mode_of(folder, name):
                    raise self._exists(key) from None
                os.replace(new.name, name, src_dir_fd=new.folder, dst_dir_fd=folder)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        wait = Wait(
            LOCK_TIMEOUT,
            doing=f"writing to {self.url}",
            remedy="Try again once the other writer is done.",
        )
        with translate_os_errors("write", f"{self.url}/{key}"), exclusive(self._tree, LOCK, wait):
            yield

    def _exists(self, key: str) -> ConflictError:
        return self._conflict(key, "it exists already")

    def _conflict(self, key: str, why: str) -> ConflictError:
        return not_written(self.url, key, why)
