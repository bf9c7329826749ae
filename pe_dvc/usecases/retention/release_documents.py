"""Are the documents of published releases in the bucket, as the role ``releases`` signed them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import (
    MANIFEST_LIMIT,
    RELEASE_MANIFEST,
    STATEMENTS,
    TRO,
    metadata_version,
    release_key,
)
from pe_dvc.documents.release_target import releases_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse, signatures
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.release.statements import read_published_statements, signed_in_git
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.retention.reachability import Bucket

ROLE = "releases"


def check_releases(bucket: Bucket, metadata: SignedMetadata) -> list[Finding]:
    """Return what is missing or altered of the documents of releases.

    Of the newest version of the role in the bucket that today's keys in ``metadata``, git's,
    signed. Statements that git holds signed are named by their digest, so that they can be put
    back. Raises StoreError.
    """
    releases = list(_published(bucket, metadata).values())
    with Pool(TRANSFERS) as pool:
        found = run_all(pool, lambda one: _findings(bucket, metadata, one), releases)
    return [finding for findings in found for finding in findings]


def _published(bucket: Bucket, metadata: SignedMetadata) -> dict[str, Released]:
    versions = {key: metadata_version(key) for key in bucket.channels if key not in bucket.foreign}
    keys = {found[1]: key for key, found in versions.items() if found and found[0] == ROLE}
    delegator = metadata.delegator(ROLE)
    for _, key in sorted(keys.items(), reverse=True):
        where = f"{bucket.store.url}/{key}"
        try:
            data, _ = bucket.store.read(key, limit=MANIFEST_LIMIT)
            role = parse(Targets, data, where=where)
        except FormatError:
            continue  # readers refuse it
        if signatures(delegator, ROLE, role):
            return releases_of(plain(role.signed), country=bucket.country, where=where)
    return {}


def _findings(bucket: Bucket, metadata: SignedMetadata, released: Released) -> list[Finding]:
    promised = ((RELEASE_MANIFEST, released.sha256), (TRO, released.tro_sha256))
    found = [_document(bucket, released, file, sha256) for file, sha256 in promised]
    if released.statements_sha256 is not None:
        found.append(_statements(bucket, metadata, released))
    return [one for one in found if one is not None]


def _document(bucket: Bucket, released: Released, file: str, sha256: Sha256) -> Finding | None:
    key, what = release_key(released.country, released.tag, file), f"release {released.tag}"
    try:
        data, _ = bucket.store.read(key, limit=MANIFEST_LIMIT)
    except NotFoundError:
        return Finding(fault="missing", key=key, what=what, detail="it is published", sha256=sha256)
    except FormatError as error:
        return Finding(fault="corrupt", key=key, what=what, detail=error.message, sha256=sha256)
    actual = sha256_bytes(data)
    if actual == sha256:
        return None
    detail = f"expected sha256:{sha256}, got sha256:{actual}"
    return Finding(fault="corrupt", key=key, what=what, detail=detail, sha256=sha256)


def _statements(bucket: Bucket, metadata: SignedMetadata, released: Released) -> Finding | None:
    key, what = release_key(released.country, released.tag, STATEMENTS), f"release {released.tag}"
    try:
        read_published_statements(bucket.store, metadata.delegator(ROLE), released)
    except (NotFoundError, FormatError, VerificationError) as error:
        good = signed_in_git(metadata, released)
        return Finding(
            fault="missing" if isinstance(error, NotFoundError) else "corrupt",
            key=key,
            what=what,
            detail=error.message,
            sha256=None if good is None else sha256_bytes(good),
        )
    return None
