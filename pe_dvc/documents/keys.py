"""Where everything lies in the bucket. Keys are relative to the store's root.

Layout: ADR 0002. Every part that becomes a key is checked here, so that no
name can climb out of its country's prefix.
"""

from __future__ import annotations

import re

from pe_dvc.documents.release_tag import check_tag
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country

RELEASE_MANIFEST = "release_manifest.json"
TRO = "trace.tro.jsonld"
RELEASE_FILES = (RELEASE_MANIFEST, TRO)

MANIFEST_LIMIT = 64 * 1024 * 1024
"""Bytes beyond which no small document (manifest, chunk list, metadata) is read from a bucket."""

LISTING_LIMIT = 256 * 1024 * 1024
"""Bytes beyond which no object is read as DVC's listing of a directory."""

_DVC_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


def payload_key(country: str, dvc_md5: str) -> str:
    """Key of a payload as DVC lays it out below the remote ``<bucket>/<country>``.

    ``dvc_md5`` is DVC's hash value, with its suffix ``.dir`` for a directory's listing.
    """
    if not _DVC_MD5.fullmatch(dvc_md5):
        raise FormatError(f"{dvc_md5!r} is not a hash of DVC's: expected 32 hexadecimal digits")
    return f"{check_country(country)}/files/md5/{dvc_md5[:2]}/{dvc_md5[2:]}"


def manifest_key(country: str, sha256: Sha256) -> str:
    """Key of the manifest of the artifact with that sha256."""
    return f"{check_country(country)}/{_by_digest(sha256)}.manifest.json"


def chunks_key(country: str, sha256: Sha256) -> str:
    """Key of the list of chunk digests of the artifact with that sha256."""
    return f"{check_country(country)}/{_by_digest(sha256)}.chunks"


def tombstone_key(country: str, sha256: Sha256) -> str:
    """Key of the tombstone of the artifact with that sha256, present once it is revoked."""
    return f"{check_country(country)}/{_by_digest(sha256)}.tombstone.json"


def release_key(country: str, tag: str, file: str) -> str:
    """Key of a release's ``file``, one of ``RELEASE_FILES``. Raises ReleaseError for the tag."""
    if file not in RELEASE_FILES:
        raise FormatError(f"{file!r} is not a file of a release: {', '.join(RELEASE_FILES)}")
    return f"{check_country(country)}/releases/{check_tag(tag)}/{file}"


def channel_prefix(country: str) -> str:
    """Prefix below which a country's TUF metadata lies, with its final slash."""
    return f"channels/{check_country(country)}/"


def _by_digest(sha256: Sha256) -> str:
    check_sha256(sha256)
    return f"{sha256[:2]}/{sha256}"
