"""How a git tag stands: unreleased, staged, certified, deprecated, unreproducible or moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.result import Result
from pe_dvc.usecases.release.read_published import (
    UNSIGNED_TOMBSTONE,
    read_published,
    with_tombstone,
)

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.release_target import Released
    from pe_dvc.store.port import Store

TagState = Literal["unreleased", "staged", "certified", "deprecated", "unreproducible", "moved"]
"""``unreproducible`` waits for the signed role of what was revoked (ADR 0008)."""


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


def tag_state(
    registered: Released | None, commit: str, store: Store, *, published: bool
) -> tuple[TagState, str]:
    """Return the state of a tag of ``commit`` and its detail, for people.

    ``registered`` is the release of that tag in the signed metadata, None where there is none.
    Raises DigestMismatchError for a published release manifest that was altered, StoreError.
    """
    if registered is None:
        return "unreleased", ""
    if registered.commit != commit:
        return "moved", f"released from commit {registered.commit[:12]}"
    said = [registered.reason or ", ".join(registered.bundles)]
    said += [f"claimed {', '.join(map(str, registered.claims))}"] if registered.claims else []
    if published and (marked := _with_tombstone(registered, store)):
        said.append(f"{', '.join(marked)}: {UNSIGNED_TOMBSTONE}")
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


def _with_tombstone(registered: Released, store: Store) -> list[str]:
    """Return the names of a published release's artifacts that have a tombstone."""
    data = read_published(store, registered)
    manifest = ReleaseManifest.from_bytes(data, where=f"{registered.tag}/{RELEASE_MANIFEST}")
    digests = {Sha256(artifact.sha256) for artifact in manifest.artifacts.values()}
    marked = with_tombstone(store, registered.country, digests)
    return [name for name, a in manifest.artifacts.items() if a.sha256 in marked]
