"""Mirror a release to a hub: one commit, a permanent tag, every byte read back, the pointer last.

A run that is killed anywhere leaves the hub's readers where they were, and the next one completes
it: a tag that holds the same release is success, one that holds another is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.keys import MANIFEST_LIMIT, RELEASE_MANIFEST, TRO
from pe_dvc.documents.release_layout import hub_uri, release_directory
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    ReleaseError,
)
from pe_dvc.primitives.result import Result
from pe_dvc.store.plain_files import read_document, sha256_of
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.usecases.release.export import PAYLOAD, export_release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pe_dvc.documents.hub_uri import HubFile, HubPlace
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.release.derive import Release

MAIN = "main"


class HubRepo(Protocol):
    """A repo of a hub (``pe_dvc.adapters.hub.hub.Hub``)."""

    place: HubPlace

    def commit_of(self, revision: str) -> str | None:
        """Return the commit of a revision, None for what is none."""

    def files(self, revision: str) -> Mapping[str, HubFile]:
        """Return all files of a revision, by path."""

    def download(self, path: str, revision: str, directory: Path) -> Path:
        """Download a file below a directory, and return where it is."""

    def start_branch(self, branch: str, commit: str) -> None:
        """Start a branch; one that is there already stays where it is."""

    def commit(
        self,
        branch: str,
        files: Mapping[str, Path | bytes],
        message: str,
        *,
        parent: str,
        copied: Mapping[str, str] | None = None,
    ) -> str:
        """Commit files on a branch whose head must be ``parent``. Raises MovedError."""

    def create_tag(self, tag: str, commit: str) -> None:
        """Tag a commit. Raises ConflictError for a tag that is there already."""

    def delete_branch(self, branch: str) -> None:
        """Delete a branch, if it is there."""


@dataclass(frozen=True, kw_only=True)
class Pointed(Result):
    """The pointer of a hub: its file, the release that it named before, and whether it moved."""

    file: str
    before: str | None
    moved: bool


@dataclass(frozen=True, kw_only=True)
class Mirrored(Result):
    """A release on a hub, of these ``paths``. ``created`` is False if it was there already.

    ``manifest_uri`` is what a certification is given: at the tag, or where claims were added
    since, at the ``commit`` that has the manifest with them.
    """

    tag: str
    repo: str
    commit: str
    created: bool
    manifest_uri: str
    paths: tuple[str, ...]
    pointer: Pointed | None = None


def check_mirrored_to(release: Release, place: HubPlace) -> None:
    """Raise ReleaseError unless a release says of its files that they are in this repo."""
    for artifact in release.manifest.artifacts.values():
        said = (artifact.repo_type, artifact.repo_id)
        if said != (place.repo_type, place.repo_id):
            raise ReleaseError(
                f"{release.tag} says that its files are in {said[0]} {said[1]}, not in {place}",
                remedy="Mirror it there: policyengine.py looks for them where the manifest says. "
                "repo_id and repo_type are in [tool.pe_dvc.release].",
            )
    if "@" in release.tag:
        raise ReleaseError(
            f"{release.tag} is a tag of GTO's, which no revision of a hub's URI can be",
            remedy="Mirror the release of a version or a label.",
        )


def mirror_tag(
    store: Store,
    hub: HubRepo,
    release: Release,
    tro: bytes,
    *,
    open_location: OpenLocation,
    reporter: Reporter | None = None,
) -> Mirrored:
    """Bring a release to a hub under its tag, and read every byte of it back.

    Raises ConflictError for a tag with other bytes, DigestMismatchError for what came back
    altered, and as ``HubRepo``.
    """
    with scratch_directory() as scratch:
        documents = {RELEASE_MANIFEST: release.data, TRO: tro}
        wanted = _digests(release, documents)
        commit = hub.commit_of(release.tag)
        created = commit is None
        if commit is None:
            export = scratch / "export"
            export_release(store, release, export, open_location=open_location, reporter=reporter)
            commit = _publish(hub, release, documents, export)
        _read_back(hub, release.tag, commit, wanted, scratch, created=created)
    return Mirrored(
        tag=release.tag,
        repo=hub.place.uri,
        commit=commit,
        created=created,
        manifest_uri=_manifest_uri(hub.place, release, release.tag),
        paths=tuple(sorted(wanted)),
    )


def mirror_claims(hub: HubRepo, release: Release, claimed: bytes, commit: str) -> tuple[str, str]:
    """Commit the manifest with later claims beside the tag; return the commit and its URI.

    It is on a branch of its own that starts at the tag's ``commit``: neither the tag nor what is
    current changes.
    """
    branch = f"claims/{release.tag}"
    path = _document(release, RELEASE_MANIFEST)
    hub.start_branch(branch, commit)
    head = hub.commit_of(branch) or commit
    if read_small(hub, path, head) != claimed:
        head = hub.commit(branch, {path: claimed}, f"Claims of {release.tag}", parent=head)
    return head, _manifest_uri(hub.place, release, head)


def read_small(hub: HubRepo, path: str, revision: str) -> bytes | None:
    """Return a document of a revision, None where it has no such file.

    Raises FormatError for one that is too long to be a document.
    """
    held = hub.files(revision).get(path)
    if held is None:
        return None
    if held.size > MANIFEST_LIMIT:
        raise FormatError(f"has {held.size} bytes, which no document has", where=path)
    with scratch_directory() as scratch:
        return read_document(hub.download(path, revision, scratch), limit=MANIFEST_LIMIT)


def _publish(hub: HubRepo, release: Release, documents: Mapping[str, bytes], export: Path) -> str:
    files: dict[str, Path | bytes] = {
        release.hub_path(name): export / PAYLOAD / artifact.path
        for name, artifact in release.manifest.artifacts.items()
    }
    files |= {_document(release, name): data for name, data in documents.items()}
    branch = f"release-staging/{release.directory_id}"
    main = hub.commit_of(MAIN)
    if main is None:
        raise NotFoundError(f"{hub.place} has no branch {MAIN}", remedy="Make a first commit.")
    hub.start_branch(branch, main)
    head = hub.commit_of(branch) or main
    commit = hub.commit(branch, files, f"Release {release.tag}", parent=head)
    try:
        hub.create_tag(release.tag, commit)
    except ConflictError:
        # Another run was first: what it tagged is compared as if it had been there before.
        commit = hub.commit_of(release.tag) or commit
    hub.delete_branch(branch)
    return commit


def _digests(release: Release, documents: Mapping[str, bytes]) -> dict[str, tuple[int, Sha256]]:
    """Return the size and the sha256 of each file on the hub."""
    found = {
        release.hub_path(name): (artifact.size_bytes, Sha256(artifact.sha256))
        for name, artifact in release.manifest.artifacts.items()
    }
    return found | {
        _document(release, name): (len(data), sha256_bytes(data))
        for name, data in documents.items()
    }


def _read_back(
    hub: HubRepo,
    tag: str,
    commit: str,
    wanted: Mapping[str, tuple[int, Sha256]],
    scratch: Path,
    *,
    created: bool,
) -> None:
    held = hub.files(commit)
    for path, (size, sha256) in wanted.items():
        what = f"{path} at {tag} of {hub.place}"
        if path not in held:
            raise _differs(what, "is missing", created=created)
        if held[path].size != size:
            said = f"has {held[path].size} bytes where the release has {size}"
            raise _differs(what, said, created=created)
        actual = held[path].sha256
        if actual in (None, sha256):
            file = hub.download(path, commit, scratch / "back")
            actual = sha256_of(file)
            file.unlink()
        if actual != sha256 and created:
            raise DigestMismatchError(
                what=what,
                expected=f"sha256:{sha256}",
                actual=f"sha256:{actual}",
                source=str(hub.place),
                remedy="Do not use this tag. Delete it on the hub and mirror again.",
            )
        if actual != sha256:
            raise _differs(what, f"has sha256:{actual}, not sha256:{sha256}", created=False)


def _differs(what: str, said: str, *, created: bool) -> ConflictError:
    whose = "the commit just made" if created else "the tag was there already"
    return ConflictError(
        f"{what} {said} ({whose})",
        remedy="A tag is permanent: release under a new one. If it was never used, delete it on "
        "the hub and mirror again.",
    )


def _document(release: Release, name: str) -> str:
    return f"{release_directory(release.directory_id)}/{name}"


def _manifest_uri(place: HubPlace, release: Release, revision: str) -> str:
    path = _document(release, RELEASE_MANIFEST)
    return hub_uri(place.repo_type, place.repo_id, revision, path)
