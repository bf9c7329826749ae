"""How a git tag stands: unreleased, staged, certified, deprecated, unreproducible or moved."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.result import Result
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.release.read_published import (
    UNSIGNED_TOMBSTONE,
    read_published,
    with_tombstone,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import ReadableStore

NONE: Mapping[Sha256, Revocation] = MappingProxyType({})

TagState = Literal["unreleased", "staged", "certified", "deprecated", "unreproducible", "moved"]
"""``unreproducible`` is a release that has an artifact which stewards withdrew (ADR 0008)."""


@dataclass(frozen=True, kw_only=True)
class TagStatus(Result):
    """How one tag stands. ``moved`` is a release whose tag now names another commit (hex).

    ``tagged_at`` (UTC) is None for a release whose tag this clone lacks.
    """

    tag: str
    commit: str
    tagged_at: datetime | None
    state: TagState
    published: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class ReleasedArtifacts:
    """The sha256 of the artifacts of releases, by tag and name; and those with a tombstone."""

    by_tag: Mapping[str, Mapping[str, Sha256]]
    marked: AbstractSet[Sha256]


def released_artifacts(
    store: ReadableStore, country: str, published: Sequence[Released]
) -> ReleasedArtifacts:
    """Read what published releases are made of, side by side, and each artifact's place once.

    Raises DigestMismatchError for a release manifest that was altered, StoreError.
    """
    with Pool(TRANSFERS) as pool:
        read = run_all(pool, lambda one: _artifacts(one, store), published)
    by_tag = {one.tag: artifacts for one, artifacts in zip(published, read, strict=True)}
    digests = {sha256 for artifacts in read for sha256 in artifacts.values()}
    return ReleasedArtifacts(by_tag=by_tag, marked=with_tombstone(store, country, digests))


def tag_state(
    registered: Released | None,
    commit: str,
    released: ReleasedArtifacts,
    *,
    withdrawn: Mapping[Sha256, Revocation] = NONE,
) -> tuple[TagState, str]:
    """Return the state of a tag of ``commit`` and its detail, for people.

    ``registered`` is the release of that tag in the signed metadata, None where there is none;
    ``withdrawn`` are the artifacts that stewards withdrew.
    """
    if registered is None:
        return "unreleased", ""
    if registered.commit != commit:
        return "moved", f"released from commit {registered.commit[:12]}"
    said = [registered.reason or ", ".join(registered.bundles)]
    said += [f"claimed {', '.join(map(str, registered.claims))}"] if registered.claims else []
    artifacts = released.by_tag.get(registered.tag, {})
    if gone := {
        name: withdrawn[sha256] for name, sha256 in artifacts.items() if sha256 in withdrawn
    }:
        reasons = [f"licence revoked: {name} {found.text}" for name, found in gone.items()]
        return "unreproducible", "; ".join([*reasons, *filter(None, said)])
    if forged := [name for name, sha256 in artifacts.items() if sha256 in released.marked]:
        said.append(f"{', '.join(forged)}: {UNSIGNED_TOMBSTONE}")
    return registered.state, "; ".join(filter(None, said))


def untagged_status(registered: Released, *, published: bool) -> TagStatus:
    """Return how a release stands whose tag this clone does not have, or no more."""
    lacking = "this clone has no such tag: git fetch --tags"
    return TagStatus(
        tag=registered.tag,
        commit=registered.commit,
        tagged_at=None,
        state=registered.state,
        published=published,
        detail="; ".join(filter(None, [registered.reason, lacking])),
    )


def _artifacts(registered: Released, store: ReadableStore) -> dict[str, Sha256]:
    """Return the sha256 of a published release's artifacts, by name."""
    data = read_published(store, registered)
    manifest = ReleaseManifest.from_bytes(data, where=f"{registered.tag}/{RELEASE_MANIFEST}")
    return {name: Sha256(artifact.sha256) for name, artifact in manifest.artifacts.items()}
