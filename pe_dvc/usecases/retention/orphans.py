"""Objects of a bucket that nothing names, or that nothing signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import PAYLOADS, SIDECARS, parse_key, payload_prefix
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pe_dvc.usecases.retention.reachability import Bucket


def find_orphans(
    bucket: Bucket, sidecars: Collection[str], md5s: Collection[str] | None
) -> Iterator[Finding]:
    """Yield what does no harm: nothing promises it.

    ``sidecars`` are the keys that manifests name, ``md5s`` the hashes of payloads that anything
    does; with None no payload is called orphaned.
    """
    for sha256, key in bucket.of_kind("tombstone").items():
        # Anyone who writes to the bucket can put one there: it denies nothing (ADR 0008).
        detail = "a tombstone that no signed entry vouches for"
        yield Finding(fault="forged", key=key, what=sha256[:12], detail=detail)
    for kind in SIDECARS:
        for sha256, key in bucket.keys_of(kind):
            if key not in sidecars:
                yield _orphan(key, sha256[:12], "it has no manifest")
    prefix = payload_prefix(bucket.country)
    for key in bucket.objects:
        if key.startswith(prefix) and parse_key(key) is None:
            yield _orphan(key, key.removeprefix(prefix), "it is no object of DVC's")
    for kind in PAYLOADS if md5s is not None else ():
        for md5, key in bucket.of_kind(kind).items():
            if md5 not in (md5s or ()):
                yield _orphan(key, f"md5:{md5}", "nothing names it")


def _orphan(key: str, what: str, detail: str) -> Finding:
    return Finding(fault="orphaned", key=key, what=what, detail=detail)
