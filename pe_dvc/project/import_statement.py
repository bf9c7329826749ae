"""What the producer of a release on a hub states of its build, kept with what is imported."""

from __future__ import annotations

import logging
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.yaml_edit import add_items
from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.documents.statement_file import MAX_BYTES, read_statement
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.import_source import read_at
from pe_dvc.project.manifest_stage import COMMAND
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.provenance import is_about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.documents.hub_uri import HubPlace
    from pe_dvc.documents.statement import Statement
    from pe_dvc.project.import_source import HubSource, SourceManifest
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.checkout.import_hub import Planned

log = logging.getLogger(__name__)

FOLDER = "provenance"
"""Where the statements of imported releases lie, for git."""
BUILD_MANIFEST = "build_manifest.json"


@dataclass(frozen=True, kw_only=True)
class ReleaseStatement:
    """A producer's statement about a release; ``path`` is where it is kept in the data repo."""

    place: HubPlace
    commit: str
    source: str
    data: bytes
    statement: Statement

    @property
    def path(self) -> str:
        """Named after the release and the bytes: another statement takes another place."""
        release = posixpath.basename(posixpath.dirname(self.source)) or self.place.repo_id
        word = re.sub(r"[^A-Za-z0-9._-]+", "-", release).lstrip(".-")[:100]
        return f"{FOLDER}/{word}-{sha256_bytes(self.data)[:12]}.json"

    def is_of(self, planned: Planned) -> bool:
        """Tell whether a file is of this release, or named with these bytes.

        Raises DigestMismatchError where the statement names other bytes for a file of this name.
        """
        source = f"{self.source} of {self.place} at {self.commit[:12]}"
        named = planned.sha256 is not None and is_about(
            self.statement,
            planned.path,
            planned.sha256,
            source=source,
            remedy="It names other bytes than the release manifest: ask who published them.",
        )
        artifact = planned.artifact
        return named or (artifact.place == self.place and planned.commit == self.commit)

    def keep(self, repo: DataRepo) -> None:
        """Write it into the data repo, and let the stage that writes manifests depend on it."""
        tree = ConfinedTree(repo.root)
        tree.make_folder(FOLDER)
        tree.write(self.path, self.data, durable=True)
        stages = repo.dvc.stages_calling(COMMAND)
        if not stages or any(stage.depends_on(self.path) for stage in stages):
            return
        changes, place = FileChanges(repo.root), ("stages", stages[0].address, "deps")
        text = add_items(changes.text(PIPELINE), place, [FOLDER], name=str(repo.root / PIPELINE))
        changes.put(PIPELINE, text)
        changes.write()


def find_statement(source: HubSource) -> ReleaseStatement | None:
    """Return what a release has: its build manifest, else what its own manifest states, or None.

    Raises DigestMismatchError for a build manifest that the release manifest names otherwise.
    """
    manifest = source.manifest
    if manifest is None:
        return None
    for path, data in _candidates(source.place, manifest):
        try:
            if len(data) > MAX_BYTES:
                raise FormatError(f"has more than {MAX_BYTES} bytes", where=path)
            statement = read_statement(data, where=path)
        except FormatError as error:
            if path != manifest.path:
                log.warning("%s; it is not taken as a statement of provenance", error)
            continue
        return ReleaseStatement(
            place=source.place,
            commit=manifest.commit,
            source=path,
            data=data,
            statement=statement,
        )
    return None


def _candidates(place: HubPlace, manifest: SourceManifest) -> Iterator[tuple[str, bytes]]:
    path = posixpath.join(posixpath.dirname(manifest.path), BUILD_MANIFEST)
    try:
        data = read_at(place, path, manifest.commit)
    except (NotFoundError, FormatError):
        pass
    else:
        for artifact in manifest.listed:
            listed = artifact.place == place and artifact.hub_path == path
            if listed and artifact.sha256 != sha256_bytes(data):
                raise DigestMismatchError(
                    what=path,
                    expected=f"sha256:{artifact.sha256}",
                    actual=f"sha256:{sha256_bytes(data)}",
                    source=f"{place} at {manifest.commit[:12]}",
                    remedy="The release manifest names another file: ask who published it.",
                )
        yield path, data
    yield manifest.path, manifest.data


def drop_unused(repo: DataRepo, paths: Iterable[str]) -> None:
    """Remove those of the statements at ``paths`` that no dataset has any more."""
    notes = (output.location for output in repo.dvc.outputs.values())
    used = {note.provenance for note in notes if note is not None}
    declared = str([artifact.meta for artifact in repo.dvc.artifacts])
    for path in {*paths} - used:
        inside = posixpath.dirname(path) == FOLDER and (repo.root / path).is_file()
        if inside and posixpath.basename(path) not in declared:
            ConfinedTree(repo.root).unlink(path)
