"""What a URI of a hub stands for: the artifacts of a release, the current one's, or a file."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.adapters.hub.hub import Hub
from pe_dvc.documents.hub_manifest import HubArtifact, read_hub_manifest
from pe_dvc.documents.hub_pointer import pointed_release
from pe_dvc.documents.hub_uri import HubPlace, parse_hub_uri
from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.documents.release_layout import release_directory
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_name, say_which_there_are
from pe_dvc.usecases.release.mirror import MAIN, read_small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.documents.hub_uri import HubUri

    FindCommit = Callable[[HubPlace, str], str]
    """Gives the commit of a revision. Raises NotFoundError."""

POINTER = "latest.json"
"""The file by which producers say which release is current."""


@dataclass(frozen=True, kw_only=True)
class HubSource:
    """Artifacts to import from ``place``, and the release manifest that names them, if one does."""

    place: HubPlace
    artifacts: list[HubArtifact]
    manifest: SourceManifest | None = None


@dataclass(frozen=True, kw_only=True)
class SourceManifest:
    """A release manifest: its path in the repo, at which commit, and all that it names."""

    path: str
    commit: str
    data: bytes
    listed: list[HubArtifact]


def commit_at(place: HubPlace, revision: str) -> str:
    """Return the commit of a revision. Raises NotFoundError, StoreError."""
    commit = Hub(place).commit_of(revision)
    if commit is None:
        raise NotFoundError(f"{place} has no revision {revision!r}")
    return commit


def read_source(
    uri: str, find_commit: FindCommit, *, names: Sequence[str] = (), name: str | None = None
) -> HubSource:
    """Read what a URI stands for; ``names`` are the artifacts wanted, all by default.

    ``name`` is what a single file or artifact is called here.

    Raises FormatError, NotFoundError, StoreError.
    """
    found = parse_hub_uri(uri)
    if found.path is None:
        raise FormatError(
            f"{uri!r} names no file",
            remedy="Name a release_manifest.json, the repo's latest.json or one file: "
            f"hf://dataset/{found.repo_id}@TAG/{release_directory('TAG')}/{RELEASE_MANIFEST}",
        )
    place, commit = _resolve(found, find_commit)
    path, file = found.path, posixpath.basename(found.path)
    if file == POINTER:
        release_id, tag = pointed_release(read_at(place, path, commit), where=uri)
        path, file = f"{release_directory(release_id)}/{RELEASE_MANIFEST}", RELEASE_MANIFEST
        commit, uri = find_commit(place, tag), f"{path} of {place} at {tag}"
    if file != RELEASE_MANIFEST:
        artifact = _single(place, path, commit, name)
        return HubSource(place=place, artifacts=[artifact])
    data = read_at(place, path, commit)
    listed = read_hub_manifest(data, place=place, revision=commit, path=path, where=uri)
    known = [artifact.name for artifact in listed]
    for wanted in names:
        if wanted not in known:
            raise NotFoundError(
                f"{uri} names no artifact {wanted!r}", remedy=say_which_there_are(wanted, known)
            )
    chosen = [artifact for artifact in listed if not names or artifact.name in names]
    if name is not None:
        chosen = [_renamed(chosen, name, known)]
    manifest = SourceManifest(path=path, commit=commit, data=data, listed=listed)
    return HubSource(place=place, artifacts=chosen, manifest=manifest)


def uri_to_follow(uri: str, place: HubPlace) -> str:
    """Return the URI that leads to each next release: the repo's pointer, if it has one."""
    if POINTER in Hub(place).files(MAIN):
        return f"{place.uri}/{POINTER}"
    return uri


def _resolve(uri: HubUri, find_commit: FindCommit) -> tuple[HubPlace, str]:
    """Return the repo and the commit of a URI; without a type, a dataset is looked for first."""
    types = [uri.repo_type] if uri.repo_type else ["dataset", "model"]
    for number, repo_type in enumerate(types, 1):
        place = HubPlace(repo_type=repo_type, repo_id=uri.repo_id)
        try:
            return place, find_commit(place, uri.revision or MAIN)
        except NotFoundError:
            if number == len(types):
                raise
    raise AssertionError("there is one type at least")


def read_at(place: HubPlace, path: str, commit: str) -> bytes:
    """Return a document of a commit. Raises NotFoundError, FormatError for one that is too long."""
    data = read_small(Hub(place), path, commit)
    if data is None:
        raise NotFoundError(f"{place} has no {path} at {commit[:12]}")
    return data


def _renamed(chosen: Sequence[HubArtifact], name: str, known: Sequence[str]) -> HubArtifact:
    if len(chosen) != 1:
        raise FormatError(
            f"the name {name!r} is for one artifact, and {len(chosen)} are to be imported",
            remedy=f"Choose one by --only: {', '.join(known[:20])}.",
        )
    return replace(chosen[0], name=check_name(name))


def _single(place: HubPlace, path: str, commit: str, name: str | None) -> HubArtifact:
    stem = posixpath.basename(path).partition(".")[0]
    return HubArtifact(
        name=check_name(name or stem, where=path),
        kind=None,
        place=place,
        revision=commit,
        path=posixpath.basename(path),
        hub_path=path,
        sha256=None,
        size=None,
    )
