"""Roles whose version in git waits, while everything else is published: drafts, broken promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, RELEASE_MANIFEST, TRO, release_key
from pe_dvc.documents.release_target import releases_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.together import together
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import key_names, key_text, signatures
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore, Store
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.signed_metadata import SignedMetadata

REVIEWED = ("next", "revoked", "releases")
"""The roles that people may sign one after the other, on several machines."""

RELEASES = "releases"


def drafts(metadata: SignedMetadata) -> dict[str, str]:
    """Return the reviewed roles that too few keys signed yet, with how many."""
    found = {}
    for role in REVIEWED:
        delegator = metadata.delegator(role)
        result = signatures(delegator, role, metadata.role(role))
        if not result:
            version, names = metadata.role(role).signed.version, key_names(delegator, role)
            others = " or ".join(sorted(key_text(keyid, names) for keyid in result.unsigned))
            found[role] = (
                f"version {version} has {len(result.signed)} of the {result.threshold} signatures "
                f"that it needs, {result.missing} more of {others}: pe-dvc channel sign {role}"
            )
    return found


def check_drafts(
    bucket: ReadableChannels, metadata: SignedMetadata, waiting: dict[str, str]
) -> None:
    """Raise SignatureError for a draft that cannot wait: readers refuse what is published of it.

    That is so after a change of its keys.
    """
    if not waiting:
        return
    named = read_head(bucket).meta
    for role in waiting:
        if role not in named:
            continue
        of, version = metadata.delegator(role), named[role].version
        if bucket.signed(of, role, Targets, version, named[role]) is None:
            metadata.verified(role)


def unkept_promise(
    store: Store, metadata: SignedMetadata, publish: Callable[[Released], None]
) -> str | None:
    """Return why git's releases cannot be published: a document that the bucket lacks.

    None where nothing lacks. ``publish`` is asked for what does.
    """
    signed = metadata.role(RELEASES).signed
    where = metadata.where(RELEASES)
    registered = releases_of(plain(signed), country=metadata.country, where=where).values()
    with Pool(TRANSFERS) as pool:
        kept = run_all(pool, lambda one: _is_kept(store, metadata, one), list(registered))
    for released, there in zip(registered, kept, strict=True):
        if there:
            continue
        try:
            publish(released)
            from pe_dvc.usecases.release.statements import publish_statements

            publish_statements(store, metadata, released)
        except PeDvcError as error:
            return (
                f"release {released.tag} of version {signed.version} is not in the bucket: "
                f"{error.message}. Run pe-dvc release push {released.tag}"
            )
    return None


def _is_kept(store: ReadableStore, metadata: SignedMetadata, released: Released) -> bool:
    """Return whether the bucket has the documents that a release signs, and its statements."""

    def holds(file: str, sha256: Sha256) -> bool:
        key = release_key(released.country, released.tag, file)
        try:
            data, _ = store.read(key, limit=MANIFEST_LIMIT)
        except (NotFoundError, FormatError):
            return False
        return sha256_bytes(data) == sha256

    def is_stated() -> bool:
        if released.statements_sha256 is None:
            return True
        from pe_dvc.usecases.release.statements import is_published

        return is_published(store, metadata, released)

    kept = together(
        store,
        lambda: holds(RELEASE_MANIFEST, released.sha256),
        lambda: holds(TRO, released.tro_sha256),
        is_stated,
    )
    return all(kept)
