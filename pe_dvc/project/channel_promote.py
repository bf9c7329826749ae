"""Promoting on this machine: declarations, manifests and files of the nominated datasets."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.channel import signers_of
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.usecases.channel.pointers import read_pointers
from pe_dvc.usecases.channel.promote import Evidence, Promoted, nominate, signed_and_draft
from pe_dvc.usecases.channel.update import update_channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.adapters.tables.column_data import ColumnData
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.gates import Gate
    from pe_dvc.usecases.progress import Reporter

GROUP = "pe_dvc.gates"
"""Entry point group of gates of other packages (``pe_dvc.usecases.channel.gates.Gate``)."""


def promote(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    override: str | None = None,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Promoted:
    """Nominate datasets of ``latest`` in ``next``, all unless named, and sign with the keys here.

    Raises as ``usecases.channel.promote.nominate`` and ``update_channel``; SignatureError for a
    ``latest`` that waits for signatures.
    """
    metadata = repo.signed_metadata()
    latest = read_pointers(metadata, "latest")
    committed = GitChannels(repo).newest("next")
    sources = _Sources(repo, store, reporter)
    evidence = Evidence(
        gates={
            declaration.name: declaration.meta.gates
            for declaration in read_declarations(repo.dvc.artifacts, country=repo.country)
        },
        manifest=sources.manifest,
        data=sources.data,
        custom=installed_gates(),
        rule=repo.settings.disclosure_rule,
    )
    standing, draft = signed_and_draft(metadata, committed)
    judged = nominate(latest, standing, draft, names, evidence, override=override)
    update = update_channel(
        repo.channels_root,
        repo.country,
        "next",
        judged.pointers,
        signers_of(repo),
        now=datetime.now(UTC),
        committed=committed,
    )
    return Promoted(judged=judged, update=update)


def installed_gates() -> dict[str, Gate]:
    """Return the gates of the installed packages, by the names of their entry points."""
    from importlib.metadata import entry_points

    return {entry.name: entry.load() for entry in entry_points(group=GROUP)}


class _Sources:
    """Manifests and files: those of the checkout where they are the signed ones, else the store's.

    The reader verifies what it fetches against the pointer.
    """

    def __init__(self, repo: DataRepo, store: str | None, reporter: Reporter | None) -> None:
        self._repo, self._store, self._reporter = repo, store, reporter

    @cached_property
    def _here(self) -> Mapping[str, tuple[Manifest, bytes]]:
        return read_manifests(self._repo.tree, self._repo.settings, Manifest)

    @cached_property
    def _reader(self) -> Reader:
        from pe_dvc.project.reader import Reader

        return Reader(self._repo.country, store=self._store, reporter=self._reporter)

    def manifest(self, pointer: Pointer) -> Manifest:
        """Return the manifest that a pointer signs."""
        manifest, data = self._here.get(pointer.name, (None, b""))
        if manifest is not None and sha256_bytes(data) == pointer.manifest_sha256:
            return manifest
        return self._reader.resolve_pointer(pointer).manifest

    def data(self, pointer: Pointer, manifest: Manifest) -> ColumnData:
        """Return the columns of the file that a pointer signs, fetched if it is not here."""
        from pe_dvc.adapters.digests import DigestCache
        from pe_dvc.adapters.tables.column_data import ColumnData

        path = self._repo.root / manifest.artifact.path
        if not path.is_file() or DigestCache(self._repo.root).digest(path).sha256 != pointer.sha256:
            path = self._reader.fetch(self._reader.resolve_pointer(pointer))
        rule = self._repo.settings.disclosure_rule
        return ColumnData(path, manifest.table.format, manifest.artifact.path, rule)
