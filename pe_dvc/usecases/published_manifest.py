"""The manifest that was published of an artifact under a dataset's name.

The same bytes may be several datasets: an at-large state equals its only district. They are one
payload, with a manifest for each name. The first name that they are published under has the
plain key, any other one a key with its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import MANIFEST_LIMIT, manifest_key
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore


def read_manifest(
    store: ReadableStore, country: str, sha256: Sha256, name: str, expected: bytes | None = None
) -> tuple[bytes, str]:
    """Return the manifest of an artifact as the dataset ``name``, and its key. It is not verified.

    If the bytes were published under other names only, it is the manifest of the first one.
    One that is ``expected``, of this name, need not be parsed to see whose it is.
    Raises NotFoundError, StoreError.
    """
    key = manifest_key(country, sha256)
    data, _ = store.read(key, limit=MANIFEST_LIMIT)
    if data == expected or name_in(data) in (name, None):
        return data, key
    own = manifest_key(country, sha256, name)
    try:
        found, _ = store.read(own, limit=MANIFEST_LIMIT)
    except NotFoundError:
        return data, key
    return found, own


def name_in(data: bytes) -> str | None:
    """Return the dataset that a manifest says it is of, None for what is no manifest."""
    try:
        return Payload.of_manifest(data).name
    except FormatError:
        return None


def signed_key(country: str, sha256: Sha256, target: str, data: Mapping[str, bytes]) -> str:
    """Return the key of the manifest that a channel's ``target`` means.

    It has the dataset's name, if another dataset has the plain key. ``data`` are the manifests of
    the bucket, by key.
    """
    plain, name = manifest_key(country, sha256), "/".join(target.split("/")[2:])
    try:
        own = manifest_key(country, sha256, name)
    except FormatError:
        return plain
    is_another = plain in data and name_in(data[plain]) not in (name, None)
    return own if own in data or is_another else plain
