"""What obstore says of an object, as the store's ``ObjectInfo``."""

from __future__ import annotations

from typing import Any

from pe_dvc.store.port import ObjectInfo


def object_info(key: str, size: int, meta: Any) -> ObjectInfo:
    """Return what is known of an object, from obstore's metadata or the result of a put."""
    # Google compares generations (obstore's version), the others the e_tag: keep both.
    etag = f"{meta['e_tag'] or ''} {meta['version'] or ''}".rstrip()
    return ObjectInfo(key=key, size=size, etag=etag, modified=meta.get("last_modified"))
