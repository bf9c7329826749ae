"""Which files a directory has: by the list that its manifest names, or by DVC's own listing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_hash import bare_md5
from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import LISTING_LIMIT, members_key, payload_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.usecases.object_digest import md5_bytes
from pe_dvc.usecases.retention.listed_members import listed_members

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.retention.reachability import Bucket


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The files of a directory: the sha256 of each by its key, None where only DVC lists it.

    ``unknown`` are the keys of lists that are there and tell nothing, as each is altered. It is
    empty where one list is good, and where both are gone: a removal takes them last.
    """

    files: dict[str, Sha256 | None] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def contents_of(
    bucket: Bucket, sha256: Sha256, artifact: Artifact | None, dvc_md5: str
) -> Contents:
    """Return the files of the directory ``sha256``, whose listing has DVC's hash ``dvc_md5``.

    ``artifact`` is of its manifest, None where that is missing or another one.
    """
    listed = None if artifact is None else _by_members(bucket, artifact)
    by_dvc = _by_listing(bucket, dvc_md5)
    if listed is None and by_dvc is None:
        keys = (members_key(bucket.country, sha256), payload_key(bucket.country, dvc_md5))
        return Contents(unknown=tuple(key for key in keys if key in bucket.objects))
    return Contents(files={**(by_dvc or {}), **(listed or {})})


def _by_members(bucket: Bucket, artifact: Artifact) -> dict[str, Sha256] | None:
    key = artifact.parts_key
    try:
        data, _ = bucket.store.read(key, limit=LISTING_LIMIT)
        if sha256_bytes(data) != artifact.parts_sha256:
            return None
        members = listed_members(data, artifact, where=key)
    except (NotFoundError, FormatError, VerificationError):
        return None
    return {one: member.sha256 for one, member in members.items()}


def _by_listing(bucket: Bucket, dvc_md5: str) -> dict[str, None] | None:
    key = payload_key(bucket.country, dvc_md5)
    try:
        data, _ = bucket.store.read(key, limit=LISTING_LIMIT)
        if md5_bytes(data) != bare_md5(dvc_md5):
            return None
        files = parse_listing(data, where=key, remedy="")
    except (NotFoundError, FormatError):
        return None
    return {payload_key(bucket.country, file.md5): None for file in files}
