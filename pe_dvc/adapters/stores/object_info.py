"""What is known and kept of an object beside its bytes: obstore's metadata and attributes."""

from __future__ import annotations

from typing import Any

from pe_dvc.store.port import ObjectInfo


def attributes(key: str) -> dict[str, Any]:
    """Return what a bucket keeps beside an object's bytes, and answers as HTTP headers."""
    from pe_dvc.documents.cache_control import cache_control  # who only reads needs none

    return {"Cache-Control": cache_control(key)}


def whole(key: str) -> dict[str, Any]:
    """Return how an object is put in one request."""
    return {"attributes": attributes(key), "use_multipart": False}


def object_info(key: str, size: int, meta: Any) -> ObjectInfo:
    """Return what is known of an object, from obstore's metadata or the result of a put."""
    # Google compares generations (obstore's version), the others the e_tag: keep both.
    etag = f"{meta['e_tag'] or ''} {meta['version'] or ''}".rstrip()
    return ObjectInfo(key=key, size=size, etag=etag, modified=meta.get("last_modified"))
