"""Promoting on this machine: declarations, manifests and files of the nominated datasets."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.channel import write_pointers
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.git_manifests import committed_manifest
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.usecases.channel.hold import refuse_held
from pe_dvc.usecases.channel.pointers import read_pointers, signed_pointers
from pe_dvc.usecases.channel.promote import Evidence, Promoted, nominate, signed_and_draft
from pe_dvc.usecases.channel.source import parse_source, pointers_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.adapters.tables.column_data import ColumnData
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.published import PublishedPointers
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.channel.gates import Gate
    from pe_dvc.usecases.channel.source import Source
    from pe_dvc.usecases.progress import Reporter

GROUP = "pe_dvc.gates"
"""Entry point group of gates of other packages (``pe_dvc.usecases.channel.gates.Gate``)."""


def promote(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    source: str = "latest",
    override: str | None = None,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Promoted:
    """Nominate datasets of a source in ``next``, all unless named, and sign with the keys here.

    ``source`` is ``latest`` as git holds it, or what was published (``parse_source``). Raises as
    ``usecases.channel.promote.nominate`` and ``update_channel``; SignatureError for a ``latest``
    that waits for signatures; GateError for a dataset that is held.
    """
    metadata = repo.signed_metadata()
    committed = GitChannels(repo).newest("next")
    sources = Sources(repo, store, reporter)
    found = _pointers(repo, parse_source(source), names, sources)
    standing, draft = signed_and_draft(metadata, committed)
    chosen = [found[name] for name in names or found if name in found]
    latest = signed_pointers(metadata, "latest", GitChannels(repo).newest("latest"))
    refuse_held(latest, standing, chosen)
    evidence = evidence_of(repo, sources)
    judged = nominate(found, standing, draft, names, evidence, override=override, source=source)
    update = write_pointers(repo, "next", judged.pointers, committed)
    return Promoted(judged=judged, update=update)


def _pointers(
    repo: DataRepo, source: Source, names: Sequence[str], sources: Sources
) -> dict[str, Pointer]:
    """Return the pointers of a source: all of a channel in git, else those asked for."""
    if source.channel == "latest" and source.version is None:
        return read_pointers(repo.signed_metadata(), "latest")
    if source.channel == "next" and source.version is None:
        raise FormatError(
            "next is not promoted to next", remedy="Name a version: pe-dvc channel log next"
        )
    return pointers_from(source, names, sources.published)


def evidence_of(repo: DataRepo, sources: Sources) -> Evidence:
    """Return what gates judge by: declarations here, manifests and files of the ``sources``."""
    declarations = read_declarations(repo.dvc.artifacts, country=repo.country)
    return Evidence(
        gates={declaration.name: declaration.meta.gates for declaration in declarations},
        manifest=sources.manifest,
        data=sources.data,
        custom=installed_gates(),
        rule=repo.settings.disclosure_rule,
    )


def installed_gates() -> dict[str, Gate]:
    """Return the gates of the installed packages, by the names of their entry points."""
    from importlib.metadata import entry_points

    return {entry.name: entry.load() for entry in entry_points(group=GROUP)}


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

        path = self._repo.root / manifest.artifact.path
        if not self._is_here(path, pointer, manifest.artifact.is_directory):
            path = self._fetch(pointer, manifest)
        rule = self._repo.settings.disclosure_rule
        columns = [column for table in manifest.table.tables for column in table.columns]
        hints = Hints(types={column.name: column.type for column in columns})
        return ColumnData(path, manifest.table.format, manifest.artifact.path, rule, hints)

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
