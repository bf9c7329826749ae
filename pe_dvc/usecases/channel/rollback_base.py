"""The version that a rollback starts from: what readers see, even if git differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.ancestry import base_of, descends, manifest_of, plain, superseded
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.usecases.publish.rebase import newest_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.store.port import Store
    from pe_dvc.trust.ancestry import Committed
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.tuf_api import Metadata, Targets


@dataclass(frozen=True, kw_only=True)
class RollbackBase:
    """The version that the next one is made from, and the highest number ``taken`` anywhere.

    ``superseded`` are the manifests of git that the base, published elsewhere, replaced.
    """

    metadata: Metadata[Targets]
    taken: int
    is_git: bool
    superseded: dict[str, str | None]


def rollback_base(
    git: SignedMetadata,
    store: Store,
    channel: str,
    *,
    committed: Committed,
    versions: Iterable[int],
) -> RollbackBase:
    """Return what the next version of a channel is made from.

    ``committed`` is the newest that git's history holds signed, ``versions`` all of them. Raises
    ConflictError where git and the bucket went different ways; VerificationError, StoreError.
    """
    bucket = bucket_of(store, git)
    draft = git.role(channel)
    ours = base_of(draft, committed)
    newest, last = newest_version(bucket, git.targets.signed, channel, after=0)
    taken = max([ours.signed.version, last, *versions])
    if newest is None or newest.signed == ours.signed or descends(ours.signed, newest):
        return RollbackBase(
            metadata=ours, taken=taken, is_git=True, superseded=superseded(ours.signed)
        )
    if not descends(newest.signed, ours):
        raise ConflictError(
            f"{bucket.where(channel, newest.signed.version)} is {channel} version "
            f"{newest.signed.version}, which git's version {ours.signed.version} has nothing of, "
            "nor it of git's",
            remedy="Nothing was changed. Run git pull, or pe-dvc push, and try again.",
        )
    mine, published = plain(draft.signed), plain(newest.signed)
    replaced: dict[str, str | None] = {
        path: manifest_of(mine.get(path))
        for path in published
        if manifest_of(mine.get(path)) != manifest_of(published[path])
    }
    return RollbackBase(
        metadata=newest,
        taken=taken,
        is_git=False,
        superseded=superseded(newest.signed) | replaced,
    )
