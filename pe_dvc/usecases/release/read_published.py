"""What is published of a release: its documents, verified, and tombstones beside artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, RELEASE_MANIFEST, release_key, tombstone_key
from pe_dvc.primitives.digest import check_promised
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.port import head_if_there
from pe_dvc.usecases.parallel import TRANSFERS

if TYPE_CHECKING:
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore


UNSIGNED_TOMBSTONE = "there is an unsigned tombstone"


def read_published(store: ReadableStore, released: Released, file: str = RELEASE_MANIFEST) -> bytes:
    """Return a published document of a signed release. Raises DigestMismatchError if altered."""
    key = release_key(released.country, released.tag, file)
    data, _ = store.read(key, limit=MANIFEST_LIMIT)
    expected = released.sha256 if file == RELEASE_MANIFEST else released.tro_sha256
    what = f"{file} of release {released.tag}"
    check_promised(data, expected, what=what, by="signed", source=f"{store.url}/{key}")
    return data


def with_tombstone(store: ReadableStore, country: str, digests: set[Sha256]) -> set[Sha256]:
    """Return those of ``digests`` that the store has a tombstone of.

    It is unsigned, and anyone who writes to the bucket may have put it there: it is something
    to tell people of, and decides nothing (ADR 0008).
    """

    def found(digest: Sha256) -> bool:
        return head_if_there(store, tombstone_key(country, digest)) is not None

    ordered = sorted(digests)
    with Pool(TRANSFERS) as pool:
        return {d for d, gone in zip(ordered, pool.map(found, ordered), strict=True) if gone}
