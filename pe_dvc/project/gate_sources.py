"""Where gates find the manifests and files that pointers sign."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.git_manifests import committed_manifest
from pe_dvc.project.repo_files import read_manifests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.adapters.tables.column_data import ColumnData
    from pe_dvc.adapters.tables.data_file import DataFile
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.published import PublishedPointers
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.progress import Reporter


class Sources:
    """Manifests and files: those here or in git where they are the signed ones, else the store's.

    The reader verifies what it fetches against the pointer.
    """

    def __init__(self, repo: DataRepo, store: str | None, reporter: Reporter | None) -> None:
        self._repo, self._store, self._reporter = repo, store, reporter
        self._fetched: TemporaryDirectory[str] | None = None

    @cached_property
    def _here(self) -> Mapping[str, tuple[Manifest, bytes]]:
        return read_manifests(self._repo.tree, self._repo.settings, Manifest)

    @cached_property
    def store(self) -> Store:
        """The repo's bucket, or the one that was given."""
        return self._repo.open_store(self._store)

    @cached_property
    def reader(self) -> Reader:
        """A reader of that bucket."""
        from pe_dvc.project.reader import Reader

        return Reader(self._repo.country, store=self.store, reporter=self._reporter)

    @property
    def published(self) -> PublishedPointers:
        """What was published there."""
        from pe_dvc.project.published import PublishedPointers

        return PublishedPointers(self._repo, self.store, self.reader)

    def manifest(self, pointer: Pointer) -> Manifest:
        """Return the manifest that a pointer signs."""
        manifest, data = self._here.get(pointer.name, (None, b""))
        if manifest is not None and sha256_bytes(data) == pointer.manifest_sha256:
            return manifest
        committed = committed_manifest(self._repo, pointer)
        if committed is not None:
            return committed[0]
        return self.reader.resolve_pointer(pointer).manifest

    def data(self, pointer: Pointer, manifest: Manifest) -> ColumnData:
        """Return the columns of the file that a pointer signs, fetched if it is not here."""
        from pe_dvc.adapters.tables.column_data import ColumnData

        file = self.file(pointer, manifest)
        return ColumnData(file.path, manifest.table.format, file.label, file.rule, file.hints)

    def file(self, pointer: Pointer, manifest: Manifest) -> DataFile:
        """Return the file that a pointer signs, fetched if it is not here."""
        from pe_dvc.adapters.tables.data_file import DataFile

        columns = [column for table in manifest.table.tables for column in table.columns]
        return DataFile(
            path=self.path(pointer, manifest),
            label=manifest.artifact.path,
            rule=self._repo.settings.disclosure_rule,
            hints=Hints(types={column.name: column.type for column in columns}),
        )

    def path(self, pointer: Pointer, manifest: Manifest) -> Path:
        """Return where the file that a pointer signs is, fetched if it is not here."""
        path = self._repo.root / manifest.artifact.path
        if self._is_here(path, pointer, manifest.artifact.is_directory):
            return path
        return self._fetch(pointer, manifest)

    def _is_here(self, path: Path, pointer: Pointer, is_directory: bool) -> bool:
        from pe_dvc.adapters.digests import DigestCache
        from pe_dvc.adapters.directories import members_of_workspace
        from pe_dvc.adapters.member_digests import MemberDigests

        if is_directory:
            members = members_of_workspace(path, MemberDigests(self._repo.root))
            return members is not None and members.dir_hash == pointer.sha256
        root = self._repo.root
        return path.is_file() and DigestCache(root).digest(path).sha256 == pointer.sha256

    def _fetch(self, pointer: Pointer, manifest: Manifest) -> Path:
        output = None
        if manifest.artifact.is_directory:
            # The cache has files, and no directories: this one lasts as long as the sources.
            self._fetched = self._fetched or TemporaryDirectory(prefix="pe-dvc-")
            output = Path(self._fetched.name) / pointer.sha256
        return self.reader.fetch(self.reader.resolve_pointer(pointer), output=output)
