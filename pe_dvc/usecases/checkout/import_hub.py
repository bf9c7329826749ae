"""Bring files of a hub into a checkout: from one commit each, verified, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.hub_uri import HubLocation
from pe_dvc.primitives.errors import ConflictError, DigestMismatchError, NotFoundError
from pe_dvc.primitives.names import check_in_work_tree
from pe_dvc.store.atomic_write import open_to_fill
from pe_dvc.store.hashed_copy import hashed_copy
from pe_dvc.store.plain_files import open_to_read, sha256_of
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pe_dvc.documents.hub_manifest import HubArtifact
    from pe_dvc.documents.hub_uri import HubFile, HubPlace
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.confined import ConfinedTree


class HubFiles(Protocol):
    """The files of a hub repo (``pe_dvc.adapters.hub.hub.Hub``)."""

    place: HubPlace

    def commit_of(self, revision: str) -> str | None:
        """Return the commit of a revision, None for what is none."""

    def files(self, revision: str) -> Mapping[str, HubFile]:
        """Return all files of a revision, by path."""

    def download(self, path: str, revision: str, directory: Path) -> Path:
        """Download a file below a directory, and return where it is."""


class Held(Protocol):
    """What a checkout has of earlier imports."""

    def is_kept(self, path: str) -> bool:
        """Tell whether the file that is there could be had again: then it is replaced."""

    def recorded(self, path: str) -> Sha256 | None:
        """Return the sha256 of what an import brought there, wherever the file is now."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A file to bring: from which commit, to which path of the checkout, and what it must be.

    ``sha256`` is None of a small file that nothing but itself vouches for.
    """

    artifact: HubArtifact
    commit: str
    path: str
    sha256: Sha256 | None
    there: bool

    @property
    def location(self) -> HubLocation:
        """Where it lies, for good."""
        artifact = self.artifact
        return HubLocation(place=artifact.place, commit=self.commit, path=artifact.hub_path)


class HubImport:
    """The import of some artifacts below the folder ``into`` of a checkout."""

    def __init__(
        self,
        tree: ConfinedTree,
        root: Path,
        into: str,
        open_hub: Callable[[HubPlace], HubFiles],
        held: Held,
    ) -> None:
        self._tree, self._root, self._into, self._open = tree, root, into, open_hub
        self._held = held
        self._hubs: dict[HubPlace, HubFiles] = {}
        self._commits: dict[tuple[HubPlace, str], str] = {}
        self._listed: dict[tuple[HubPlace, str], Mapping[str, HubFile]] = {}

    def plan(self, artifacts: Sequence[HubArtifact]) -> list[Planned]:
        """Return what would be done. Nothing is downloaded or written.

        Raises NotFoundError for what the hub lacks, DigestMismatchError where the hub itself says
        of a file that it is another, ConflictError for another file in its place.
        """
        return [self._planned(artifact) for artifact in artifacts]

    def bring(self, planned: Planned) -> Sha256:
        """Download a file, verify it, and put it in its place; return its sha256.

        Raises DigestMismatchError for other bytes, of which nothing is left.
        """
        artifact = planned.artifact
        if planned.there and planned.sha256 is not None:
            return planned.sha256
        hub = self._hub(artifact.place)
        with scratch_directory() as scratch:
            source = hub.download(artifact.hub_path, planned.commit, scratch)
            with (
                open_to_read(source) as stream,
                self._tree.filling(planned.path) as new,
                open_to_fill(new, source.stat().st_size) as file,
            ):
                actual, _ = hashed_copy(stream, file)
                if planned.sha256 not in (None, actual):
                    raise _mismatch(planned, f"sha256:{actual}")
        return actual

    def _planned(self, artifact: HubArtifact) -> Planned:
        hub, commit = self._hub(artifact.place), self.commit(artifact.place, artifact.revision)
        held = self._files(hub, commit).get(artifact.hub_path)
        if held is None:
            raise NotFoundError(
                f"{hub.place} has no {artifact.hub_path} at {artifact.revision} ({commit[:12]})"
            )
        path = check_in_work_tree(f"{self._into}/{artifact.path}", where=artifact.name)
        expected = artifact.sha256 or held.sha256
        planned = Planned(artifact=artifact, commit=commit, path=path, sha256=expected, there=False)
        if held.sha256 not in (None, expected):
            raise _mismatch(planned, f"sha256:{held.sha256}")
        if artifact.size not in (None, held.size):
            raise _mismatch(planned, f"{held.size} bytes where {artifact.size} are named")
        if (self._root / path).exists():
            return self._compared(planned)
        same = expected is not None and self._held.recorded(path) == expected
        return replace(planned, there=same)

    def _compared(self, planned: Planned) -> Planned:
        actual = sha256_of(self._root / planned.path)
        if actual != planned.sha256 and not self._held.is_kept(planned.path):
            raise ConflictError(
                f"{planned.path} is there already, with sha256:{actual}, and DVC does not hold it",
                remedy="Import into another folder with --into, or remove the file.",
            )
        return replace(planned, there=actual == planned.sha256)

    def commit(self, place: HubPlace, revision: str) -> str:
        """Return the commit of a revision, asked once. Raises NotFoundError."""
        key = (place, revision)
        if key not in self._commits:
            commit = self._hub(place).commit_of(revision)
            if commit is None:
                raise NotFoundError(f"{place} has no revision {revision!r}")
            self._commits[key] = commit
        return self._commits[key]

    def _hub(self, place: HubPlace) -> HubFiles:
        return self._hubs.setdefault(place, self._open(place))

    def _files(self, hub: HubFiles, commit: str) -> Mapping[str, HubFile]:
        key = (hub.place, commit)
        if key not in self._listed:
            self._listed[key] = hub.files(commit)
        return self._listed[key]


def _mismatch(planned: Planned, actual: str) -> DigestMismatchError:
    artifact = planned.artifact
    return DigestMismatchError(
        what=f"{artifact.name} ({artifact.hub_path})",
        expected=f"sha256:{planned.sha256}",
        actual=actual,
        source=f"{artifact.place} at {planned.commit[:12]}",
        remedy="The hub has another file than the manifest names: ask who published it.",
    )
