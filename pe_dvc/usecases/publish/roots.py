"""Publish the chain of roots, which readers follow one by one: none may lack, or be another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError, VerificationError
from pe_dvc.store.together import together
from pe_dvc.trust.tuf_api import Metadata, Root
from pe_dvc.trust.verify import signatures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata


def publish_roots(bucket: ChannelBucket, ours: SignedMetadata) -> list[str]:
    """Create those of the bucket's roots that lack, oldest first; return the keys written.

    A next root that today's keys did not sign stops readers: it is removed. Raises ConflictError
    if the bucket holds another root, or a newer one.
    """
    roots, newest = ours.roots, len(ours.roots)
    in_the_way, is_there = together(
        bucket.store, bucket.refuse_newer_root, lambda: _holds_root(bucket, roots, newest)
    )
    if in_the_way:
        bucket.remove("root", newest + 1)
    if is_there:
        return []
    written = []
    for version in range(1, newest + 1):
        if _holds_root(bucket, roots, version):
            continue
        data = ours.root_files[version - 1]
        created = bucket.create("root", version, data, delegator=_before(roots, version))
        if created is not None:
            written.append(created.key)
        elif not _holds_root(bucket, roots, version):
            raise _another(bucket, version)
    return written


def _holds_root(bucket: ChannelBucket, roots: Sequence[Metadata[Root]], version: int) -> bool:
    """Return whether the bucket holds a root; raise ConflictError if it holds another one.

    That is one which the root before it vouches for, or the first root of another country.
    Whatever else is there is nothing.
    """
    wanted = roots[version - 1].signed
    try:
        held = bucket.read("root", Root, version).metadata
    except (NotFoundError, FormatError, VerificationError):
        return False
    if held.signed == wanted:
        return bool(signatures(wanted, "root", held))
    if version == 1 or signatures(_before(roots, version), "root", held):
        raise _another(bucket, version)
    return False


def _before(roots: Sequence[Metadata[Root]], version: int) -> Root:
    """Return the root that vouches for a version: the one before, the first for itself."""
    return roots[max(version - 2, 0)].signed


def _another(bucket: ChannelBucket, version: int) -> ConflictError:
    return ConflictError(
        f"{bucket.where('root', version)} is another root than version {version} in git",
        remedy="Check that this is the right bucket. If it is, either the channels were created "
        "again, and the old ones must be moved away first, or its root was replaced without your "
        "keys: see docs/runbook-keys.md of pe_dvc.",
    )
